"""Spotting: onset, apex and offset of a clip that nobody annotated.

A coarse search finds the rise and fall that the local motion of most pixels follows; a blink
moves few of them. From there on it is the fit of `motion`, with a prior as wide as the search's
steps: once around the best of the search, and once more around what that found, since the course
then shows better which motion is the expression's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from gamdss.errors import FrameError
from gamdss.records import KeyFrames
from gamdss.reselection.images import Frames, alike, numbered
from gamdss.reselection.motion.course import expected_strength, fit_course
from gamdss.reselection.motion.fit import LEAST_FRAMES, MotionFit
from gamdss.reselection.motion.flow import LEAST_PIXELS, shrink
from gamdss.reselection.motion.level import MotionMeter

# 2000 frames took 28 s of one core and 0.9 GB, 3000 took 72 s and 1.2 GB.
MOST_FRAMES = 3000
_STEPS = 13  # times of the search from the first frame to the last
_ROUNDS = 2
_WIDTH = 0.15  # of the clip: how far off the search may be, as a standard deviation


def spot(
    frames: Frames, first_frame: int = 1, *, frame_numbers: Sequence[int] | None = None
) -> KeyFrames:
    """Onset, apex and offset of the one expression in a trimmed clip, without an annotation.

    Args:
        frames: (T, H, W, 3) or (T, H, W), uint8 or floats; or a mapping from frame number to
            image. One face of about the same place and size, with one rise and fall; what comes
            before the onset and after the offset may be a few times as long.
        first_frame: number of the first frame of an array.
        frame_numbers: number of each frame of an array, in place of `first_frame`.

    Returns:
        Frame numbers, with intervals by the shares of `motion`. Those are calibrated with an
        annotation: how often they hold the true frame without one, `gamdss stress` measures.

    Raises:
        FrameError: images differ in size or are unusable; there are too few, too many or too small
            ones; nothing moves in them.
    """
    return fit_spotted(numbered(frames, first_frame, frame_numbers)).keys


def fit_spotted(images: Mapping[int, np.ndarray]) -> MotionFit:
    """As `spot`, with the measured level and the fitted course.

    Args:
        images: the clip's frames by number, each asked for once and kept no longer than it takes
            to shrink it.

    Raises:
        FrameError: as `spot`.
    """
    times, small = np.array(sorted(images)), _shrunk(images)
    if not any((image != small[0]).any() for image in small):
        raise _nothing_moves()
    meter = MotionMeter(small)
    middle = _search(meter, times)
    width = np.full(3, max(_WIDTH * float(times[-1] - times[0]), 1.0))
    course = expected_strength(middle, times)
    for _ in range(_ROUNDS):
        try:
            level = meter.level(course)
        except np.linalg.LinAlgError:
            raise _nothing_moves() from None
        posterior = fit_course(level, times, middle, width)
        middle, course = posterior.middle(), posterior.course
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in middle)
    keys = KeyFrames(onset, apex, offset, (), posterior.intervals())
    return MotionFit(times, level, course, keys)


def _shrunk(images: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """The frames, rising, as grey (h, w) float32, if there are enough and not too many."""
    if len(images) > MOST_FRAMES:
        raise FrameError(
            f"{len(images)} frames are too many",
            remedy=f"Trim the clip around the expression: spotting takes {MOST_FRAMES} at most.",
        )
    small, height, width = [], 0, 0
    for _, image in alike(images):
        height, width = image.shape[:2]
        small.append(shrink(image))
    if len(small) < LEAST_FRAMES or min(height, width) < LEAST_PIXELS:
        raise FrameError(
            f"{len(small)} frames of {height}x{width} pixels are too few or too small",
            remedy=f"Spotting needs {LEAST_FRAMES} frames of {LEAST_PIXELS} pixels and more.",
        )
    return small


def _nothing_moves() -> FrameError:
    return FrameError(
        "nothing moves in these frames", remedy="Spotting needs a face that shows an expression."
    )


def _search(meter: MotionMeter, times: np.ndarray) -> np.ndarray:
    """The onset, apex and offset (3,) among evenly spaced ones that the motion follows best."""
    spaced = np.linspace(times[0], times[-1], _STEPS)
    candidates = np.array(list(combinations(spaced, 3)))
    courses = np.stack([expected_strength(candidate, times) for candidate in candidates])
    return np.asarray(candidates[meter.support(courses, times).argmax()])
