"""How much two frames differ: squared L2 norm, correct or modulo 256, of every pair.

Squares of uint8 differences are whole numbers, and float64 holds their sums without rounding up
to 2**53: equal differences compare equal, and ties are left to the search.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def squared_differences(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], *, wrap: bool = False
) -> np.ndarray:
    """Squared L2 norm of `second - first` for every pair of flattened images.

    Args:
        first: A images (P,) uint8, or floats unless `wrap`.
        second: B images of the same type.
        wrap: subtract modulo 256 as the original release does; then the order matters.

    Returns:
        (A, B) float64, exact for uint8.
    """
    total = np.empty((len(first), len(second)))
    for row, image in enumerate(first):
        for column, other in enumerate(second):
            total[row, column] = _squared_difference(image, other, wrap)
    return total


def _squared_difference(image: np.ndarray, other: np.ndarray, wrap: bool) -> float:
    if image.dtype != np.uint8:
        moved = np.subtract(other, image, dtype=np.float64)
        return float(moved @ moved)
    # One pass over the pixels, 60 times as fast as widening them for a matrix product. OpenCV
    # takes the root and squares it again, so the last digits are rounded back.
    if wrap:
        return float(np.rint(cv2.norm(other - image, cv2.NORM_L2SQR)))
    return float(np.rint(cv2.norm(other, image, cv2.NORM_L2SQR)))
