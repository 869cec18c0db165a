"""Spot-then-recognise score (STRS): F1 of spotting times F1 of recognition, of micro-expressions.

Recognition is evaluated on spotted true positives only: each label is paired with the prediction
that reaches it, in order of their IoU. Its F1 is that of the unweighted means over classes of
precision and recall (public code of MEAN, Gan et al.). Pairs whose label has no class are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.metrics.bootstrap import subject_draws
from gamdss.metrics.intervals import Interval, share_intervals
from gamdss.metrics.spotting import (
    Counts,
    SpottedRecording,
    count_matches,
    matched_pairs,
)


@dataclass(frozen=True)
class RecognisedRecording:
    """A spotted recording with the class of each of its labels (None: none) and predictions."""

    spotted: SpottedRecording
    true: tuple[str | None, ...]
    predicted: tuple[str, ...]


@dataclass(frozen=True)
class StrsScore:
    """STRS with its 95% interval for subjects drawn anew, None for too few subjects.

    `pairs` is the number of true positives whose label has a class.
    """

    value: float
    spotting_f1: float
    analysis_f1: float
    pairs: int
    interval: Interval | None


def analysis_f1(confusions: np.ndarray) -> np.ndarray:
    """F1 (...) of recognition from counts (..., C, C) of true (rows) and predicted classes.

    Precision and recall are averaged over the classes first; both are 0 for a class without
    predictions, or labels.
    """
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    precision = (hits / np.maximum(confusions.sum(axis=-2), 1)).mean(axis=-1)
    recall = (hits / np.maximum(confusions.sum(axis=-1), 1)).mean(axis=-1)
    return np.asarray(2 * precision * recall / np.maximum(precision + recall, 1e-12))


def strs_score(recordings: Iterable[RecognisedRecording], classes: Sequence[str]) -> StrsScore:
    """The score of micro-expressions over all recordings; 0 without any."""
    counts: dict[str, Counts] = defaultdict(Counts)
    confusions: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((len(classes), len(classes))))
    for item in recordings:
        spotted, subject = item.spotted, item.spotted.subject
        labels, found = (
            [i for i, span in enumerate(spans) if span.type == "micro"]
            for spans in (spotted.labels, spotted.predictions)
        )
        spans = [spotted.labels[i] for i in labels], [spotted.predictions[i] for i in found]
        counts[subject] += count_matches(*spans)
        table = confusions[subject]
        for label, prediction in matched_pairs(*spans):
            true = item.true[labels[label]]
            if true in classes:
                table[classes.index(true), classes.index(item.predicted[found[prediction]])] += 1
    if not counts:
        return StrsScore(0.0, 0.0, 0.0, 0, None)
    spotted_counts = np.array([(c.tp, c.fp, c.fn) for c in counts.values()], float)  # (G, 3)
    recognised = np.array(list(confusions.values()))  # (G, C, C)
    people = len(spotted_counts)
    all_once = _factors(np.ones((1, people)), spotted_counts, recognised)
    spotting, analysis = (float(value[0]) for value in all_once)
    first, second = _factors(subject_draws(people), spotted_counts, recognised)
    middle = np.array([spotting * analysis])
    (interval,) = share_intervals(middle, (first * second)[:, None], people)
    pairs = int(recognised.sum())
    return StrsScore(spotting * analysis, spotting, analysis, pairs, interval)


def _factors(
    weights: np.ndarray, spotted: np.ndarray, recognised: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """F1 of spotting and of recognition (B,) for weights (B, G) of the subjects."""
    tp, fp, fn = (weights @ spotted).T
    tables = np.einsum("bg,gij->bij", weights, recognised)
    return 2 * tp / np.maximum(2 * tp + fp + fn, 1), analysis_f1(tables)
