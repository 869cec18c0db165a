"""Changes of brightness between frames: their difference, and its magnification.

Magnification is linear and Eulerian, without learning. Source: Wu et al., "Eulerian Video
Magnification", SIGGRAPH 2012. There each pixel's value over time is band-passed, multiplied and
added back. Here time has two moments, the weak end of a phase and its apex; the low-pass filter is
the average of the frames around each (the caller's choice) and a smoothing of the change in space.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gamdss.errors import FrameError
from gamdss.features.checks import check_bgr, check_one_size, check_rgb

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue: ITU-R BT.601
BLUR = 1 / 200  # standard deviation of the smoothing, in frame widths: 1.4 pixels of 280


def frame_difference(start: np.ndarray, end: np.ndarray, grey: bool = False) -> np.ndarray:
    """`end - start` in grey levels, without wrapping around modulo 256.

    Args:
        start: uint8 RGB (3, H, W).
        end: the same size.
        grey: only the luma, in one channel.

    Returns:
        (3, H, W) float32, or (1, H, W) if `grey`.

    Raises:
        FrameError: a frame has another type or layout, such as BGR (H, W, 3), or another size.
    """
    check_rgb({"start": start, "end": end})
    check_one_size({"start": start, "end": end})
    difference = end.astype(np.float32) - start.astype(np.float32)
    return np.tensordot(LUMA, difference, axes=1)[None] if grey else difference


def magnify(
    image: np.ndarray,
    start: Sequence[np.ndarray],
    end: Sequence[np.ndarray],
    factor: float,
    limit: float,
) -> np.ndarray:
    """The frame `image` with the change from `start` to `end` made `factor` times as large.

    For each pixel and colour: change = G * (mean(end) - mean(start)), with G a Gaussian of
    standard deviation `BLUR` frame widths; image + clip((factor - 1) * change, -limit, limit);
    rounded and clipped to 0..255. To first order a pattern that moved by d then has moved by
    factor * d, if factor * d is well below an eighth of its wavelength; beyond that edges tear.

    Args:
        image: uint8 (H, W, 3), the apex frame.
        start: frames around the phase's weak end, each like `image`.
        end: frames around the apex.
        factor: 1 changes nothing.
        limit: largest change that is added, in grey levels.

    Returns:
        uint8 (H, W, 3).

    Raises:
        FrameError: there is no frame, or one has another type, layout or size.
    """
    frames = {"image": image}
    for name, around in (("start", start), ("end", end)):
        if len(around) == 0:
            raise FrameError(f"{name} has no frame", remedy="Pass one or more.")
        frames.update({f"{name}[{i}]": frame for i, frame in enumerate(around)})
    check_bgr(frames)
    check_one_size(frames)
    change = np.mean(end, axis=0, dtype=np.float32) - np.mean(start, axis=0, dtype=np.float32)
    smooth = cv2.GaussianBlur(change, (0, 0), max(BLUR * image.shape[1], 0.3))
    added = np.clip((factor - 1) * smooth, -limit, limit)
    return np.clip(np.rint(image + added), 0, 255).astype(np.uint8)
