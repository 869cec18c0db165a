"""Does a probability of 0.8 mean that 8 of 10 clips are right? Reliability of held-out logits.

Source of the expected calibration error: Guo et al., "On Calibration of Modern Neural Networks",
ICML 2017, equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from gamdss.errors import FoldError
from gamdss.metrics import Selection, chosen_logits, wilson
from gamdss.records import FoldResult

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Clips whose confidence lies in (low, high]: how many, how sure, how many of them right."""

    low: float
    high: float
    clips: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]
    """Wilson's 95% interval of the accuracy."""


@dataclass(frozen=True)
class Calibration:
    """Bins that have clips, and how far confidence and accuracy lie apart on average (ECE)."""

    bins: tuple[Bin, ...]
    error: float
    accuracy: float
    confidence: float


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of logits (N, C) along the classes, float64."""
    return np.asarray(softmax(logits.astype(np.float64), axis=1))


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


def calibration(logits: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Calibration:
    """Reliability of predictions from logits (N, C) and labels (N,), in bins of equal width."""
    chances = probabilities(logits)
    confidence, right = chances.max(1), chances.argmax(1) == labels
    edges = np.linspace(0, 1, bins + 1)
    number = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    found = []
    for place in np.unique(number):
        chosen = number == place
        count, hits = int(chosen.sum()), int(right[chosen].sum())
        low, high = wilson(hits, count)
        sure, share = float(confidence[chosen].mean()), hits / count
        found.append(
            Bin(float(edges[place]), float(edges[place + 1]), count, sure, share, (low, high))
        )
    error = sum(b.clips * abs(b.accuracy - b.confidence) for b in found) / len(labels)
    return Calibration(tuple(found), float(error), float(right.mean()), float(confidence.mean()))
