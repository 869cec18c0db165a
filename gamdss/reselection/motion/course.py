"""Onset, apex and offset from a motion level, by a model of the whole rise and fall.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. With
the annotation as a prior, the key frames have a posterior distribution. Its median is the
estimate, since it minimises the expected absolute error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from gamdss.reselection.motion.phase import cumulative_beta, faint_part
from gamdss.reselection.motion.posterior import Problem, sample

WIDEST = 0.7  # largest half of a plateau, in shares of the shorter phase
MEMORY = 0.5  # of the length of the expression
# Every seventh sample is used for the course and for learning: coprime to PARTICLES, so that all
# chains take part.
THIN = 7
# What the model does not know: the true start, peak and end may be wherever the course differs from
# them by less than these strengths. It matters for soft ends and tops, where a small misfit moves a
# key frame far.
UNSEEN = (0.00001, 0.0001, 0.0002)
# A top is uneven if one of its sides stays within 1% of the peak less than 0.4 times as long as the
# other: the model then says too surely where the apex is.
_NEAR_TOP, _UNEVEN = 0.01, 0.4
# A fall fades if it is unseen for more than this share of its time.
FADES = 0.022
# An expression is held if it has nearly its full strength for 40% of its time; without a plateau it
# has it for a quarter of the time.
_TOP, _LONG = 0.9, 0.4
_SEED = 20260322


@dataclass(frozen=True)
class IntervalShares:
    """Shares of the samples in intervals that contain the true frame in about 80% of clips.

    They were chosen on synthetic clips of five families of courses, with disturbances. Priors that
    fit all families overstate how uncertain some key frames are.

    Args:
        onset, apex, offset: of the usual course.
        uneven_apex: of a course whose top is uneven.
        fading_offset: of a fall that fades, whose end the model fits worst, unless the expression
            is held: such falls end clearly.
    """

    onset: float
    apex: float
    offset: float
    uneven_apex: float
    fading_offset: float


ANNOTATED = IntervalShares(0.745, 0.65, 0.705, 0.67, 0.93)


@dataclass(frozen=True)
class Shapes:
    """Normal distribution of the shapes of courses: parameters 4 to 9 of `strength`.

    Half the time at full strength in shares of the shorter phase, how far the apex is from the
    middle of that time, and logarithms of a and b of the rise and of the fall. No image shows where
    in the time at full strength the apex is; `USUAL` prefers the middle.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def logs(self, values: np.ndarray) -> np.ndarray:
        """Log density of shapes (..., 6) up to a constant, (...)."""
        deviation = np.array(self.deviation)
        away = (values - np.array(self.mean)) / deviation
        return np.asarray(-0.5 * (away**2).sum(axis=-1) - np.log(deviation).sum())


USUAL = Shapes((0.05, 0.0, 0.6, 0.45, 0.6, 0.45), (0.2, 0.3, 0.35, 0.4, 0.45, 0.5))


