"""What the original release would have printed for a run, from the stored logits.

The release (code of arXiv 2603.04766, v1.0.1) chooses the epoch on the held-out subject (the
oracle), takes accuracy and F1 from two epochs, and divides its "UAR" by predicted counts, which
makes it a precision. Its CAS(ME)3 7-class script keeps the predictions of the epoch with the best
accuracy, the others those of the best F1; its CASME II scripts print no UAR.
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
    """Measures as the release defines them, 0 to 1.

    `precision` is what it calls UAR: the mean precision over the classes that were true or
    predicted, 0 for a class that was never predicted. `prints_uar` is whether its script prints
    it, `one_epoch` whether accuracy and F1 are of the same epoch.
    """

    accuracy: float
    f1: float
    precision: float
    prints_uar: bool
    one_epoch: bool


def original_report(
    folds: Sequence[FoldResult], num_classes: int, dataset: str, task: str
) -> OriginalReport:
    """Measures of a run of spec `dataset` and `task`.

    Raises:
        FoldError: no folds, or one that is empty, misshapen or not finite.
    """
    chosen = predictions(folds, num_classes, "oracle")
    one_epoch = (dataset, task) == ("cas3", "c7")
    predicted = chosen.for_accuracy if one_epoch else chosen.predicted
    found = scores(chosen.labels, predicted, num_classes)
    counted = found.confusion.sum(axis=0) + found.confusion.sum(axis=1) > 0
    precisions = np.array([values.precision for values in found.per_class])
    return OriginalReport(
        accuracy=chosen.scores(num_classes).accuracy,
        f1=found.uf1,
        precision=float(precisions[counted].mean()),
        prints_uar=dataset != "cas2",
        one_epoch=one_epoch,
    )
