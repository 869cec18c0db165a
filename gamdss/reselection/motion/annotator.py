"""Errors of an annotator, and what the motion of a clip shows of them.

Errors are shares of the true phase, above 0 where a key frame was labelled late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamdss.reselection.motion.course import USUAL

Shares = tuple[float, float, float]  # of onset, apex and offset

LEAST_SD = 0.7  # frames: no annotation is more precise
_LENGTHS = (0.45, 0.45, 0.55)  # the phases of a usual clip, as shares of its length
_PHASE_SD = 0.6  # of the logarithm of a phase, around that of a usual clip


@dataclass(frozen=True)
class Annotator:
    """Mean and standard deviation of errors of onset, apex and offset, in shares of a phase.

    The rising phase for onset and apex, the falling one for the offset.
    """

    bias: Shares = (0.0, 0.0, 0.0)
    width: Shares = (0.15, 0.20, 0.25)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Annotator:
        """From `dataclasses.asdict`, as JSON stores it."""
        return cls(tuple(values["bias"]), tuple(values["width"]))

    def prior(self, annotated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, each (3,), of the true key frames given the annotated.

        An empty phase shows that a label is wrong by more than usual: the prior is then the wide
        one.
        """
        if not has_both_phases(annotated):
            rise, _, fall = np.array(_LENGTHS) * (annotated[2] - annotated[0])
            return annotated.astype(float), UsualPhases(rise, fall).wide(annotated)
        phases = phase_lengths(annotated)
        width = np.maximum(np.array(self.width) * phases, LEAST_SD)
        return annotated - np.array(self.bias) * phases, width

    def rightness(self, seen: Evidence) -> np.ndarray:
        """Density of each sample's errors over that of the wide prior, (..., S, 3)."""
        away = (seen.errors - np.array(self.bias)) / np.array(self.width)
        return np.asarray(np.exp(-0.5 * away**2 - seen.logs) / np.array(self.width))


@dataclass(frozen=True, eq=False)
class Evidence:
    """Posterior samples of a clip under the wide prior and `USUAL` shapes.

    `errors` (S, 3) of the annotation in shares of each sample's phases; `logs` (S, 3) log density
    of the wide prior of these shares; `shapes` (S, 6) of the course; `others` (S,) log density
    of the phases over a uniform one, less that of the shapes under `USUAL`.
    """

    errors: np.ndarray
    logs: np.ndarray
    shapes: np.ndarray
    others: np.ndarray

    def thinned(self, step: int) -> Evidence:
        """Every `step`-th sample."""
        return Evidence(*(part[::step] for part in vars(self).values()))


@dataclass(frozen=True)
class UsualPhases:
    """Rising and falling phase of a usual clip in frames."""

    rise: float
    fall: float

    def wide(self, annotated: np.ndarray) -> np.ndarray:
        """Standard deviations (3,) of the wide prior in frames."""
        usual = np.array([self.rise, self.rise, self.fall])
        return np.maximum(WIDE * np.maximum(phase_lengths(annotated), usual), LEAST_SD)

    def evidence(self, parameters: np.ndarray, annotated: np.ndarray) -> Evidence:
        """What parameters (S, 9 or more) under the wide prior show of an annotation (3,)."""
        samples, shapes = parameters[:, :3].astype(float), parameters[:, 3:9].astype(float)
        rise, fall = np.maximum(np.diff(samples, axis=1).T, 1e-3)
        phases = np.stack([rise, rise, fall], axis=1)
        width = self.wide(annotated)
        logs = -0.5 * ((samples - annotated) / width) ** 2 + np.log(phases / width)
        apart = np.log(rise / self.rise) ** 2 + np.log(fall / self.fall) ** 2
        others = -0.5 * apart / _PHASE_SD**2 - np.log(rise) - np.log(fall) - USUAL.logs(shapes)
        return Evidence((annotated - samples) / phases, logs, shapes, others)


def usual_phases(annotated: Sequence[tuple[int, int, int]]) -> UsualPhases:
    """Median phases of annotated key frames."""
    rise, fall = np.median(np.diff(np.array(annotated), axis=1), axis=0)
    return UsualPhases(max(float(rise), 1.0), max(float(fall), 1.0))


FIXED = Annotator()
WIDE = np.array([0.35, 0.4, 0.4])  # deviations of errors of the wide prior


def has_both_phases(annotated: np.ndarray) -> bool:
    """Whether annotated key frames (3,) leave a rise and a fall: onset < apex < offset."""
    return bool((np.diff(annotated) > 0).all())


def with_both_phases(annotated: np.ndarray) -> np.ndarray:
    """Annotated key frames (3,); with the apex of a usual clip if a phase is empty."""
    if has_both_phases(annotated):
        return annotated
    onset, _, offset = annotated
    return np.array([onset, onset + _LENGTHS[0] * (offset - onset), offset])


def phase_lengths(annotated: np.ndarray) -> np.ndarray:
    """Expected phases in frames, (3,): rising for onset and apex, falling for the offset.

    The mean of the annotated phase and of a usual share of the clip, since a wrong apex or onset
    can leave hardly any of an annotated phase.
    """
    rise, fall = np.diff(annotated)
    return (np.array([rise, rise, fall]) + np.array(_LENGTHS) * (rise + fall)) / 2
