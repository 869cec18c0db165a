"""How sure a run's networks are of each held-out clip, and whether rightly so.

A calibrated network is right about 8 of 10 clips to which it gives a probability of 0.8. Source
of the expected calibration error: Guo et al., "On Calibration of Modern Neural Networks", ICML
2017, equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from gamdss.errors import FoldError
from gamdss.metrics.intervals import Interval, wilson
from gamdss.metrics.selection import Selection, chosen_logits
from gamdss.records import FoldResult

BINS = 10


@dataclass(frozen=True, eq=False)
class ClipPrediction:
    """One held-out clip: its true class (`label`) and the classes' probabilities (C,)."""

    clip: str
    fold: str
    label: int
    chances: np.ndarray

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return int(self.chances.argmax())

    @property
    def confidence(self) -> float:
        """The probability of the predicted class."""
        return float(self.chances.max())

    @property
    def right(self) -> bool:
        """Whether the predicted class is the true one."""
        return self.predicted == self.label


def clip_predictions(folds: Sequence[FoldResult], selection: Selection) -> list[ClipPrediction]:
    """Every held-out clip of a run at a selection, the most certain first."""
    found = [
        ClipPrediction(clip, fold.name, int(label), chances)
        for fold in folds
        for clip, label, chances in zip(
            fold.clips, fold.labels, _probabilities(chosen_logits(fold, selection)), strict=True
        )
    ]
    return sorted(found, key=lambda clip: (-clip.confidence, clip.clip))


def notable(found: Sequence[ClipPrediction], count: int) -> dict[str, list[ClipPrediction]]:
    """The clips most worth looking at: up to `count` of each kind, each clip once.

    Args:
        found: in the order of `clip_predictions`.
        count: most clips of a kind.
    """
    right = [clip for clip in found if clip.right][:count]
    wrong = [clip for clip in found if not clip.right][:count]
    rest = [clip for clip in found[::-1] if clip not in right and clip not in wrong][:count]
    kinds = {
        "Most certain, and right": right,
        "Most certain, and wrong": wrong,
        "Least certain": rest,
    }
    return {name: clips for name, clips in kinds.items() if clips}


@dataclass(frozen=True)
class Bin:
    """Clips whose confidence lies in (low, high]: their number, mean confidence and accuracy."""

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float
    interval: Interval
    """Wilson's 95% interval of the accuracy."""


@dataclass(frozen=True)
class Calibration:
    """The bins that are not empty, and the mean gap between confidence and accuracy (ECE)."""

    bins: tuple[Bin, ...]
    error: float
    accuracy: float
    confidence: float


def pooled(
    folds: Sequence[FoldResult], selection: Selection
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Logits (N, C) at a selection, labels (N,) and clips of all folds, in their order.

    Raises:
        FoldError: no folds, or none at this selection.
    """
    if not folds:
        raise FoldError("no folds to pool", remedy="Train at least one fold first.")
    logits = np.concatenate([chosen_logits(fold, selection) for fold in folds])
    labels = np.concatenate([fold.labels for fold in folds])
    return logits, labels, tuple(clip for fold in folds for clip in fold.clips)


def calibration(logits: np.ndarray, labels: np.ndarray) -> Calibration:
    """Reliability of predictions from logits (N, C) and labels (N,), in bins of equal width."""
    chances = _probabilities(logits)
    confidence, right = chances.max(1), chances.argmax(1) == labels
    edges = np.linspace(0, 1, BINS + 1)
    number = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, BINS - 1)
    found = []
    for place in np.unique(number):
        chosen = number == place
        count, hits = int(chosen.sum()), int(right[chosen].sum())
        low, high = edges[place : place + 2].tolist()
        sure = float(confidence[chosen].mean())
        found.append(Bin(low, high, count, sure, hits / count, wilson(hits, count)))
    error = sum(b.clips * abs(b.accuracy - b.confidence) for b in found) / len(labels)
    return Calibration(tuple(found), float(error), float(right.mean()), float(confidence.mean()))


def _probabilities(logits: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(logits.astype(np.float64), axis=1))  # (N, C)
