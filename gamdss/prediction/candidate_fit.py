"""Key frames of a spotted expression: the model of rise and fall, fitted around the candidate.

Spotting finds the ends of a motion on a few time scales, so that a smile that is held for seconds
can look like two short expressions. If the fit around the candidate is unreliable, the course that
most pixels follow is searched for in a wider window, and fitted from several starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import expected_strength, fit_course
from gamdss.reselection.motion.fit import LEAST_FRAMES, RELIABLE, MotionFit
from gamdss.reselection.motion.level import MotionMeter, shrink

# Standard deviations of a start's onset, apex and offset, as shares of its length.
_WIDTH = (0.15, 0.25, 0.2)
_LEAST_SD = 1.5  # frames
# Where else the apex may start, between onset and offset.
_APEXES = (0.2, 0.35, 0.5, 0.65, 0.8)
_STEPS = 13  # times of the search from the first frame of the wider window to the last
# Quality from which on a fit of the wider window is taken: a search over all courses finds some
# rise and fall in noise, with a quality up to 0.8.
_CLEAR = 0.9
_ROUNDS = 2
_SEED = 20260322


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
    found = _fit(meter, times, _best(meter, times, _with_apexes(*spotted)), draws)
    if found is None or found.fit.quality >= RELIABLE:
        return found
    times, meter = _measured(wide)
    spaced = np.linspace(times[0], times[-1], _STEPS)
    around = [c for c in combinations(spaced, 3) if c[0] < spotted[1] < c[2]]
    if meter is None or not around:
        return found
    onset, apex, offset = _best(meter, times, np.array(around))
    starts = [(onset, apex, offset), (onset, (onset + offset) / 2, offset)]
    others = [_fit(meter, times, np.array(start), draws) for start in starts]
    clear = [one for one in others if one is not None and one.fit.quality >= _CLEAR]
    return max(clear, key=lambda one: one.fit.quality, default=found)


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


def _best(meter: MotionMeter, times: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The one of `starts` (N, 3) that the motion of most pixels follows best, (3,)."""
    courses = np.stack([expected_strength(start, times) for start in starts])
    return np.asarray(starts[meter.support(courses, times).argmax()])


def _fit(
    meter: MotionMeter, times: np.ndarray, start: np.ndarray, draws: int
) -> CandidateFit | None:
    """The fit from a start (3,); None if the frames have no structure."""
    width = np.maximum(np.array(_WIDTH) * (start[2] - start[0]), _LEAST_SD)
    middle, course = start, expected_strength(start, times)
    for _ in range(_ROUNDS):
        try:
            level = meter.level(course)
        except np.linalg.LinAlgError:
            return None
        posterior = fit_course(level, times, middle, width)
        middle, course = posterior.middle(), posterior.course
    keys = KeyFrames(*_nearest(times, middle), intervals=posterior.intervals())
    rng = np.random.default_rng(_SEED)
    chosen = posterior.samples[rng.choice(len(posterior.samples), draws, replace=False)]
    return CandidateFit(
        MotionFit(times, level, course, keys), tuple(_nearest(times, row) for row in chosen)
    )


def _nearest(times: np.ndarray, numbers: np.ndarray) -> tuple[int, int, int]:
    """The frames nearest to onset, apex and offset."""
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in numbers)
    return onset, apex, offset
