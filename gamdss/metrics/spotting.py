"""Scores of spotting in long recordings by the rule of the MEGC.

The rule is that of the official baseline of MEGC2020 (public code of He et al.'s MDMD): a
prediction reaches a label of the same recording and type whose intersection over union is 0.5 or
more, both ends counted. True positives are labels that are reached; all other predictions are
false positives, so that a second one on the same label counts against the method. Counts are
summed over all recordings, those without any label included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gamdss.errors import ConfigError
from gamdss.metrics.bootstrap import enough, subject_draws
from gamdss.metrics.intervals import Interval, share_intervals

IOU = 0.5
TYPES = ("micro", "macro")
Rule = Literal["megc", "one_to_one"]


@dataclass(frozen=True)
class Span:
    """An expression: its type, and onset and offset as frame numbers, both inside it."""

    type: str
    onset: int
    offset: int

    def __post_init__(self) -> None:
        if self.type not in TYPES or self.onset > self.offset:
            raise ConfigError(
                f"an expression of type {self.type!r} from frame {self.onset} to {self.offset}",
                remedy="Its type must be micro or macro, and its onset not after its offset.",
            )


@dataclass(frozen=True)
class Counts:
    """True positives, false positives and false negatives."""

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of predictions that reach a label; 0 without predictions."""
        return self.tp / max(self.tp + self.fp, 1)

    @property
    def recall(self) -> float:
        """Share of labels that are reached; 0 without labels."""
        return self.tp / max(self.tp + self.fn, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 without predictions and labels."""
        return 2 * self.tp / max(2 * self.tp + self.fp + self.fn, 1)


@dataclass(frozen=True)
class SpottedRecording:
    """Labels and predictions of one recording; both may be empty."""

    subject: str
    labels: tuple[Span, ...]
    predictions: tuple[Span, ...]


@dataclass(frozen=True)
class SpottingScore:
    """Counts of one type or of both, with 95% intervals for subjects drawn anew.

    Intervals are of precision, recall and F1, in this order; None for too few subjects.
    """

    counts: Counts
    intervals: tuple[Interval | None, Interval | None, Interval | None]


def iou(first: Span, second: Span) -> float:
    """Intersection over union in frames, both ends counted."""
    inside = min(first.offset, second.offset) - max(first.onset, second.onset) + 1
    lengths = (first.offset - first.onset + 1) + (second.offset - second.onset + 1)
    return max(inside, 0) / (lengths - max(inside, 0))


def count_matches(
    labels: Sequence[Span], predictions: Sequence[Span], rule: Rule = "megc"
) -> Counts:
    """Counts of one recording and type.

    By `megc`, one prediction may reach two labels that overlap; by `one_to_one`, pairs are taken
    in order of their IoU and each prediction reaches one label at most.
    """
    if rule == "one_to_one":
        hit = len(matched_pairs(labels, predictions))
    else:
        hit = sum(any(iou(label, found) >= IOU for found in predictions) for label in labels)
    return Counts(hit, max(len(predictions) - hit, 0), len(labels) - hit)


def matched_pairs(labels: Sequence[Span], predictions: Sequence[Span]) -> list[tuple[int, int]]:
    """Places of labels and of the predictions that reach them, the best pairs first."""
    pairs = sorted(
        (-iou(label, found), i, j)
        for i, label in enumerate(labels)
        for j, found in enumerate(predictions)
        if iou(label, found) >= IOU
    )
    taken: list[tuple[int, int]] = []
    for _, i, j in pairs:
        if all(i != one and j != other for one, other in taken):
            taken.append((i, j))
    return taken


def spotting_scores(
    recordings: Iterable[SpottedRecording], rule: Rule = "megc"
) -> dict[str, SpottingScore]:
    """Scores of micro- and macro-expressions and of both (`overall`), types kept apart.

    Intervals are by the bootstrap over subjects of the other measures.
    """
    by_subject: dict[str, dict[str, Counts]] = {}
    for recording in recordings:
        mine = by_subject.setdefault(recording.subject, dict.fromkeys(TYPES, Counts()))
        for name in TYPES:
            labels = [span for span in recording.labels if span.type == name]
            found = [span for span in recording.predictions if span.type == name]
            mine[name] += count_matches(labels, found, rule)
    scores = {name: _score([mine[name] for mine in by_subject.values()]) for name in TYPES}
    both = [mine["micro"] + mine["macro"] for mine in by_subject.values()]
    return {**scores, "overall": _score(both)}


def _score(by_subject: Sequence[Counts]) -> SpottingScore:
    total = sum(by_subject, Counts())
    if not enough(len(by_subject)):
        return SpottingScore(total, (None, None, None))
    counts = np.array([(c.tp, c.fp, c.fn) for c in by_subject], float)  # (G, 3)
    tp, fp, fn = (subject_draws(len(counts)) @ counts).T
    draws = np.stack(
        [
            tp / np.maximum(tp + fp, 1),
            tp / np.maximum(tp + fn, 1),
            2 * tp / np.maximum(2 * tp + fp + fn, 1),
        ],
        axis=1,
    )
    middle = np.array([total.precision, total.recall, total.f1])
    precision, recall, f1 = share_intervals(middle, draws, len(counts))
    return SpottingScore(total, (precision, recall, f1))
