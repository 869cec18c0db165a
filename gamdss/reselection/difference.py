"""How much two frames differ: squared L2 norm, correct or modulo 256, all pairs at once.

Squares of uint8 differences are whole numbers, and float64 sums them without rounding up to
2**53, whatever the order: equal differences compare equal, and ties are left to the search.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Values per image and step: 40 candidates in float64 take 5 MB, which caches hold.
_STEP = 16_384


def squared_differences(first: np.ndarray, second: np.ndarray, *, wrap: bool = False) -> np.ndarray:
    """Squared L2 norm of `second - first` for every pair of flattened images.

    Args:
        first: (A, P) uint8, or floats unless `wrap`.
        second: (B, P) of the same type.
        wrap: subtract modulo 256 as the original release does; then the order matters.

    Returns:
        (A, B) float64, exact for uint8.
    """
    total = np.zeros((len(first), len(second)))
    for part, other in _steps(first, second):
        if first.dtype == np.uint8 and not wrap:
            total += _gram(part.astype(np.float64), other.astype(np.float64))
        else:
            total += _by_row(part, other)
    return total


def _steps(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, first.shape[1], _STEP):
        yield first[:, start : start + _STEP], second[:, start : start + _STEP]


def _gram(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """|a|^2 + |b|^2 - 2ab; only for whole numbers, where nothing cancels."""
    own = np.einsum("ap,ap->a", first, first)[:, None]
    return own + np.einsum("bp,bp->b", second, second) - 2.0 * (first @ second.T)


def _by_row(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The subtraction keeps the images' type, so uint8 wraps; floats are widened first."""
    if first.dtype != np.uint8:
        first, second = first.astype(np.float64), second.astype(np.float64)
    total = np.empty((len(first), len(second)))
    for row, image in enumerate(first):
        moved = (second - image).astype(np.float64, copy=False)
        total[row] = np.einsum("bp,bp->b", moved, moved)
    return total