@dataclass(frozen=True, eq=False)
class Posterior:
    """Equally likely `samples` (N, 3) of onset, apex and offset in frames.

    `times` (T,) are frame numbers and `course` (T,) the expected strength of the expression there,
    0 to 1. `width` (3,) is the standard deviation of the prior of the key frames. `parameters`
    (N, 10) are those of `strength` and the noise that the samples come from; of an expression that
    is held, the apex of a sample is the middle of its plateau.
    """

    samples: np.ndarray
    course: np.ndarray
    width: np.ndarray
    times: np.ndarray
    parameters: np.ndarray = field(default_factory=lambda: np.empty((0, 10), np.float32))

    @property
    def spread(self) -> np.ndarray:
        """Deviation of each key frame (3,) over that of its prior; near 1 if not located."""
        return np.asarray(self.samples.std(axis=0, dtype=float) / self.width)

    def middle(self) -> np.ndarray:
        """Median onset, apex and offset, (3,)."""
        return np.asarray(np.median(self.samples, axis=0))

    def draws(self, count: int) -> tuple[tuple[int, int, int], ...]:
        """Equally likely key frames, each the nearest of `times`; the same for every call."""
        rng = np.random.default_rng(_SEED)
        chosen = self.samples[rng.choice(len(self.samples), count, replace=False)]
        return tuple(nearest(self.times, row) for row in chosen)

    @property
    def fades(self) -> bool:
        """Whether the fall fades in most samples, so that ends of many times explain it."""
        return bool(len(self.parameters)) and float(np.median(_faint_end(self.parameters))) > FADES

    @property
    def uneven_top(self) -> bool:
        """Whether the course stays near its peak for longer on one side, in most samples."""
        if not len(self.parameters):
            return False
        before, after = _near_top(self.parameters, _NEAR_TOP)
        least, most = np.minimum(before, after), np.maximum(before, after)
        return float(np.median(least / most)) < _UNEVEN

    @property
    def apex_phase(self) -> tuple[int, int] | None:
        """First and last frame of nearly full strength, if the expression is held; or None."""
        if not _held(self.course, self.times):
            return None
        full = self.times[self.course >= _TOP]
        return int(full[0]), int(full[-1])

    def intervals(
        self, shares: IntervalShares = ANNOTATED, keys: tuple[int, int, int] | None = None
    ) -> tuple[tuple[int, int], ...]:
        """First and last frame of intervals with about these shares of the samples.

        A sample counts as the frame of `times` that is nearest to it, so that both ends are frames
        that exist.

        Args:
            shares: of the samples.
            keys: onset, apex and offset, of `times`: each interval is extended to contain its own.
        """
        halves = (self.times[1:] + self.times[:-1]) / 2
        places = np.searchsorted(halves, self.samples)  # (N, 3) in `times`
        fades = self.fades and self.apex_phase is None
        apex = shares.uneven_apex if self.uneven_top else shares.apex
        wanted = (shares.onset, apex, shares.fading_offset if fades else shares.offset)
        ends = [_interval(n, share) for n, share in zip(places.T, wanted, strict=True)]
        found = [(int(self.times[low]), int(self.times[high])) for low, high in ends]
        within = found if keys is None else zip(keys, keys, strict=True)
        return tuple(
            (min(low, first), max(high, last))
            for (low, high), (first, last) in zip(found, within, strict=True)
        )


def nearest(times: np.ndarray, numbers: np.ndarray) -> tuple[int, int, int]:
    """The frames of `times` (T,) nearest to onset, apex and offset (3,)."""
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in numbers)
    return onset, apex, offset


def _interval(numbers: np.ndarray, share: float) -> tuple[int, int]:
    """The most probable interval of the length whose probability is nearest to `share`."""
    first = int(numbers.min())
    below = np.append(0, np.cumsum(np.bincount(numbers - first)))  # number of samples
    wanted = share * len(numbers)
    before, best = wanted, 0  # how far the number is from it, and where the interval starts
    for length in range(1, len(below)):
        within = below[length:] - below[:-length]
        start = int(within.argmax())
        away = abs(within[start] - wanted)
        if away > before:
            return first + best, first + best + length - 2
        before, best = away, start
        if within[start] >= wanted:
            break
    return first + best, first + best + length - 1


