"""Bias and width of an annotator's errors, learned from the motion of all clips of a dataset.

Each clip is fitted under a wide prior, and its posterior samples show which errors of the
annotation its motion allows. From the samples of many clips, expectation maximisation finds the
normal distribution of errors that makes all clips most likely (empirical Bayes: Efron and Morris,
Journal of the American Statistical Association 70, 1975). A small part of the annotations follows
the wide prior instead, so that a few wild labels do not widen it. Errors are shares of the true
phase, above 0 where a key frame was labelled late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Shares = tuple[float, float, float]  # of onset, apex and offset

LEAST_SD = 0.7  # frames: no annotation is more precise
_LENGTHS = (0.45, 0.45, 0.55)  # the phases of a usual clip, as shares of its length
_WILD = 0.05  # share of annotations that follow `WIDE`
_PHASE_SD = 0.6  # of the logarithm of a phase, around that of a usual clip
# The learned values count as if this many more clips had no bias and the default width.
_FIRST = 1
LEAST_CLIPS = 12  # of other subjects, to learn from
_LEAST_WIDTH = 0.02
_ROUNDS = 20


@dataclass(frozen=True)
class Annotator:
    """Mean and standard deviation of errors of onset, apex and offset, in shares of a phase.

    The rising phase for onset and apex, the falling one for the offset.
    """

    bias: Shares = (0.0, 0.0, 0.0)
    width: Shares = (0.15, 0.20, 0.25)

    def prior(self, annotated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each (3,), of the true key frames given the annotated."""
        phases = phase_lengths(annotated)
        width = np.maximum(np.array(self.width) * phases, LEAST_SD)
        return annotated - np.array(self.bias) * phases, width

    def rightness(self, seen: Evidence) -> np.ndarray:
        """Density of each sample's errors over that of the wide prior, (..., S, 3)."""
        away = (seen.errors - np.array(self.bias)) / np.array(self.width)
        return np.asarray(np.exp(-0.5 * away**2 - seen.logs) / np.array(self.width))

    def weights(self, seen: Evidence) -> np.ndarray:
        """Weight of each sample if the annotation is this annotator's, or a wild one, (..., S)."""
        logs = np.log((1 - _WILD) * self.rightness(seen) + _WILD).sum(axis=-1) + seen.phases
        weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Evidence:
    """Posterior samples of a clip under the wide prior.

    `errors` (S, 3) of the annotation in shares of each sample's phases; `logs` (S, 3) log density
    of the wide prior of these shares; `phases` (S,) log density of the phases over a uniform one.
    """

    errors: np.ndarray
    logs: np.ndarray
    phases: np.ndarray

    def thinned(self, step: int) -> Evidence:
        """Every `step`-th sample."""
        return Evidence(self.errors[::step], self.logs[::step], self.phases[::step])


@dataclass(frozen=True)
class UsualPhases:
    """Rising and falling phase of a usual clip in frames."""

    rise: float
    fall: float

    def wide(self, annotated: np.ndarray) -> np.ndarray:
        """Standard deviations (3,) of the wide prior in frames."""
        usual = np.array([self.rise, self.rise, self.fall])
        return np.maximum(_WIDE * np.maximum(phase_lengths(annotated), usual), LEAST_SD)

    def evidence(self, samples: np.ndarray, annotated: np.ndarray) -> Evidence:
        """What samples (S, 3) under the wide prior show of an annotation (3,)."""
        rise, fall = np.maximum(np.diff(samples, axis=1).T, 1e-3)
        phases = np.stack([rise, rise, fall], axis=1)
        width = self.wide(annotated)
        logs = -0.5 * ((samples - annotated) / width) ** 2 + np.log(phases / width)
        apart = np.log(rise / self.rise) ** 2 + np.log(fall / self.fall) ** 2
        density = -0.5 * apart / _PHASE_SD**2 - np.log(rise) - np.log(fall)
        return Evidence((annotated - samples) / phases, logs, density)


def usual_phases(annotated: Sequence[tuple[int, int, int]]) -> UsualPhases:
    """Median phases of annotated key frames."""
    rise, fall = np.median(np.diff(np.array(annotated), axis=1), axis=0)
    return UsualPhases(max(float(rise), 1.0), max(float(fall), 1.0))


FIXED = Annotator()
_WIDE = np.array([0.35, 0.4, 0.4])


def phase_lengths(annotated: np.ndarray) -> np.ndarray:
    """Expected phases in frames, (3,): rising for onset and apex, falling for the offset.

    The mean of the annotated phase and of a usual share of the clip, since a wrong apex or onset
    can leave hardly any of an annotated phase.
    """
    rise, fall = np.diff(annotated)
    return (np.array([rise, rise, fall]) + np.array(_LENGTHS) * (rise + fall)) / 2


def learn(clips: Sequence[Evidence]) -> Annotator:
    """The annotator of clips; `FIXED` if there are fewer than `LEAST_CLIPS`."""
    if len(clips) < LEAST_CLIPS:
        return FIXED
    seen = _together(clips)
    found = FIXED
    for _ in range(_ROUNDS):
        right = (1 - _WILD) * found.rightness(seen)
        weights = found.weights(seen)[..., None] * right / (right + _WILD)
        total = _FIRST + weights.sum(axis=(0, 1))
        bias = (weights * seen.errors).sum(axis=(0, 1))
        square = (weights * seen.errors**2).sum(axis=(0, 1))
        bias /= total
        square = (square + _FIRST * np.square(FIXED.width)) / total - bias**2
        width = np.clip(np.sqrt(np.maximum(square, 0)), _LEAST_WIDTH, _WIDE)
        found = Annotator(_rounded(bias), _rounded(width))
    return found


def _together(clips: Sequence[Evidence]) -> Evidence:
    """Evidence of clips with equally many samples, with one more axis in front."""
    parts = zip(*((seen.errors, seen.logs, seen.phases) for seen in clips), strict=True)
    return Evidence(*map(np.stack, parts))


def learn_without(subjects: Sequence[str], clips: Sequence[Evidence]) -> dict[str, Annotator]:
    """For each subject the annotator of all other subjects' clips, and for "" that of all clips.

    Args:
        subjects: of each clip.
        clips: in the same order.
    """
    pairs = list(zip(subjects, clips, strict=True))
    return {
        name: learn([seen for subject, seen in pairs if subject != name])
        for name in ("", *dict.fromkeys(subjects))
    }


def _rounded(values: np.ndarray) -> Shares:
    onset, apex, offset = (round(float(value), 4) for value in values)
    return onset, apex, offset
