"""How the strength of an expression grows within a phase: cumulative beta distributions.

They contain power laws, come close to raised cosines, and start and end where these do. Computing
them takes milliseconds for a step of sampling, so they are read from a table.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import betainc, betaln

_LEAST, _MOST, _STEP = -1.6, 2.6, 0.1  # logarithms of a and b in the table
_PARTS = 48  # of a phase in the table, shorter towards its ends


def cumulative_beta(shapes: np.ndarray, phase: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Strength (N, T) float32 from 0 to 1, within 0.004, after a `part` of a phase.

    Args:
        shapes: (N, P, 2), logarithms of a and b of P phases: a shapes the faint end of a phase, b
            its strong end; each is 0 where that end is a corner.
        phase: (N, T), which of them, bool or integers.
        part: (N, T) float32 from 0 to 1.
    """
    count, phases = shapes.shape[:2]
    rows = _rows(shapes.reshape(-1, 2))
    place = np.arcsin(np.sqrt(part))
    place *= np.float32((2 * _PARTS - 1e-3) / np.pi)  # below the last node
    node = place.astype(np.int32)
    place -= node
    size = rows.shape[1]
    node += np.arange(count, dtype=np.int32)[:, None] * np.int32(phases * size)
    node += phase * np.int32(size)
    values = rows.ravel()
    low = values.take(node)
    node += 1
    high = values.take(node)
    high -= low
    high *= place
    high += low
    return high


def faint_part(shapes: np.ndarray, least: float) -> np.ndarray:
    """About which part (N,) of a phase is fainter than the small strength `least`.

    Args:
        shapes: (N, 2), logarithms of a and b.
        least: a strength near 0, where the function is a power of the part.
    """
    a, b = np.exp(shapes.T.astype(float))
    return np.asarray(np.exp((np.log(least * a) + betaln(a, b)) / a))


def _rows(shapes: np.ndarray) -> np.ndarray:
    """The table's rows of shapes (N, 2): (N, nodes) float32, bilinear in the logarithms."""
    table = _table()
    place = (np.clip(shapes, _LEAST, _MOST) - _LEAST) / _STEP
    first, second = np.minimum(place.astype(int), len(table) - 2).T
    u, v = (place.T - (first, second)).astype(np.float32)[:, :, None]
    low = table[first, second] * (1 - v) + table[first, second + 1] * v
    high = table[first + 1, second] * (1 - v) + table[first + 1, second + 1] * v
    return np.asarray(low + u * (high - low))


@cache
def _table() -> np.ndarray:
    """Strengths by a, b and node, float32."""
    shapes = np.exp(np.arange(_LEAST, _MOST + _STEP / 2, _STEP))
    nodes = np.sin(np.linspace(0, np.pi / 2, _PARTS + 1)) ** 2
    return betainc(shapes[:, None, None], shapes[:, None], nodes).astype(np.float32)
