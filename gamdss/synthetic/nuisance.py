"""Disturbances of a clip: head drift, light, blinks, sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.synthetic.face import Face
from gamdss.synthetic.settings import SynthConfig

_BLINK_MS = 180.0


@dataclass(frozen=True, eq=False)
class Nuisances:
    """Disturbances of each of T frames.

    `drift` (T, 3) is the head's shift in x and y in pixels and its rotation in radians; `gain` (T,)
    the brightness; `slope` (T, 2) its gradient across and down the picture; `closure` (T,) how far
    the eyes are closed, 0 to 1.
    """

    drift: np.ndarray
    gain: np.ndarray
    slope: np.ndarray
    closure: np.ndarray


def draw_nuisances(
    config: SynthConfig, face: Face, frames: int, fps: float, rng: np.random.Generator
) -> Nuisances:
    """Draw the disturbances of a clip of `frames` frames."""
    wander = np.stack([_slow(frames, fps, rng) for _ in range(3)], axis=1)
    # Half a face away from the axis, the rotation moves the skin as far as the shift does.
    unit = np.array([1.0, 1.0, 2.0 / min(face.height, face.width)])
    light = np.stack([_slow(frames, fps, rng) for _ in range(3)], axis=1)
    light *= config.illumination / 100
    flicker = rng.standard_normal(frames) * config.flicker / 100
    return Nuisances(
        drift=config.drift * wander * unit,
        gain=1 + light[:, 0] + flicker,
        slope=light[:, 1:],
        closure=_blink(config.blink, frames, fps, rng),
    )


def _slow(frames: int, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of unit deviation that changes within about a third of a second."""
    sigma = fps / 3
    reach = int(4 * sigma)
    steps = rng.standard_normal(frames + 2 * reach)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.convolve(steps, kernel / np.sqrt((kernel**2).sum()), mode="valid")


def _blink(probability: float, frames: int, fps: float, rng: np.random.Generator) -> np.ndarray:
    centre = rng.uniform(0, frames)
    if rng.random() >= probability:
        return np.zeros(frames)
    half = _BLINK_MS * fps / 2000
    distance = np.abs(np.arange(frames) - centre) / half
    return np.where(distance < 1, 0.5 + 0.5 * np.cos(np.pi * distance), 0.0)


def expose(
    picture: np.ndarray, gain: float, slope: np.ndarray, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """Apply light and sensor noise: (H, W, 3) float32 in grey levels to uint8."""
    height, width = picture.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32) * slope[0]
    down = np.linspace(-1, 1, height, dtype=np.float32) * slope[1]
    light = (gain + across[None, :] + down[:, None]).astype(np.float32)
    exposed = picture * light[..., None]
    if noise > 0:
        exposed += noise * rng.standard_normal(picture.shape, dtype=np.float32)
    return cv2.convertScaleAbs(np.maximum(exposed, 0))
