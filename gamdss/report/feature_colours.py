"""Features as colours: a wheel for motion, blue and red for differences, dark to light for strain.

Motion: hue is the direction, as in the legend; white is no motion, and full colour the limit.
"""

from __future__ import annotations

import colorsys

import matplotlib
import numpy as np

SIGNED, DEFORMED = "RdBu_r", "magma"
_WHEEL = np.array([colorsys.hsv_to_rgb(i / 360, 0.92, 0.95) for i in range(360)])


def motion_colours(flow: np.ndarray, limit: float) -> np.ndarray:
    """A flow (2, H, W), u to the right and v downwards, as RGB (H, W, 3) of 0 to 1.

    Right is red, up is yellow-green, left is cyan, down is violet; `limit` and more is full colour.
    """
    u, v = flow[0].astype(np.float64), flow[1].astype(np.float64)
    angle = np.degrees(np.arctan2(-v, u)) % 360  # counter-clockwise from the right
    strength = np.clip(np.hypot(u, v) / limit, 0, 1)[..., None]
    return np.asarray(1 - strength * (1 - _WHEEL[angle.astype(int) % 360]))


def value_colours(values: np.ndarray, limit: float, signed: bool) -> np.ndarray:
    """Values (H, W) as RGB (H, W, 3) of 0 to 1: from -limit or from 0 to limit."""
    low = -limit if signed else 0.0
    share = np.clip((values - low) / (limit - low), 0, 1)
    return np.asarray(matplotlib.colormaps[SIGNED if signed else DEFORMED](share)[..., :3])


def robust_limit(values: np.ndarray, least: float) -> float:
    """The size that 1 in 200 values exceeds, so that one bright pixel does not pale the rest."""
    return max(least, float(np.quantile(np.abs(values), 0.995)))
