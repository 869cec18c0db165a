"""Spotting: onset, apex and offset of a clip without annotation.

A coarse search finds the rise and fall that the local motion of most pixels follows; a blink
moves few pixels. Then the model of `motion` is fitted twice, with a prior as wide as a step of the
search: of an expression that peaks, and of one that is held for long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gamdss.errors import FrameError
from gamdss.records import KeyFrames
from gamdss.reselection.images import Frames, alike, numbered
from gamdss.reselection.motion.fit import LEAST_FRAMES, MotionFit
from gamdss.reselection.motion.level import LEAST_PIXELS, MotionMeter, moves, shrink_all
from gamdss.reselection.motion.starts import fit_search, spaced_starts

# 2000 frames took 28 s on one core and 0.9 GB, 3000 took 72 s and 1.2 GB.
MOST_FRAMES = 3000
_WIDTH = 0.15  # standard deviation of the search's error, as a share of the clip


def spot(
    frames: Frames, first_frame: int = 1, *, frame_numbers: Sequence[int] | None = None
) -> KeyFrames:
    """Onset, apex and offset of the one expression in a trimmed clip without annotation.

    Args:
        frames: (T, H, W, 3) or (T, H, W), uint8 or floats, colours as B, G, R; a list of images;
            or a mapping from frame number to image. Floats are from 0 to 255, from 0 to 1, or of
            any other range, which is then stretched over the grey levels; so is one that ends
            between 1 and 25.5. One face, about constant in place and size, with one rise and fall;
            the time before the onset and after the offset may be a few times as long.
        first_frame: number of the first frame of an array.
        frame_numbers: number of each frame of an array, in place of `first_frame`.

    Returns:
        Frame numbers, with intervals that contain the true frame in about 80% of synthetic clips
        (`gamdss stress`), the apex phase if the expression is held, and the quality of fit: below
        0.6 (`reliable` is false) they mean little.

    Raises:
        FrameError: images are unusable or differ in size, are too few, too many or too small, or
            show no motion.
    """
    fit = fit_spotted(numbered(frames, first_frame, frame_numbers))
    return replace(fit.keys, quality=round(fit.quality, 4))


def fit_spotted(images: Mapping[int, np.ndarray]) -> MotionFit:
    """As `spot`, with the measured level and the fitted course.

    Args:
        images: the frames of the clip by number; each is read once, and only a small copy kept.

    Raises:
        FrameError: as `spot`.
    """
    times, small = np.array(sorted(images)), _shrunk(images)
    if not moves(small):
        raise _nothing_moves()
    meter = MotionMeter(small)
    width = np.full(3, max(_WIDTH * float(times[-1] - times[0]), 1.0))
    fit = fit_search(meter, times, spaced_starts(times), width)
    if fit is None:
        raise _nothing_moves()
    return fit


def _shrunk(images: Mapping[int, np.ndarray]) -> list[np.ndarray]:
    """The frames in order as grey (h, w) float32, if not too few, too many or too small."""
    if len(images) > MOST_FRAMES:
        raise FrameError(
            f"{len(images)} frames are too many",
            remedy=f"Trim the clip around the expression: at most {MOST_FRAMES} frames.",
        )
    height = width = 0

    def sized() -> Iterator[np.ndarray]:
        nonlocal height, width
        for _, image in alike(images):
            height, width = image.shape[:2]
            yield image

    small = shrink_all(sized())
    if problem := _insufficient(len(small), height, width):
        raise FrameError(
            problem,
            remedy=f"Spotting needs at least {LEAST_FRAMES} frames of {LEAST_PIXELS} pixels.",
        )
    return small


def _insufficient(count: int, height: int, width: int) -> str:
    """Why so many frames of this size cannot be spotted; blank if they can."""
    if count == 1:
        return "one frame is a picture, not a clip"
    if count < LEAST_FRAMES:
        return f"{count} frames are too few"
    too_small = min(height, width) < LEAST_PIXELS
    return f"frames of {height}x{width} pixels are too small" if too_small else ""


def _nothing_moves() -> FrameError:
    return FrameError(
        "nothing moves in these frames", remedy="Spotting needs a face that shows an expression."
    )
