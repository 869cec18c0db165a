"""Onset, apex and offset from a motion level, by a model of the whole rise and fall.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. With
the annotation as a prior, the key frames have a posterior distribution. Its median is the
estimate, since it minimises the expected absolute error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gamdss.reselection.motion.annotator import FIXED
from gamdss.reselection.motion.posterior import Problem, sample

# Logarithms of the shapes of both phases (a and b of the rise, of the fall), and their deviations.
SHAPE = (0.6, 0.4, 0.6, 0.4)
SHAPE_SD = (0.3, 0.4, 0.4, 0.5)
# Half the time at full strength in shares of the shorter phase, and how far the apex is from the
# middle of that time. No image shows where in it the apex is; the prior prefers the middle.
PLATEAU, PLATEAU_SD, WIDEST = 0.05, 0.2, 0.7
SKEW_SD = 0.3
MEMORY = 0.5  # of the length of the expression
# Shares of the samples of onset, apex and offset whose shortest intervals contained the true frame
# in 80% of the clips that the model was tuned on. They are below 0.8 because priors that fit all
# families of courses overstate the uncertainty in a clip, most of all that of the apex.
SHARES = (0.68, 0.5, 0.65)
# Every 25th sample is used for the course and for learning: coprime to PARTICLES, so that all
# chains take part.
THIN = 25
_NIL = np.float32(1e-6)
_SEED = 20260322


@dataclass(frozen=True, eq=False)
class Posterior:
    """Equally likely samples (N, 3) of onset, apex and offset in frames.

    `times` (T,) are frame numbers and `course` (T,) the expected strength of the expression there,
    0 to 1. `spread` (3,) is the standard deviation of each key frame divided by that of its prior;
    near 1, the motion does not locate the key frame.
    """

    samples: np.ndarray
    course: np.ndarray
    spread: np.ndarray
    times: np.ndarray

    def middle(self) -> np.ndarray:
        """Median onset, apex and offset, (3,)."""
        return np.asarray(np.median(self.samples, axis=0))

    def draws(self, count: int) -> tuple[tuple[int, int, int], ...]:
        """Equally likely key frames, each the nearest of `times`; the same for every call."""
        rng = np.random.default_rng(_SEED)
        chosen = self.samples[rng.choice(len(self.samples), count, replace=False)]
        return tuple(nearest(self.times, row) for row in chosen)

    def weighted(self, weights: np.ndarray, width: np.ndarray) -> Posterior:
        """Samples drawn again by weights (N,) that sum to 1, for a prior of this width (3,)."""
        places = (np.arange(len(weights)) + 0.5) / len(weights)
        chosen = np.searchsorted(np.cumsum(weights), places).clip(max=len(weights) - 1)
        samples = self.samples[chosen]
        return replace(self, samples=samples, spread=samples.std(axis=0) / width)

    def intervals(self, shares: Sequence[float] = SHARES) -> tuple[tuple[int, int], ...]:
        """First and last frame of the shortest interval with its share of the samples, for each.

        Samples before the first frame or after the last one count as that frame. With `SHARES`,
        intervals contain the true key frame with a probability of about 80%.
        """
        there = np.clip(np.round(self.samples), self.times[0], self.times[-1]).astype(int)
        return tuple(_shortest(n, share) for n, share in zip(there.T, shares, strict=True))


def nearest(times: np.ndarray, numbers: np.ndarray) -> tuple[int, int, int]:
    """The frames of `times` (T,) nearest to onset, apex and offset (3,)."""
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in numbers)
    return onset, apex, offset


def _shortest(numbers: np.ndarray, share: float) -> tuple[int, int]:
    first = int(numbers.min())
    below = np.append(0, np.cumsum(np.bincount(numbers - first))) / len(numbers)
    ends = np.searchsorted(below, below + share - 1e-9)
    starts = np.flatnonzero(ends < len(below))
    length = ends[starts] - starts
    # Of equally short intervals, the most probable.
    best = starts[np.lexsort((below[starts] - below[ends[starts]], length))[0]]
    return first + int(best), first + int(ends[best]) - 1


def strength(parameters: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression, (N, T) from 0 to 1.

    A phase goes from 0 to 1 as `1 - (1 - x^a)^b`, the distribution function of Kumaraswamy
    (Journal of Hydrology 46, 1980): `a` shapes its faint end, `b` its strong end.

    Args:
        parameters: (N, 9): onset, apex, offset; half the plateau in shares of the shorter phase;
            how far the apex is behind the middle of the plateau in shares of that half; logarithms
            of a and b of the rise, then of the fall.
        times: (T,) frame numbers.
    """
    onset, apex, offset, plateau, skew = (p[:, None] for p in parameters.T[:5].astype(np.float32))
    shapes = np.exp(parameters[:, 5:]).astype(np.float32)
    held = plateau * np.minimum(apex - onset, offset - apex)
    rise = np.maximum(apex - held * (1 + skew) - onset, 0.5)
    fall = np.maximum(offset - apex - held * (1 - skew), 0.5)
    times = times.astype(np.float32)
    # Powers of 0 and 1 are ten times slower than those of numbers between.
    part = np.clip(np.minimum((times - onset) / rise, (offset - times) / fall), _NIL, 1 - _NIL)
    early = times < apex
    faint = np.where(early, shapes[:, 0:1], shapes[:, 2:3])
    strong = np.where(early, shapes[:, 1:2], shapes[:, 3:4])
    return np.asarray(1 - (1 - part**faint) ** strong)


