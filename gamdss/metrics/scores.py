"""Figures over pooled held-out predictions: accuracy, UF1, UAR, weighted F1, confusion.

UF1 and UAR as MEGC 2019 defines them: unweighted means over classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    recall_score,
)

from gamdss.errors import FoldError


@dataclass(frozen=True)
class ClassScores:
    """One class against the rest, 0 to 1; a ratio with nothing below the line is 0."""

    precision: float
    recall: float
    f1: float
    support: int
    """Number of clips whose true class this is."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What pooled predictions amount to, as shares from 0 to 1."""

    accuracy: float
    uf1: float
    """Macro F1 over the classes that were true or predicted at least once: a class nobody has
    and nobody predicted does not count, one that is only predicted counts with 0."""
    uar: float
    """Mean recall over the classes that occur in the true labels (balanced accuracy): without a
    sample a recall is undefined, whatever was predicted."""
    weighted_f1: float
    per_class: tuple[ClassScores, ...]
    confusion: np.ndarray
    """(C, C) int64 counts, row = true class, column = predicted class."""

    def as_dict(self, classes: Sequence[str]) -> dict[str, Any]:
        """Plain values for JSON; `classes` names the C classes in order.

        Raises:
            FoldError: another number of names, or a name twice.
        """
        if len(classes) != len(self.per_class) or len(set(classes)) != len(classes):
            raise FoldError(
                f"class names {list(classes)} for {len(self.per_class)} classes",
                remedy="Give each class one name of its own.",
            )
        return {
            "accuracy": self.accuracy,
            "uf1": self.uf1,
            "uar": self.uar,
            "weighted_f1": self.weighted_f1,
            "per_class": {
                name: dict(vars(values))
                for name, values in zip(classes, self.per_class, strict=True)
            },
            "confusion": self.confusion.tolist(),
        }


def scores(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> Scores:
    """Score predictions (N,) against true labels (N,), both class indices below `num_classes`.

    Raises:
        FoldError: nothing to score, lengths that differ, or values that are no class index.
    """
    labels = class_indices("labels", labels, num_classes)
    predictions = class_indices("predictions", predictions, num_classes)
    if len(labels) != len(predictions):
        raise FoldError(
            f"{len(labels)} labels but {len(predictions)} predictions",
            remedy="Pass one prediction for each label, in the same order.",
        )
    every = np.arange(num_classes)
    columns = precision_recall_fscore_support(labels, predictions, labels=every, zero_division=0)
    return Scores(
        accuracy=float(accuracy_score(labels, predictions)),
        uf1=float(f1_score(labels, predictions, average="macro", zero_division=0)),
        uar=float(
            recall_score(
                labels, predictions, labels=np.unique(labels), average="macro", zero_division=0
            )
        ),
        weighted_f1=float(f1_score(labels, predictions, average="weighted", zero_division=0)),
        per_class=tuple(
            ClassScores(float(precision), float(recall), float(f1), int(support))
            for precision, recall, f1, support in zip(*columns, strict=True)
        ),
        confusion=confusion_matrix(labels, predictions, labels=every),
    )


def class_indices(name: str, values: np.ndarray, num_classes: int) -> np.ndarray:
    """`values` as an array, if it holds class indices and nothing else."""
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0:
        raise FoldError(
            f"{name} have shape {values.shape}",
            remedy="Pass one class index for each clip, at least one.",
        )
    wrong = (
        values if values.dtype.kind not in "iu" else values[(values < 0) | (values >= num_classes)]
    )
    if len(wrong):
        raise FoldError(
            f"{name} hold {wrong[0]}, which is no class index",
            remedy=f"Class indices are integers from 0 to {num_classes - 1}.",
        )
    return values
