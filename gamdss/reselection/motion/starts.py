"""Fits from starts that no annotation gives: expressions that are spotted.

The model of `motion` is fitted twice: around the start, and around the result of the first fit,
whose course shows better which motion is that of the expression. Where the result is not clear,
expressions that are held for long, such as a smile, are fitted from several starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import (
    PLATEAU_SD,
    WIDEST,
    expected_strength,
    fit_course,
    nearest,
)
from gamdss.reselection.motion.fit import MotionFit
from gamdss.reselection.motion.level import MotionMeter

Start = tuple[float, float, float]  # onset, apex and offset

# Standard deviations of a start's onset, apex and offset, as shares of its length.
_WIDTH = (0.15, 0.25, 0.2)
_LEAST_SD = 1.5  # frames
# Prior of half the plateau of a held expression, as `fit_course` takes it. The one of `motion`
# allows at most 0.7 of the shorter phase: a smile that is held longer would have its apex at an end
# of the plateau.
_HELD = (0.5, 0.95)
_FULL = 0.7  # strength from which on an expression is held
_ENDS = 3  # ends of held expressions that are tried
_STEPS = 13  # times of the search from the first frame to the last
# Quality from which on a fit is clear: a search over all courses finds some rise and fall in noise,
# with a quality up to 0.8.
CLEAR = 0.9
_REST = 0.15  # share of the frames outside a clear expression: else it may be drift
_ROUNDS = 2


def spaced_starts(times: np.ndarray) -> np.ndarray:
    """All onsets, apexes and offsets (N, 3) of evenly spaced times, from the first to the last."""
    return np.array(list(combinations(np.linspace(times[0], times[-1], _STEPS), 3)))


def best_starts(meter: MotionMeter, times: np.ndarray, starts: np.ndarray) -> list[Start]:
    """`starts` (N, 3), those that the motion of most pixels follows best first."""
    courses = np.stack([expected_strength(start, times) for start in starts])
    order = (-meter.support(courses, times)).argsort(kind="stable")
    return [(float(a), float(b), float(c)) for a, b, c in starts[order]]


def fit_clear(meter: MotionMeter, times: np.ndarray, starts: Sequence[Start]) -> MotionFit | None:
    """The best fit from the first of `starts`, best first, and from held ones with the best ends.

    None if it is not clearly an expression: with a face at rest around it.
    """
    ends = list(dict.fromkeys((start[0], start[2]) for start in starts))[:_ENDS]
    fit = fit_best(meter, times, starts[0], ends)
    if fit is None or fit.quality < CLEAR:
        return None
    rest = (fit.times < fit.keys.onset) | (fit.times > fit.keys.offset)
    return fit if float(rest.mean()) >= _REST else None


def fit_best(
    meter: MotionMeter, times: np.ndarray, start: Start, held: Iterable[tuple[float, float]]
) -> MotionFit | None:
    """The fit with the best quality: from a start, and of held expressions with these ends."""
    fits = [fit_start(meter, times, start)]
    fits += [
        fit_start(meter, times, (onset, (onset + offset) / 2, offset), plateau=_HELD)
        for onset, offset in held
    ]
    return max(filter(None, fits), key=lambda fit: fit.quality, default=None)


def fit_start(
    meter: MotionMeter,
    times: np.ndarray,
    start: Start,
    width: np.ndarray | None = None,
    plateau: tuple[float, float] = (PLATEAU_SD, WIDEST),
) -> MotionFit | None:
    """The fit from a start; None if the frames have no structure.

    Args:
        meter: of the frames.
        times: (T,) frame numbers.
        start: onset, apex and offset to start from.
        width: (3,) standard deviations of their errors; shares of the start's length if omitted.
        plateau: as `fit_course`.
    """
    if width is None:
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
        intervals = (intervals[0], with_held(intervals[1], times, course), intervals[2])
    keys = KeyFrames(*nearest(times, middle), intervals=intervals)
    return MotionFit(times, level, course, keys, posterior)


def with_held(apex: tuple[int, int], times: np.ndarray, course: np.ndarray) -> tuple[int, int]:
    """The interval of the apex, with the frames at full strength: any of them could be the apex."""
    held = times[course >= _FULL]
    if not len(held):
        return apex
    return min(apex[0], int(held[0])), max(apex[1], int(held[-1]))
