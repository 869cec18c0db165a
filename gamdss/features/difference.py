"""How brightness differs between two frames."""

from __future__ import annotations

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of red, green, blue: ITU-R BT.601


def frame_difference(start: np.ndarray, end: np.ndarray, grey: bool = False) -> np.ndarray:
    """`end - start` in grey levels, correct (not modulo 256).

    Args:
        start: uint8 RGB (3, H, W).
        end: the same size.
        grey: luma alone, in one channel.

    Returns:
        (3, H, W) float32, or (1, H, W) if `grey`.
    """
    difference = end.astype(np.float32) - start.astype(np.float32)
    return np.tensordot(LUMA, difference, axes=1)[None] if grey else difference
