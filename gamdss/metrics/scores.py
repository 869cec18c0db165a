"""Measures of pooled held-out predictions: accuracy, UF1, UAR, weighted F1, confusion.

UF1 and UAR are unweighted means over classes, as MEGC 2019 defines them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.errors import FoldError

# The fields of `Measures` and their titles in tables; `scores` and `measures` compute them.
MEASURES = {"accuracy": "accuracy", "uf1": "UF1", "uar": "UAR", "weighted_f1": "weighted F1"}


@dataclass(frozen=True)
class Measures:
    """What tables show of predictions, each 0 to 1."""

    accuracy: float
    uf1: float
    """Macro F1 over the classes that were true or predicted at least once; one that was only
    predicted counts as 0."""
    uar: float
    """Mean recall over the classes that occur in the true labels (balanced accuracy)."""
    weighted_f1: float


@dataclass(frozen=True)
class ClassScores:
    """One class against the rest, 0 to 1; a ratio with denominator 0 is 0.

    None for an action unit without clips to train on or to evaluate.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    """Number of clips whose true class this is."""


@dataclass(frozen=True, eq=False)
class Scores(Measures):
    """Measures of pooled predictions, of each class, and their confusion."""

    per_class: tuple[ClassScores, ...]
    confusion: np.ndarray
    """(C, C) int64 counts, row = true class, column = predicted class; of action units (U, 4): not
    there and not predicted, falsely predicted, missed, found."""


def scores(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> Scores:
    """Score predictions (N,) against true labels (N,), both class indices below `num_classes`.

    Raises:
        FoldError: nothing to score, different lengths, or values that are not class indices.
    """
    labels = class_indices("labels", labels, num_classes)
    predictions = class_indices("predictions", predictions, num_classes)
    if len(labels) != len(predictions):
        raise FoldError(
            f"{len(labels)} labels but {len(predictions)} predictions",
            remedy="Pass one prediction for each label, in the same order.",
        )
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (labels, predictions), 1)
    return Scores(
        **dict(zip(MEASURES, measures(counts, counts).tolist(), strict=True)),
        per_class=_of_classes(counts),
        confusion=counts,
    )


def _of_classes(counts: np.ndarray) -> tuple[ClassScores, ...]:
    hits, predicted, true = counts.diagonal(), counts.sum(0), counts.sum(1)
    precision, recall = hits / np.maximum(predicted, 1), hits / np.maximum(true, 1)
    f1 = 2 * hits / np.maximum(predicted + true, 1)
    columns = (each.tolist() for each in (precision, recall, f1, true))
    return tuple(ClassScores(*values) for values in zip(*columns, strict=True))


def measures(by_choice: np.ndarray, for_accuracy: np.ndarray) -> np.ndarray:
    """The `MEASURES` (..., 4) of confusion counts (..., C, C), rows true, as in `scores`.

    Args:
        by_choice: counts for all but the accuracy.
        for_accuracy: counts for the accuracy.
    """
    hits = np.diagonal(by_choice, axis1=-2, axis2=-1)  # (..., C)
    true, counted = by_choice.sum(-1), by_choice.sum(-1) + by_choice.sum(-2)
    f1 = 2 * hits / np.maximum(counted, 1)
    recall = hits / np.maximum(true, 1)
    right = np.trace(for_accuracy, axis1=-2, axis2=-1)
    return np.stack(
        (
            right / np.maximum(for_accuracy.sum((-2, -1)), 1),
            macro_f1(hits, counted),
            recall.sum(-1) / np.maximum((true > 0).sum(-1), 1),
            (f1 * true).sum(-1) / np.maximum(true.sum(-1), 1),
        ),
        axis=-1,
    )


def macro_f1(hits: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """UF1 (...) of each class's true positives and 2 TP + FP + FN, both (..., C)."""
    f1 = 2 * hits / np.maximum(counted, 1)
    return np.asarray(f1.sum(-1) / np.maximum((counted > 0).sum(-1), 1))


def class_indices(name: str, values: np.ndarray, num_classes: int) -> np.ndarray:
    """`values` as an array of class indices.

    Raises:
        FoldError: none, or one that is not a class index.
    """
    if not isinstance(num_classes, int | np.integer):
        raise FoldError(f"num_classes is {num_classes!r}", remedy="Pass an integer.")
    values = np.asarray(values)
    if values.ndim != 1 or len(values) == 0:
        raise FoldError(
            f"{name} have shape {values.shape}",
            remedy="Pass one class index for each of one or more clips.",
        )
    wrong = (
        values if values.dtype.kind not in "iu" else values[(values < 0) | (values >= num_classes)]
    )
    if len(wrong):
        raise FoldError(
            f"{name} contain {wrong[0]}, which is not a class index",
            remedy=f"Class indices are integers from 0 to {num_classes - 1}.",
        )
    return values
