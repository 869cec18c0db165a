"""Key frames from the motion of a whole clip, with their uncertainty.

Noise, light and drift decide the largest image difference. Here the dominant local motion of the
clip is measured in every frame, and a model of the whole rise and fall is fitted to it, with the
annotation as a prior. If the motion does not locate a key frame, the annotation is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.motion.course import Posterior, expected_strength, fit_course
from gamdss.reselection.motion.level import LEAST_PIXELS, MotionMeter, shrink

LEAST_FRAMES = 8
UNSUPPORTED = 0.85  # of the prior's width: above it, the motion does not locate the key frame


@dataclass(frozen=True, eq=False)
class MotionFit:
    """The measured level of a clip, the fitted course, and the key frames.

    `times` (T,) are frame numbers, `level` (T,) the motion level, `course` (T,) the fitted
    strength of the expression from 0 to 1.
    """

    times: np.ndarray
    level: np.ndarray
    course: np.ndarray
    keys: KeyFrames

    @property
    def quality(self) -> float:
        """Share of the level's variance that the course explains, against a constant: 0 to 1.

        Below `RELIABLE` of `gamdss.records`, the level has no clear rise and fall, and the key
        frames mean little.
        """
        design = np.stack([self.course, np.ones_like(self.course)], axis=1)
        factors = np.linalg.lstsq(design, self.level, rcond=None)[0]
        total = float(np.var(self.level))
        if factors[0] <= 0 or total < 1e-18:
            return 0.0
        return max(0.0, 1 - float(np.var(self.level - design @ factors)) / total)


def fit_motion(images: Mapping[int, np.ndarray], keys: KeyFrames) -> MotionFit | None:
    """Measure the motion of a clip and fit its course.

    Args:
        images: frames by number, all of one size, with the annotated ones among them.
        keys: the annotation.

    Returns:
        The fit; None if frames are too few or too small, or show no structure or change.
    """
    times = np.array(sorted(images))
    if len(times) < LEAST_FRAMES or not keys.onset < keys.apex < keys.offset:
        return None
    if min(images[keys.apex].shape[:2]) < LEAST_PIXELS:
        return None
    small = [shrink(images[number]) for number in times]
    annotated = np.array(keys.numbers)
    if not any((image != small[0]).any() for image in small):
        return None
    meter = MotionMeter(small)
    try:
        level = meter.level(expected_strength(annotated, times))
    except np.linalg.LinAlgError:  # no structure in the frames that could move
        return None
    posterior = fit_course(level, times, annotated)
    return MotionFit(times, level, posterior.course, _decide(posterior, keys, times))


def _decide(posterior: Posterior, keys: KeyFrames, times: np.ndarray) -> KeyFrames:
    """Medians, or the annotation where the motion does not locate a key frame, and intervals."""
    kept = posterior.spread > UNSUPPORTED
    middle = np.round(posterior.middle())
    found = np.where(kept, keys.numbers, middle)
    while (wrong := np.diff(found) < 0).any():
        # An annotated frame on the wrong side of a moved one is located by the motion after all.
        kept &= ~(np.append(wrong, False) | np.append(False, wrong))
        found = np.where(kept, keys.numbers, middle)
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in found)
    names = tuple(name for name, stays in zip(KEYS, kept, strict=True) if stays)
    return KeyFrames(onset, apex, offset, intervals=posterior.intervals(), kept=names)
