"""Reselection that corrects: key frames from the motion of the whole clip, with their doubt.

The largest image difference is won by noise, light and drift. Here the clip's own dominant motion
is measured in every frame, and a model of the whole rise and fall is fitted to it with the
annotation as a prior. A key frame that the motion does not tell stays as annotated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.motion.course import Posterior, expected_strength, fit_course
from gamdss.reselection.motion.flow import LEAST_PIXELS, shrink
from gamdss.reselection.motion.level import MotionMeter

LEAST_FRAMES = 8
UNSUPPORTED = 0.85  # of the prior's width: evidence that narrows it less says nothing


@dataclass(frozen=True, eq=False)
class MotionFit:
    """What was measured in a clip and what follows from it.

    `times` (T,) are frame numbers, `level` (T,) the motion level, `course` (T,) the fitted
    strength of the expression from 0 to 1.
    """

    times: np.ndarray
    level: np.ndarray
    course: np.ndarray
    keys: KeyFrames


def fit_motion(images: Mapping[int, np.ndarray], keys: KeyFrames) -> MotionFit | None:
    """Measure the clip's motion and fit its course; None where too little is there.

    Args:
        images: frames by number, alike in size, with the annotated three among them.
        keys: the annotation.
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
    except np.linalg.LinAlgError:  # frames without any structure that could move
        return None
    posterior = fit_course(level, times, annotated)
    return MotionFit(times, level, posterior.course, _decide(posterior, keys, times))


def _decide(posterior: Posterior, keys: KeyFrames, times: np.ndarray) -> KeyFrames:
    """Medians, or the annotation where the motion does not locate a key frame; intervals."""
    kept = posterior.spread > UNSUPPORTED
    middle = np.round(posterior.middle())
    found = np.where(kept, keys.numbers, middle)
    while (wrong := np.diff(found) < 0).any():
        # The motion does tell what is on the wrong side of a frame that it moved.
        kept &= ~(np.append(wrong, False) | np.append(False, wrong))
        found = np.where(kept, keys.numbers, middle)
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in found)
    names = tuple(name for name, stays in zip(KEYS, kept, strict=True) if stays)
    return KeyFrames(onset, apex, offset, intervals=posterior.intervals(), kept=names)
