"""Key frames of a spotted expression: the model of rise and fall, fitted around the candidate.

Spotting finds the ends of a motion on a few time scales, so that a smile that is held for seconds
can look like two short expressions. If the fit around the candidate is unreliable, the course that
most pixels follow is searched for in a wider window, and fitted from several starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gamdss.records import RELIABLE, KeyFrames
from gamdss.reselection.motion.course import (
    PLATEAU_SD,
    WIDEST,
    expected_strength,
    fit_course,
    nearest,
)
from gamdss.reselection.motion.fit import LEAST_FRAMES, MotionFit
from gamdss.reselection.motion.level import MotionMeter, shrink

# Standard deviations of a start's onset, apex and offset, as shares of its length.
_WIDTH = (0.15, 0.25, 0.2)
_LEAST_SD = 1.5  # frames
# Where else the apex may start, between onset and offset.
_APEXES = (0.2, 0.35, 0.5, 0.65, 0.8)
# Prior of half the plateau of a held expression, as `fit_course` takes it. The one of `motion`
# allows at most 0.7 of the shorter phase: a smile that is held longer would have its apex at an end
# of the plateau.
_HELD = (0.5, 0.95)
_FULL = 0.7  # strength from which on an expression is held
_WIDER = 3  # ends of held expressions that are tried in the wider window
_STEPS = 13  # times of the search from the first frame of the wider window to the last
# Quality from which on a fit of the wider window is taken: a search over all courses finds some
# rise and fall in noise, with a quality up to 0.8.
_CLEAR = 0.9
_REST = 0.15  # share of the wider window's frames outside the expression: else it may be drift
_ROUNDS = 2


@dataclass(frozen=True, eq=False)
class CandidateFit:
    """The fit around a candidate, and equally likely key frames from its posterior."""

    fit: MotionFit
    draws: tuple[tuple[int, int, int], ...]


def fit_candidate(
    near: Mapping[int, np.ndarray],
    wide: Mapping[int, np.ndarray],
    spotted: tuple[int, int, int],
    draws: int,
) -> CandidateFit | None:
    """Fit the course of a candidate expression.

    Args:
        near: crops around the candidate by frame number, uint8 BGR (H, W, 3) of one size.
        wide: crops of some seconds around it, with fewer frames a second if need be.
        spotted: its onset, apex and offset.
        draws: number of key frames drawn from the posterior; the same for every call.

    Returns:
        The fit; None if frames are too few, or show no structure or change.
    """
    times, meter = _measured(near)
    if meter is None:
        return None
    onset, apex, offset = _best(meter, times, _with_apexes(*spotted))[0]
    found = _best_fit(meter, times, (onset, apex, offset), [(onset, offset)], draws)
    if found is None or found.fit.quality >= RELIABLE:
        return found
    times, meter = _measured(wide)
    spaced = np.linspace(times[0], times[-1], _STEPS)
    around = np.array([c for c in combinations(spaced, 3) if c[0] < spotted[1] < c[2]])
    if meter is None or not len(around):
        return found
    starts = _best(meter, times, around)
    ends = list(dict.fromkeys((start[0], start[2]) for start in starts))[:_WIDER]
    wider = _best_fit(meter, times, starts[0], ends, draws)
    return found if wider is None or not _is_clear(wider.fit) else wider


def _is_clear(fit: MotionFit) -> bool:
    """Whether the fit of a wider window is an expression: clear, with a face at rest around it."""
    rest = (fit.times < fit.keys.onset) | (fit.times > fit.keys.offset)
    return fit.quality >= _CLEAR and float(rest.mean()) >= _REST


def _best_fit(
    meter: MotionMeter,
    times: np.ndarray,
    start: tuple[float, float, float],
    held: Sequence[tuple[float, float]],
    draws: int,
) -> CandidateFit | None:
    """The fit with the best quality: from a start, and of held expressions with these ends."""
    fits = [_fit(meter, times, start, draws)]
    fits += [
        _fit(meter, times, (onset, (onset + offset) / 2, offset), draws, _HELD)
        for onset, offset in held
    ]
    return max(filter(None, fits), key=lambda one: one.fit.quality, default=None)


def _measured(images: Mapping[int, np.ndarray]) -> tuple[np.ndarray, MotionMeter | None]:
    """Frame numbers (T,), and the meter of the frames; None if they are few or still."""
    times = np.array(sorted(images))
    small = [shrink(images[number]) for number in times]
    moves = len(times) >= LEAST_FRAMES and any((image != small[0]).any() for image in small)
    return times, MotionMeter(small) if moves else None


def _with_apexes(onset: int, apex: int, offset: int) -> np.ndarray:
    """Starts (N, 3) with the same ends."""
    inner = [onset + share * (offset - onset) for share in _APEXES]
    return np.array([(onset, middle, offset) for middle in (apex, *inner)], float)


def _best(
    meter: MotionMeter, times: np.ndarray, starts: np.ndarray
) -> list[tuple[float, float, float]]:
    """`starts` (N, 3), those that the motion of most pixels follows best first."""
    courses = np.stack([expected_strength(start, times) for start in starts])
    order = (-meter.support(courses, times)).argsort(kind="stable")
    return [(float(a), float(b), float(c)) for a, b, c in starts[order]]


def _fit(
    meter: MotionMeter,
    times: np.ndarray,
    start: tuple[float, float, float],
    draws: int,
    plateau: tuple[float, float] = (PLATEAU_SD, WIDEST),
) -> CandidateFit | None:
    """The fit from a start; None if the frames have no structure."""
    width = np.maximum(np.array(_WIDTH) * (start[2] - start[0]), _LEAST_SD)
    middle = np.array(start)
    course = expected_strength(middle, times)
    for _ in range(_ROUNDS):
        try:
            level = meter.level(course)
        except np.linalg.LinAlgError:
            return None
        posterior = fit_course(level, times, middle, width, plateau)
        middle, course = posterior.middle(), posterior.course
    intervals = posterior.intervals()
    if plateau == _HELD:
        intervals = (intervals[0], _with_held(intervals[1], times, course), intervals[2])
    keys = KeyFrames(*nearest(times, middle), intervals=intervals)
    fit = MotionFit(times, level, course, keys, posterior)
    return CandidateFit(fit, posterior.draws(draws))


def _with_held(apex: tuple[int, int], times: np.ndarray, course: np.ndarray) -> tuple[int, int]:
    """The interval of the apex, with the frames at full strength: any of them could be the apex."""
    held = times[course >= _FULL]
    if not len(held):
        return apex
    return min(apex[0], int(held[0])), max(apex[1], int(held[-1]))