def expected_strength(
    annotated: np.ndarray, times: np.ndarray, plateau: float = PLATEAU
) -> np.ndarray:
    """Strength of the expression (T,) for annotated key frames (3,) and the prior's shapes."""
    return np.asarray(strength(np.array([[*annotated, plateau, 0.0, *SHAPE]]), times)[0])


def in_order(parameters: np.ndarray) -> np.ndarray:
    """Whether onset < apex < offset, the first three of (N, D): (N,)."""
    return np.asarray((np.diff(parameters[:, :3], axis=1) > 0).all(axis=1))


def slow_memory(annotated: np.ndarray) -> float:
    """Correlation length of the slow noise in frames: slower than the expression."""
    return max(MEMORY * float(annotated[2] - annotated[0]), 1.0)


def possible(parameters: np.ndarray, widest: float = WIDEST) -> np.ndarray:
    """Whether key frames are in order and the plateau leaves time to rise and fall: (N,)."""
    plateau, skew = parameters[:, 3], parameters[:, 4]
    held = (plateau >= 0) & (plateau <= widest) & (np.abs(skew) <= 1)
    return np.asarray(in_order(parameters) & held)


def fit_course(
    level: np.ndarray,
    times: np.ndarray,
    annotated: np.ndarray,
    width: np.ndarray | None = None,
    plateau: tuple[float, float] = (PLATEAU_SD, WIDEST),
) -> Posterior:
    """The posterior distribution of the key frames.

    Args:
        level: (T,) motion level.
        times: (T,) frame numbers.
        annotated: (3,) onset, apex, offset.
        width: (3,) standard deviations of their errors; those of the annotator `FIXED` if omitted.
        plateau: standard deviation of the prior of half the plateau, and its largest value.
    """
    if width is None:
        width = FIXED.prior(annotated)[1]
    draws = sample(
        Problem(
            level=level,
            times=times,
            curves=lambda parameters: strength(parameters, times),
            centre=np.array([*annotated, PLATEAU, 0.0, *SHAPE], float),
            width=np.array([*width, plateau[0], SKEW_SD, *SHAPE_SD]),
            allowed=partial(possible, widest=plateau[1]),
            memory=slow_memory(annotated),
        )
    )
    course = strength(draws[::THIN], times).mean(axis=0)
    return Posterior(draws[:, :3], course, draws[:, :3].std(axis=0) / width, times)
