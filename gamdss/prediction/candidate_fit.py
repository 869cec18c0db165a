"""Key frames of a spotted expression: the model of rise and fall, fitted around the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import expected_strength, fit_course
from gamdss.reselection.motion.fit import LEAST_FRAMES, MotionFit
from gamdss.reselection.motion.level import MotionMeter, shrink

# Standard deviations of a candidate's onset, apex and offset, as shares of its length.
_WIDTH = (0.15, 0.25, 0.2)
_LEAST_SD = 1.5  # frames
# Where the search for the best start puts the apex, besides where it was spotted.
_STARTS = (0.2, 0.35, 0.5, 0.65, 0.8)
_ROUNDS = 2
_SEED = 20260322


@dataclass(frozen=True, eq=False)
class CandidateFit:
    """The fit around a candidate, and equally likely key frames (N, 3) from its posterior."""

    fit: MotionFit
    draws: tuple[tuple[int, int, int], ...]


def fit_candidate(
    images: Mapping[int, np.ndarray], spotted: tuple[int, int, int], draws: int
) -> CandidateFit | None:
    """Fit the course of a candidate expression.

    Args:
        images: crops around the candidate by frame number, uint8 BGR (H, W, 3) of one size.
        spotted: its onset, apex and offset.
        draws: number of key frames drawn from the posterior; the same for every call.

    Returns:
        The fit; None if frames are too few, or show no structure or change.
    """
    times = np.array(sorted(images))
    if len(times) < LEAST_FRAMES:
        return None
    small = [shrink(images[number]) for number in times]
    if not any((image != small[0]).any() for image in small):
        return None
    meter = MotionMeter(small)
    middle = _start(meter, times, spotted)
    width = np.maximum(np.array(_WIDTH) * (spotted[2] - spotted[0]), _LEAST_SD)
    course = expected_strength(middle, times)
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


def _start(meter: MotionMeter, times: np.ndarray, spotted: tuple[int, int, int]) -> np.ndarray:
    """The start (3,) that the motion of most pixels follows best."""
    onset, apex, offset = spotted
    inner = [onset + share * (offset - onset) for share in _STARTS]
    starts = np.array([(onset, middle, offset) for middle in (apex, *inner)], float)
    courses = np.stack([expected_strength(start, times) for start in starts])
    return np.asarray(starts[meter.support(courses, times).argmax()])


def _nearest(times: np.ndarray, numbers: np.ndarray) -> tuple[int, int, int]:
    """The frames nearest to onset, apex and offset."""
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in numbers)
    return onset, apex, offset
