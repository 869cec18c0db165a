"""What the motion of all clips of a dataset teaches: its annotator's errors, its courses' shapes.

Each clip is fitted under a wide prior, and its posterior samples show which errors and shapes its
motion allows. From the samples of many clips, expectation maximisation finds the normal
distributions that make all clips most likely (empirical Bayes: Efron and Morris, Journal of the
American Statistical Association 70, 1975). A small part of the annotations follows the wide prior
instead, so that a few wild labels do not widen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gamdss.reselection.motion.annotator import (
    FIXED,
    WIDE,
    Annotator,
    Evidence,
    Shares,
    UsualPhases,
)
from gamdss.reselection.motion.course import USUAL, Expected, Shapes
from gamdss.reselection.motion.posterior import WILD

LEAST_CLIPS = 12  # of other subjects, to learn from
# What is learned counts as if there were more clips: this many with no bias and the width of
# `FIXED`, and this many with `USUAL` shapes.
_FIRST, _FIRST_SHAPES = 1, 5
# Courses of another shape than the model's look like a bias, most of all where a fall ends faintly:
# of this size it is taken for nothing, and hardly changed if it is much larger (the garrote of
# Breiman, Technometrics 37, 1995).
LEAST_BIAS = np.array([0.05, 0.05, 0.1])
_LEAST_WIDTH = 0.02
_LEAST_DEVIATION = 0.1  # of that of `USUAL`
_ROUNDS = 15
_SAMPLES = 12_000  # of all clips together


@dataclass(frozen=True)
class Learned:
    """Errors of the annotator and shapes of the courses that are expected in a dataset."""

    annotator: Annotator = FIXED
    shapes: Shapes = USUAL

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Learned:
        """From `dataclasses.asdict`, as JSON stores it."""
        shapes = Shapes(*(tuple(values["shapes"][name]) for name in ("mean", "deviation")))
        return cls(Annotator.from_dict(values["annotator"]), shapes)

    def expected(self, annotated: np.ndarray, usual: UsualPhases) -> Expected:
        """The prior of a clip with annotated key frames (3,), which may be wild."""
        wide = annotated.astype(float), usual.wide(annotated)
        return Expected(*self.annotator.prior(annotated), self.shapes, wide=wide)

    def weights(self, seen: Evidence) -> np.ndarray:
        """Weight of each sample under this prior, (..., S)."""
        return self._shared(seen, self._right(seen))

    def improved(self, seen: Evidence) -> Learned:
        """A more likely one, given evidence of clips (C, S, ...)."""
        right = self._right(seen)
        weights = self._shared(seen, right)
        share = right / (right + WILD)
        return Learned(
            _likely_annotator(seen.errors, weights[..., None] * share),
            _likely_shapes(seen.shapes, weights[..., None]),
        )

    def _right(self, seen: Evidence) -> np.ndarray:
        return (1 - WILD) * self.annotator.rightness(seen)

    def _shared(self, seen: Evidence, right: np.ndarray) -> np.ndarray:
        logs = np.log(right + WILD).sum(axis=-1) + seen.others + self.shapes.logs(seen.shapes)
        weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def learn(clips: Sequence[Evidence]) -> Learned:
    """What clips teach; nothing if there are fewer than `LEAST_CLIPS`."""
    found = Learned()
    if len(clips) < LEAST_CLIPS:
        return found
    seen = _together(clips)
    for _ in range(_ROUNDS):
        found = found.improved(seen)
    return found


@dataclass(frozen=True)
class LearnedDataset:
    """What the clips of a dataset teach.

    `all`: all clips together; `without`: by subject, all other subjects' clips; `annotators`: by
    annotator, its errors in all of its clips, if several are known.
    """

    all: Learned
    without: Mapping[str, Learned]
    annotators: Mapping[str, Annotator]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> LearnedDataset:
        """From `dataclasses.asdict`, as JSON stores it."""
        without = {name: Learned.from_dict(found) for name, found in values["without"].items()}
        annotators = {n: Annotator.from_dict(found) for n, found in values["annotators"].items()}
        return cls(Learned.from_dict(values["all"]), without, annotators)


def learn_dataset(
    subjects: Sequence[str], clips: Sequence[Evidence], annotators: Sequence[str] = ()
) -> LearnedDataset:
    """What clips teach, for each subject without its own.

    Args:
        subjects: of each clip.
        clips: in the same order.
        annotators: who annotated each clip, if that is known. The errors of one who annotated
            fewer than `LEAST_CLIPS` clips (of other subjects) are those of all together.
    """
    annotators = annotators or [""] * len(clips)
    rows = list(zip(subjects, annotators, clips, strict=True))
    who = dict(zip(subjects, annotators, strict=True))
    several = sorted(set(annotators)) if len(set(annotators)) > 1 else []

    def without(subject: str) -> Learned:
        others = [row for row in rows if row[0] != subject]
        together = learn([seen for _, _, seen in others])
        own = [seen for _, name, seen in others if name == who[subject]]
        if len(own) < LEAST_CLIPS or len(own) == len(others):
            return together
        return replace(together, annotator=learn(own).annotator)

    return LearnedDataset(
        all=learn(clips),
        without={name: without(name) for name in who},
        annotators={
            name: learn([seen for _, annotator, seen in rows if annotator == name]).annotator
            for name in several
        },
    )


def _likely_annotator(errors: np.ndarray, weights: np.ndarray) -> Annotator:
    """The annotator of errors (C, S, 3) with weights of the same shape."""
    total = _FIRST + weights.sum(axis=(0, 1))
    bias = (weights * errors).sum(axis=(0, 1)) / total
    bias *= np.maximum(0, 1 - (LEAST_BIAS / np.maximum(np.abs(bias), 1e-9)) ** 2)
    square = (weights * (errors - bias) ** 2).sum(axis=(0, 1))
    square += _FIRST * np.square(FIXED.width)
    width = np.clip(np.sqrt(square / total), _LEAST_WIDTH, WIDE)
    return Annotator(_shares(bias), _shares(width))


def _likely_shapes(shapes: np.ndarray, weights: np.ndarray) -> Shapes:
    """The distribution of shapes (C, S, 6) with weights (C, S, 1)."""
    mean, deviation = np.array(USUAL.mean), np.array(USUAL.deviation)
    total = _FIRST_SHAPES + len(shapes)
    middle = ((weights * shapes).sum(axis=(0, 1)) + _FIRST_SHAPES * mean) / total
    square = (weights * (shapes - middle) ** 2).sum(axis=(0, 1)) + _FIRST_SHAPES * deviation**2
    apart = np.maximum(np.sqrt(square / total), _LEAST_DEVIATION * deviation)
    return Shapes(_rounded(middle), _rounded(apart))


def _together(clips: Sequence[Evidence]) -> Evidence:
    """Evidence of clips with equally many samples, with one more axis in front."""
    count = len(clips[0].others)
    step = max(1, round(len(clips) * count / _SAMPLES))
    parts = zip(*(vars(seen.thinned(step)).values() for seen in clips), strict=True)
    return Evidence(*map(np.stack, parts))


def _shares(values: np.ndarray) -> Shares:
    onset, apex, offset = _rounded(values)
    return onset, apex, offset


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 4) + 0.0 for value in values)  # no -0.0
