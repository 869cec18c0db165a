"""Fits from starts that no annotation gives: expressions that are spotted.

The model of `motion` is fitted twice: around the start, and around the result of the first fit,
whose course shows better which motion is that of the expression. Expressions that are held for
long, such as a smile, have starts of their own.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import (
    USUAL,
    WIDEST,
    Expected,
    IntervalShares,
    Shapes,
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
# Of a held expression, the deviation of half the plateau and its largest value. `motion` allows at
# most 0.7 of the shorter phase: a smile that is held longer would have its apex at an end of the
# plateau.
_HELD = Shapes(USUAL.mean, (0.5, *USUAL.deviation[1:]))
_HELD_WIDEST = 0.95
_HELD_HALF = 0.8  # half the plateau of held expressions in the search
_TRIED = 3  # starts of held expressions, of which the first is always fitted
_STEPS = 13  # times of the search from the first frame to the last
# Quality from which on a fit is clear: a search over all courses finds some rise and fall in noise,
# with a quality up to 0.8.
CLEAR = 0.9
_REST = 0.15  # share of the frames outside a clear expression: else it may be drift
_ROUNDS = 2
# A few fits are of other motion than the expression, so that intervals must be wider.
SPOTTED = IntervalShares(0.765, 0.62, 0.72, 0.77, 0.99)


def spaced_starts(times: np.ndarray) -> np.ndarray:
    """All onsets, apexes and offsets (N, 3) of evenly spaced times, from the first to the last."""
    return np.array(list(combinations(np.linspace(times[0], times[-1], _STEPS), 3)))


def fit_search(
    meter: MotionMeter, times: np.ndarray, starts: np.ndarray, width: np.ndarray | None = None
) -> MotionFit | None:
    """The best fit of an expression that peaks, and of one that is held.

    Each starts from those of `starts` (N, 3) that the motion of most pixels follows best. None if
    the frames have no structure.

    Args:
        meter, times: as `fit_start`.
        starts: onsets, apexes and offsets to start from.
        width: of an expression that peaks, as `fit_start`.
    """
    fit = fit_start(meter, times, _best(meter, times, starts, USUAL.mean[0])[0], width)
    return None if fit is None else or_held(fit, meter, starts)


def or_held(fit: MotionFit, meter: MotionMeter, starts: np.ndarray) -> MotionFit:
    """The fit, or a better one of an expression that is held, with ends of `starts` (N, 3)."""
    if not len(starts):
        return fit
    ends = np.unique(starts[:, [0, 2]], axis=0)
    held = np.stack([ends[:, 0], ends.mean(axis=1), ends[:, 1]], axis=1)
    for tried, start in enumerate(_best(meter, fit.times, held, _HELD_HALF)):
        if tried > 0 and fit.quality >= CLEAR:
            break
        fit = max(fit, fit_start(meter, fit.times, start, held=True) or fit, key=_quality)
    return fit


def _best(meter: MotionMeter, times: np.ndarray, starts: np.ndarray, plateau: float) -> list[Start]:
    """Starts whose course, with this half of a plateau, most pixels follow; the best first."""
    courses = np.stack([expected_strength(start, times, plateau) for start in starts])
    best = starts[(-meter.support(courses, times)).argsort(kind="stable")[:_TRIED]]
    return [(float(a), float(b), float(c)) for a, b, c in best]


def _quality(fit: MotionFit) -> float:
    return fit.quality


def fit_clear(meter: MotionMeter, times: np.ndarray, starts: np.ndarray) -> MotionFit | None:
    """As `fit_search`; None if it is not clearly an expression, with a face at rest around it."""
    fit = fit_search(meter, times, starts)
    if fit is None or fit.quality < CLEAR:
        return None
    rest = (fit.times < fit.keys.onset) | (fit.times > fit.keys.offset)
    return fit if float(rest.mean()) >= _REST else None


def fit_start(
    meter: MotionMeter,
    times: np.ndarray,
    start: Start,
    width: np.ndarray | None = None,
    held: bool = False,
) -> MotionFit | None:
    """The fit from a start; None if the frames have no structure.

    Args:
        meter: of the frames.
        times: (T,) frame numbers.
        start: onset, apex and offset to start from.
        width: (3,) standard deviations of their errors; shares of the start's length if omitted.
        held: whether it may be held for most of its time.
    """
    if width is None:
        width = np.maximum(np.array(_WIDTH) * (start[2] - start[0]), _LEAST_SD)
    shapes, widest = (_HELD, _HELD_WIDEST) if held else (USUAL, WIDEST)
    middle = np.array(start)
    course = expected_strength(middle, times)
    for _ in range(_ROUNDS):
        try:
            level = meter.level(course)
        except np.linalg.LinAlgError:
            return None
        posterior = fit_course(level, times, Expected(middle, width, shapes, widest))
        middle, course = posterior.middle(), posterior.course
    numbers = nearest(times, middle)
    keys = KeyFrames(
        *numbers,
        intervals=posterior.intervals(SPOTTED, numbers),
        apex_phase=posterior.apex_phase,
    )
    return MotionFit(times, level, course, keys, posterior)
