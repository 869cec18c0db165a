"""The bootstrap over subjects: clips of a subject are alike, so they are drawn together.

A subject is its confusion counts, so a draw is a weighted sum of them and all draws are scored at
once; scikit-learn, one draw at a time, takes 4 ms each, 8 s for a run, here 0.05 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats

from gamdss.errors import FoldError
from gamdss.metrics.selection import Predictions

MEASURES = ("accuracy", "uf1", "uar", "weighted_f1")
CONFIDENCE = 0.95
DRAWS = 2000
_SEED = 20260304


def measures(by_choice: np.ndarray, for_accuracy: np.ndarray) -> np.ndarray:
    """Accuracy, UF1, UAR and weighted F1 (..., 4), as `scores` has them.

    Args:
        by_choice: (..., C, C) confusion counts, rows true: of everything but the accuracy.
        for_accuracy: (..., C, C) of the accuracy.
    """
    hits = np.diagonal(by_choice, axis1=-2, axis2=-1)  # (..., C)
    true, counted = by_choice.sum(-1), by_choice.sum(-1) + by_choice.sum(-2)
    f1 = 2 * hits / np.maximum(counted, 1)
    recall = hits / np.maximum(true, 1)
    total = np.maximum(true.sum(-1), 1)
    right = np.trace(for_accuracy, axis1=-2, axis2=-1)
    return np.stack(
        (
            right / np.maximum(for_accuracy.sum((-2, -1)), 1),
            f1.sum(-1) / np.maximum((counted > 0).sum(-1), 1),
            recall.sum(-1) / np.maximum((true > 0).sum(-1), 1),
            (f1 * true).sum(-1) / total,
        ),
        axis=-1,
    )


def confusions(of: Predictions, num_classes: int) -> np.ndarray:
    """Confusion counts of each subject (sorted): of choice and accuracy, (2, G, C, C)."""
    names, subject = np.unique(of.subjects, return_inverse=True)
    counts = np.zeros((2, len(names), num_classes, num_classes))
    for place, predicted in enumerate((of.predicted, of.for_accuracy)):
        np.add.at(counts[place], (subject, of.labels, predicted), 1)
    return counts


def drawn(counts: np.ndarray) -> np.ndarray:
    """Measures (B, 4) of draws of whole subjects from their counts (2, G, C, C).

    The same number of subjects gives the same draws: runs on the same clips are paired.
    """
    subjects = counts.shape[1]
    times = _times(subjects, DRAWS)
    shape = (len(times), *counts.shape[2:])
    by_choice, for_accuracy = ((times @ part.reshape(subjects, -1)) for part in counts)
    return measures(by_choice.reshape(shape), for_accuracy.reshape(shape))


@cache
def _times(subjects: int, draws: int) -> np.ndarray:
    """How often each subject is in each draw, (B, G)."""
    rng = np.random.default_rng((_SEED, subjects))
    drawn = rng.multinomial(subjects, np.full(subjects, 1 / subjects), draws)
    return np.asarray(drawn, float)  # of floats a product with counts is fast


def half_widths(draws: np.ndarray, subjects: int) -> np.ndarray:
    """Half the width of the 95% interval of each column of draws (B, K).

    Student's t times the bootstrap error, both for that many subjects.
    """
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, subjects - 1)
    return np.asarray(reach * np.sqrt(subjects / (subjects - 1)) * draws.std(axis=0))


def check_same_clips(runs: Sequence[Predictions]) -> None:
    """Refuse runs whose clips or labels differ, and name what differs.

    Raises:
        FoldError: names the first clips.
    """
    known = dict(zip(runs[0].clips, runs[0].labels.tolist(), strict=True))
    for run in runs[1:]:
        other = dict(zip(run.clips, run.labels.tolist(), strict=True))
        for mine, theirs, where in ((known, other, "first"), (other, known, "other")):
            alone = [clip for clip in mine if clip not in theirs]
            if alone:
                raise FoldError(
                    f"{len(alone)} clip(s) are in the {where} run only: {_some(alone)}",
                    remedy="Compare runs that were judged on the same clips.",
                )
        moved = [clip for clip in known if known[clip] != other[clip]]
        if moved:
            raise FoldError(
                f"{len(moved)} clip(s) have another true class in the other run: {_some(moved)}",
                remedy="Compare runs on the same task and workbook.",
            )


def _some(clips: Sequence[str]) -> str:
    return ", ".join(clips[:5]) + (f" and {len(clips) - 5} more" if len(clips) > 5 else "")
