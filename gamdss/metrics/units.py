"""Scores of action units: each unit is a binary decision, and a clip may show several.

F1 of each unit over the pooled held-out clips and its mean, as in MEB's cross-dataset protocol
(arXiv 2211.11425). A unit without clips to train on or to evaluate has no F1 rather than one of 0,
and the means leave it out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gamdss.errors import FoldError
from gamdss.metrics.scores import MEASURES, ClassScores, Scores
from gamdss.records import FoldResult

# Counts of a unit, by 2 * true + predicted.
ABSENT, FALSE, MISSED, FOUND = range(4)


def scored_units(folds: Sequence[FoldResult]) -> np.ndarray:
    """Which units (U,) have clips in a fold both to train on and to evaluate."""
    scored = np.zeros(folds[0].logits.shape[2], bool)
    for fold in folds:
        trained = True if fold.training_positives is None else fold.training_positives > 0
        scored |= fold.labels.any(0) & trained
    return scored


def unit_counts(
    labels: np.ndarray, predicted: np.ndarray, group: np.ndarray, groups: int
) -> np.ndarray:
    """Counts (G, U, 4) float64 of units (N, U) in each group (N,) of clips.

    The last axis is absent and not predicted, falsely predicted, missed, found.
    """
    counts = np.zeros((groups, labels.shape[1], 4))
    units = np.arange(labels.shape[1])
    np.add.at(counts, (group[:, None], units, 2 * labels + predicted), 1)
    return counts


def unit_f1(counts: np.ndarray) -> np.ndarray:
    """F1 (...) of counts (..., 4); NaN without a clip where the unit moves."""
    doubled = 2 * counts[..., FOUND]
    counted = doubled + counts[..., FALSE] + counts[..., MISSED]
    return np.where(_positives(counts) > 0, doubled / np.maximum(counted, 1), np.nan)


def unit_measures(
    by_choice: np.ndarray, for_accuracy: np.ndarray, scored: np.ndarray
) -> np.ndarray:
    """The `MEASURES` (..., 4) of counts (..., U, 4).

    The accuracy is the share of all decisions that are right. The others are means over the scored
    units that move in a clip: of F1, of the recall, and of F1 weighted by the number of clips.

    Args:
        by_choice: counts for all but the accuracy.
        for_accuracy: counts for the accuracy.
        scored: which units count (U,).
    """
    counts = by_choice[..., scored, :]
    positives = _positives(counts)
    units = np.maximum((positives > 0).sum(-1), 1)
    f1 = np.nan_to_num(unit_f1(counts))
    recall = counts[..., FOUND] / np.maximum(positives, 1)
    right = for_accuracy[..., [ABSENT, FOUND]].sum((-2, -1))
    return np.stack(
        (
            right / np.maximum(for_accuracy.sum((-2, -1)), 1),
            f1.sum(-1) / units,
            recall.sum(-1) / units,
            (f1 * positives).sum(-1) / np.maximum(positives.sum(-1), 1),
        ),
        axis=-1,
    )


def unit_scores(labels: np.ndarray, predicted: np.ndarray, scored: np.ndarray) -> Scores:
    """Scores of predicted units (N, U) against true ones, over the scored units (U,).

    Raises:
        FoldError: no clip, different shapes, or no unit that is scored.
    """
    if labels.shape != predicted.shape or not labels.size or not scored.any():
        raise FoldError(
            f"units of shape {labels.shape}, predictions of shape {predicted.shape}, "
            f"{int(scored.sum())} of them scored",
            remedy="Pass as many predictions as units, and a unit with clips to train on.",
        )
    counts = unit_counts(labels, predicted, np.zeros(len(labels), int), 1)[0]  # (U, 4)
    return Scores(
        **dict(zip(MEASURES, unit_measures(counts, counts, scored).tolist(), strict=True)),
        per_class=tuple(_of_unit(*pair) for pair in zip(counts, scored, strict=True)),
        confusion=counts.astype(np.int64),
    )


def _of_unit(counts: np.ndarray, scored: bool) -> ClassScores:
    positives = int(_positives(counts))
    if not scored or not positives:
        return ClassScores(None, None, None, positives)
    predicted = max(counts[FALSE] + counts[FOUND], 1)
    precision, recall = counts[FOUND] / predicted, counts[FOUND] / positives
    return ClassScores(float(precision), float(recall), float(unit_f1(counts)), positives)


def _positives(counts: np.ndarray) -> np.ndarray:
    return np.asarray(counts[..., MISSED] + counts[..., FOUND])
