"""Onset, apex and offset from a motion level: a model of the whole rise and fall, and its doubt.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. With
the annotation as a prior of some width, the key frames have a distribution; the median is the
estimate, since it minimises the expected absolute error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.reselection.motion.posterior import Problem, sample

# Standard deviations of an annotator's errors: onset and apex in shares of the rising, offset of
# the falling phase.
PRIOR = (0.15, 0.20, 0.25)
# Logarithms of the phases' shapes (a and b of the rise, of the fall) and their deviations.
SHAPE = (0.6, 0.4, 0.6, 0.4)
SHAPE_SD = (0.3, 0.4, 0.4, 0.5)
# Time at full strength before and after the apex in shares of the shorter phase; how far the apex
# is from the middle of that time: no image shows where in it the apex is, and the middle is sought.
PLATEAU, PLATEAU_SD, WIDEST = 0.05, 0.2, 0.7
SKEW_SD = 0.3
MEMORY = 0.5  # of the expression's length
# Shares of the samples of onset, apex and offset whose shortest intervals held the true frame in
# 80% of the clips that the model was tuned on: priors that suit all families of courses leave more
# doubt, of the apex above all, than there is in a clip.
SHARES = (0.68, 0.5, 0.65)
# Every 25th draw makes the course: prime to PARTICLES, so that all chains take part in it.
_COURSE_STEP = 25
LEAST_SD = 0.7  # frames: below it an annotation is never known
_NIL = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Equally likely samples (N, 3) of onset, apex and offset in frames.

    `times` (T,) are the clip's frame numbers, `course` (T,) is the expected strength of the
    expression at them, 0 to 1; `spread` (3,) the standard deviation of each key frame over that of
    the prior: near 1, the evidence says nothing.
    """

    samples: np.ndarray
    course: np.ndarray
    spread: np.ndarray
    times: np.ndarray

    def middle(self) -> np.ndarray:
        """Median onset, apex and offset, (3,)."""
        return np.asarray(np.median(self.samples, axis=0))

    def intervals(self, shares: Sequence[float] = SHARES) -> tuple[tuple[int, int], ...]:
        """For each key frame the fewest frames in a row that hold its share of the samples.

        What lies before the first frame or after the last one counts as that frame. With `SHARES`
        they hold the true key frame with a probability of about 80%.
        """
        there = np.clip(np.round(self.samples), self.times[0], self.times[-1]).astype(int)
        return tuple(_shortest(n, share) for n, share in zip(there.T, shares, strict=True))


def _shortest(numbers: np.ndarray, share: float) -> tuple[int, int]:
    first = int(numbers.min())
    below = np.append(0, np.cumsum(np.bincount(numbers - first))) / len(numbers)
    ends = np.searchsorted(below, below + share - 1e-9)
    starts = np.flatnonzero(ends < len(below))
    length = ends[starts] - starts
    # Of equally short ones the likeliest.
    best = starts[np.lexsort((below[starts] - below[ends[starts]], length))[0]]
    return first + int(best), first + int(ends[best]) - 1


def strength(parameters: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression, (N, T) from 0 to 1.

    A phase goes from 0 to 1 as `1 - (1 - x^a)^b`, the distribution function of Kumaraswamy
    (Journal of Hydrology 46, 1980): `a` shapes its faint end, `b` its strong one.

    Args:
        parameters: (N, 9): onset, apex, offset, half the plateau in shares of the shorter phase,
            how much later than in its middle the apex is in shares of that half, logarithms of a
            and b of the rise, then of the fall.
        times: (T,) frame numbers.
    """
    onset, apex, offset, plateau, skew = (p[:, None] for p in parameters.T[:5].astype(np.float32))
    shapes = np.exp(parameters[:, 5:]).astype(np.float32)
    held = plateau * np.minimum(apex - onset, offset - apex)
    rise = np.maximum(apex - held * (1 + skew) - onset, 0.5)
    fall = np.maximum(offset - apex - held * (1 - skew), 0.5)
    times = times.astype(np.float32)
    # Powers of numbers within (0, 1) are fast, those of 0 and 1 ten times slower.
    part = np.clip(np.minimum((times - onset) / rise, (offset - times) / fall), _NIL, 1 - _NIL)
    early = times < apex
    faint = np.where(early, shapes[:, 0:1], shapes[:, 2:3])
    strong = np.where(early, shapes[:, 1:2], shapes[:, 3:4])
    return np.asarray(1 - (1 - part**faint) ** strong)


def expected_strength(annotated: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression (T,) if the annotation (3,) and the prior's middle were right."""
    return np.asarray(strength(np.array([[*annotated, PLATEAU, 0.0, *SHAPE]]), times)[0])


def annotation_width(annotated: np.ndarray) -> np.ndarray:
    """Standard deviations (3,) of the annotation's errors in frames."""
    rise, fall = np.diff(annotated)
    return np.maximum(np.array(PRIOR) * (rise, rise, fall), LEAST_SD)


def in_order(parameters: np.ndarray) -> np.ndarray:
    """Where onset < apex < offset, the first three of (N, D): (N,)."""
    return np.asarray((np.diff(parameters[:, :3], axis=1) > 0).all(axis=1))


def slow_memory(annotated: np.ndarray) -> float:
    """Frames over which slow noise forgets: what is slower than the expression."""
    return max(MEMORY * float(annotated[2] - annotated[0]), 1.0)


def possible(parameters: np.ndarray) -> np.ndarray:
    """Key frames in order, and a plateau that leaves time to rise and fall: (N,)."""
    plateau, skew = parameters[:, 3], parameters[:, 4]
    held = (plateau >= 0) & (plateau <= WIDEST) & (np.abs(skew) <= 1)
    return np.asarray(in_order(parameters) & held)


def fit_course(
    level: np.ndarray, times: np.ndarray, annotated: np.ndarray, width: np.ndarray | None = None
) -> Posterior:
    """The distribution of the key frames.

    Args:
        level: (T,) motion level.
        times: (T,) frame numbers.
        annotated: (3,) onset, apex, offset.
        width: (3,) standard deviations of their errors; `annotation_width` where left out.
    """
    if width is None:
        width = annotation_width(annotated)
    draws = sample(
        Problem(
            level=level,
            times=times,
            curves=lambda parameters: strength(parameters, times),
            centre=np.array([*annotated, PLATEAU, 0.0, *SHAPE], float),
            width=np.array([*width, PLATEAU_SD, SKEW_SD, *SHAPE_SD]),
            allowed=possible,
            memory=slow_memory(annotated),
        )
    )
    course = strength(draws[::_COURSE_STEP], times).mean(axis=0)
    return Posterior(draws[:, :3], course, draws[:, :3].std(axis=0) / width, times)