def strength(parameters: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression, (N, T) from 0 to 1.

    A phase goes from 0 to 1 as a cumulative beta distribution: `a` shapes its faint end, `b` its
    strong end.

    Args:
        parameters: (N, 9): onset, apex, offset; half the plateau in shares of the shorter phase;
            how far the apex is behind the middle of the plateau in shares of that half; logarithms
            of a and b of the rise, then of the fall.
        times: (T,) frame numbers.
    """
    onset, apex, offset = (p[:, None] for p in parameters.T[:3].astype(np.float32))
    rise, fall = (p[:, None] for p in _moving(parameters.astype(np.float32)))
    times = times.astype(np.float32)
    part = np.clip(np.minimum((times - onset) / rise, (offset - times) / fall), 0, 1)
    return cumulative_beta(parameters[:, 5:9].reshape(-1, 2, 2), times >= apex, part)


def _moving(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How long the rise and the fall take in frames, without the plateau, each (N,)."""
    onset, apex, offset = parameters.T[:3]
    half, skew = _half_plateau(parameters), parameters[:, 4]
    rise = np.maximum(apex - half * (1 + skew) - onset, 0.5)
    return rise, np.maximum(offset - apex - half * (1 - skew), 0.5)


def _half_plateau(parameters: np.ndarray) -> np.ndarray:
    """Half the time at full strength in frames, (N,)."""
    onset, apex, offset, plateau = parameters.T[:4]
    return np.asarray(plateau * np.minimum(apex - onset, offset - apex))


def _held(course: np.ndarray, times: np.ndarray) -> bool:
    """Whether a course (T,) at `times` (T,) has nearly its full strength for long."""
    frames = np.gradient(times.astype(float))  # more than 1 beside missing frames
    return bool(frames[course >= _TOP].sum() > _LONG * frames[course > 1 - _TOP].sum())


def _near_top(parameters: np.ndarray, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """How long the rise and the fall are within this strength of the peak, in frames, each (N,)."""
    rise, fall = _moving(parameters)
    rising, falling = (faint_part(parameters[:, both], strength) for both in ([6, 5], [8, 7]))
    return rising * rise, falling * fall


def _faint_end(parameters: np.ndarray) -> np.ndarray:
    """Share (N,) of the fall in which the strength is not seen."""
    return faint_part(parameters[:, 7:9], UNSEEN[2])


def _key_moments(parameters: np.ndarray, held: bool) -> np.ndarray:
    """Onset, apex and offset (N, 3) of parameters (N, 9 or more).

    The apex of a held expression is the middle of its plateau. Each moves by about as long as the
    course is within `UNSEEN` of it: the onset to an earlier time; the offset to either side, since
    a fall that fades without end looks as if it ended late; the apex as far as the flatter side.

    Args:
        held: whether the expression is held.
    """
    keys = parameters[:, :3].astype(float)
    if held:
        keys[:, 1] -= _half_plateau(parameters) * parameters[:, 4]
    rise, fall = _moving(parameters)
    first, top, _ = UNSEEN
    flat = np.maximum(*_near_top(parameters, top))
    rng = np.random.default_rng(_SEED)
    keys[:, 0] -= faint_part(parameters[:, 5:7], first) * rise * rng.exponential(size=len(keys))
    keys[:, 2] += _faint_end(parameters) * fall * rng.standard_normal(len(keys))
    keys[:, 1] = np.maximum(keys[:, 1] + flat * rng.standard_normal(len(keys)), keys[:, 0])
    keys[:, 2] = np.maximum(keys[:, 2], keys[:, 1])
    return keys


def expected_strength(
    annotated: np.ndarray, times: np.ndarray, plateau: float = USUAL.mean[0]
) -> np.ndarray:
    """Strength of the expression (T,) for annotated key frames (3,) and usual shapes."""
    return np.asarray(strength(np.array([[*annotated, plateau, *USUAL.mean[1:]]]), times)[0])


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


@dataclass(frozen=True, eq=False)
class Expected:
    """What is expected of a clip before its level is seen.

    Args:
        centre, width: mean and standard deviation (3,) of onset, apex and offset in frames.
        shapes: of its course.
        widest: largest half of a plateau.
        wide: mean and standard deviation, each (3,), of key frames whose annotation is wild.
    """

    centre: np.ndarray
    width: np.ndarray
    shapes: Shapes = USUAL
    widest: float = WIDEST
    wide: tuple[np.ndarray, np.ndarray] | None = None


def fit_course(
    level: np.ndarray, times: np.ndarray, expected: Expected, start: np.ndarray | None = None
) -> Posterior:
    """The posterior distribution of the key frames.

    Args:
        level: (T,) motion level.
        times: (T,) frame numbers.
        expected: its prior.
        start: parameters (PARTICLES, 10) to start from, as `sample` takes them.
    """
    shapes = expected.shapes
    drawn = sample(
        Problem(
            level=level,
            times=times,
            curves=lambda parameters: strength(parameters, times),
            centre=np.array([*expected.centre, *shapes.mean], float),
            width=np.array([*expected.width, *shapes.deviation]),
            allowed=partial(possible, widest=expected.widest),
            memory=slow_memory(expected.centre),
            wide=expected.wide,
        ),
        start,
    )
    course = strength(drawn[::THIN, :-1].astype(float), times).mean(axis=0)
    width = np.asarray(expected.width, float)
    return Posterior(_key_moments(drawn, _held(course, times)), course, width, times, drawn)
