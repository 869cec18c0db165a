"""What the original release would have printed for a run, from the kept logits.

The epoch is chosen on the held-out subject (the oracle), accuracy and F1 are of two epochs, and
"UAR" is divided by predicted counts, which makes it a precision (code of arXiv 2603.04766,
v1.0.1). Its CAS(ME)3 7-class script keeps the predictions of the epoch with the best accuracy,
the others those of the best F1; its CASME II scripts print no UAR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.metrics.scores import scores
from gamdss.metrics.selection import predictions
from gamdss.records import FoldResult


@dataclass(frozen=True)
class OriginalReport:
    """Figures in the original's sense, 0 to 1.

    `precision` is what it calls UAR: the mean precision over the classes that were true or
    predicted, 0 for one that nobody predicted. `prints_uar` says whether its script prints it,
    `one_epoch` whether accuracy and F1 are of the same epoch.
    """

    accuracy: float
    f1: float
    precision: float
    prints_uar: bool
    one_epoch: bool


def original_report(
    folds: Sequence[FoldResult], num_classes: int, dataset: str, task: str
) -> OriginalReport:
    """Figures of a run of spec `dataset` and `task`.

    Raises:
        FoldError: no folds, or one that is empty, misshapen or not finite.
    """
    chosen = predictions(folds, num_classes, "oracle")
    one_epoch = (dataset, task) == ("cas3", "c7")
    judged = scores(
        chosen.labels, chosen.for_accuracy if one_epoch else chosen.predicted, num_classes
    )
    counted = judged.confusion.sum(axis=0) + judged.confusion.sum(axis=1) > 0
    precisions = np.array([values.precision for values in judged.per_class])
    return OriginalReport(
        accuracy=chosen.scores(num_classes).accuracy,
        f1=judged.uf1,
        precision=float(precisions[counted].mean()),
        prints_uar=dataset != "cas2",
        one_epoch=one_epoch,
    )
