"""Pictures of a clip as arrays: faces, brightness changes, and evidence laid over a grey face."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from scipy.ndimage import gaussian_filter

COLOURS = "RdBu_r"
# Single pixels are noise to the eye: maps are smoothed by this share of the face's width.
SMOOTHING = 1 / 48


def smoothed(values: np.ndarray) -> np.ndarray:
    """An attribution map (S, S) as it is shown."""
    return np.asarray(gaussian_filter(values, SMOOTHING * values.shape[-1]))


def limit(values: np.ndarray) -> float:
    """The strength at which colours saturate: few pixels are stronger."""
    return max(float(np.quantile(np.abs(values), 0.998)), 1e-12)


def evidence(face: np.ndarray, values: np.ndarray, strongest: float) -> np.ndarray:
    """A smoothed map (S, S) over a grey face (S, S, 3) uint8; RGB of the same shape, uint8.

    Red is evidence for the class, blue against it; the stronger, the less of the face shows.
    """
    grey = 0.35 * 255 + 0.65 * face.mean(axis=2, keepdims=True)  # (S, S, 1)
    share = np.clip(values / strongest, -1, 1)
    colour = 255 * colormaps[COLOURS](0.5 + share / 2)[..., :3]
    alpha = (np.abs(share) ** 0.7)[..., None]
    return np.asarray((1 - alpha) * grey + alpha * colour).round().astype(np.uint8)


def change(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """second - first in grey levels, (S, S) float64, of faces (S, S, 3)."""
    return np.asarray(second.mean(axis=2) - first.mean(axis=2))


def coloured(values: np.ndarray, strongest: float) -> np.ndarray:
    """Signed values (S, S) in colours: red above 0, blue below, white at 0; (S, S, 3) uint8."""
    share = 0.5 + np.clip(values / strongest, -1, 1) / 2
    return np.asarray((255 * colormaps[COLOURS](share)[..., :3]).round().astype(np.uint8))
