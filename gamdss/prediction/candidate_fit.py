"""Key frames of a spotted expression: the model of rise and fall, fitted around the candidate.

Spotting finds the ends of a motion on a few time scales, so that a smile that is held for seconds
can look like two short expressions. If the fit around the candidate is unreliable or cut off by the
window, the course that most pixels follow is searched for in a wider window.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from gamdss.records import RELIABLE
from gamdss.reselection.motion.fit import LEAST_FRAMES, MotionFit
from gamdss.reselection.motion.level import MotionMeter, moves, shrink_all
from gamdss.reselection.motion.starts import fit_clear, fit_search, or_held, spaced_starts

# Where else the apex may start, between onset and offset.
_APEXES = (0.2, 0.35, 0.5, 0.65, 0.8)


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
    fit = _fit(near, wide, spotted)
    return None if fit is None else CandidateFit(fit, fit.posterior.draws(draws))


def _fit(
    near: Mapping[int, np.ndarray], wide: Mapping[int, np.ndarray], spotted: tuple[int, int, int]
) -> MotionFit | None:
    times, meter = _measured(near)
    if meter is None:
        return None
    found = fit_search(meter, times, _with_apexes(*spotted))
    if found is None:
        return None
    if found.quality >= RELIABLE:
        found = or_held(found, meter, _around(times, spotted))
        if not _cut(found, wide):
            return found
    times, meter = _measured(wide)
    around = _around(times, spotted)
    if meter is None or not len(around):
        return found
    return fit_clear(meter, times, around) or found


def _measured(images: Mapping[int, np.ndarray]) -> tuple[np.ndarray, MotionMeter | None]:
    """Frame numbers (T,), and the meter of the frames; None if they are few or still."""
    times = np.array(sorted(images))
    small = shrink_all(images[number] for number in times)
    return times, MotionMeter(small) if len(times) >= LEAST_FRAMES and moves(small) else None


def _cut(fit: MotionFit, wide: Collection[int]) -> bool:
    """Whether the course reaches an end of its window although there are frames beyond."""
    first, last = fit.times[0], fit.times[-1]
    early, late = fit.keys.onset == first > min(wide), fit.keys.offset == last < max(wide)
    return bool(early or late)


def _around(times: np.ndarray, spotted: tuple[int, int, int]) -> np.ndarray:
    """Evenly spaced starts (N, 3) whose ends are on both sides of the spotted apex."""
    starts = spaced_starts(times)
    return np.asarray(starts[(starts[:, 0] < spotted[1]) & (spotted[1] < starts[:, 2])])


def _with_apexes(onset: int, apex: int, offset: int) -> np.ndarray:
    """Starts (N, 3) with the same ends."""
    inner = [onset + share * (offset - onset) for share in _APEXES]
    return np.array([(onset, middle, offset) for middle in (apex, *inner)], float)
