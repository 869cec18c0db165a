"""Motion magnification without learning: a linear, Eulerian one between two key frames.

Source: Wu et al., "Eulerian Video Magnification", SIGGRAPH 2012. There every pixel's value over
time is band-passed, multiplied and added again. Here time has two moments, the weak end of a
phase and its apex; low-passing is averaging the frames around each (the caller's choice) and
smoothing the change over a small neighbourhood.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

BLUR = 1 / 200  # deviation of the smoothing, in widths of the frame: 1.4 pixels of 280


def magnify(
    image: np.ndarray,
    start: Sequence[np.ndarray],
    end: Sequence[np.ndarray],
    factor: float,
    limit: float,
) -> np.ndarray:
    """The frame `image` with the change from `start` to `end` made `factor` times as large.

    Computed for each pixel and colour: change = G * (mean(end) - mean(start)), with G a Gaussian
    of deviation `BLUR` frame widths; image + clip((factor - 1) * change, -limit, limit); rounded
    and clipped to 0..255. To first order a pattern that moved by d then has moved by factor * d;
    that holds while factor * d is well below an eighth of the pattern's wavelength, beyond it
    edges tear instead of moving.

    Args:
        image: uint8 (H, W, 3), the apex frame.
        start: frames around the phase's weak end, each like `image`.
        end: frames around the apex.
        factor: 1 changes nothing.
        limit: largest change that is added, in grey levels.

    Returns:
        uint8 (H, W, 3).
    """
    change = np.mean(end, axis=0, dtype=np.float32) - np.mean(start, axis=0, dtype=np.float32)
    smooth = cv2.GaussianBlur(change, (0, 0), max(BLUR * image.shape[1], 0.3))
    added = np.clip((factor - 1) * smooth, -limit, limit)
    return np.clip(np.rint(image + added), 0, 255).astype(np.uint8)
