"""Values of pixels as colours: motion, differences, strain, and evidence over a grey face.

Motion: the hue is its direction, white is no motion, and full colour is the limit. Differences and
evidence are blue below 0 and red above, strain is dark to light.
"""

from __future__ import annotations

import colorsys

import numpy as np
from matplotlib import colormaps
from scipy.ndimage import gaussian_filter

SIGNED, DEFORMED = "RdBu_r", "magma"
_WHEEL = np.array([colorsys.hsv_to_rgb(i / 360, 0.92, 0.95) for i in range(360)])
# Single pixels look like noise: maps are smoothed by this share of the face's width.
SMOOTHING = 1 / 48


def motion_colours(flow: np.ndarray, limit: float) -> np.ndarray:
    """A flow (2, H, W), u to the right and v downwards, as RGB (H, W, 3) from 0 to 1.

    Right is red, up yellow-green, left cyan, down violet; from `limit` on colours are full.
    """
    u, v = flow[0].astype(np.float64), flow[1].astype(np.float64)
    angle = np.degrees(np.arctan2(-v, u)) % 360  # counter-clockwise from the right
    strength = np.clip(np.hypot(u, v) / limit, 0, 1)[..., None]
    return np.asarray(1 - strength * (1 - _WHEEL[angle.astype(int) % 360]))


def value_colours(values: np.ndarray, limit: float, signed: bool) -> np.ndarray:
    """Values (H, W) as RGB (H, W, 3) from 0 to 1; the scale runs from -limit or 0 to limit."""
    low = -limit if signed else 0.0
    share = np.clip((values - low) / (limit - low), 0, 1)
    return np.asarray(colormaps[SIGNED if signed else DEFORMED](share)[..., :3])


def robust_limit(values: np.ndarray, least: float) -> float:
    """The size that 1 in 200 values exceeds: one bright pixel does not make the others pale."""
    return max(least, float(np.quantile(np.abs(values), 0.995)))


def smoothed(values: np.ndarray) -> np.ndarray:
    """An attribution map (S, S), smoothed for display."""
    return np.asarray(gaussian_filter(values, SMOOTHING * values.shape[-1]))


def limit(values: np.ndarray) -> float:
    """The strength at which colours saturate; 1 in 500 values is stronger."""
    return max(float(np.quantile(np.abs(values), 0.998)), 1e-12)


def evidence(face: np.ndarray, values: np.ndarray, strongest: float) -> np.ndarray:
    """A smoothed map (S, S) over a grey face (S, S, 3) uint8; RGB of the same shape, uint8.

    Red is evidence for the class, blue against it; strong evidence hides the face.
    """
    grey = 0.35 * 255 + 0.65 * face.mean(axis=2, keepdims=True)  # (S, S, 1)
    share = np.clip(values / strongest, -1, 1)
    colour = 255 * colormaps[SIGNED](0.5 + share / 2)[..., :3]
    alpha = (np.abs(share) ** 0.7)[..., None]
    return np.asarray((1 - alpha) * grey + alpha * colour).round().astype(np.uint8)


def change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """second - first in grey levels, (S, S) float64, of faces (S, S, 3)."""
    return np.asarray(second.mean(axis=2) - first.mean(axis=2))


def coloured(values: np.ndarray, strongest: float) -> np.ndarray:
    """Signed values (S, S) as (S, S, 3) uint8: red above 0, blue below, white at 0."""
    share = 0.5 + np.clip(values / strongest, -1, 1) / 2
    return np.asarray((255 * colormaps[SIGNED](share)[..., :3]).round().astype(np.uint8))
