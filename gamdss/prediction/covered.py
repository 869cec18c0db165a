"""Whether something passes before a face, such as a hand: it rises and falls like an expression.

Skin that moves is still found nearby, by optical flow. What is covered is not: there the picture no
longer correlates with that of the onset. Eyes and mouth are left out, since lids and teeth appear.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from gamdss.features.flow import dense_flow
from gamdss.prediction.face_regions import FaceLayout
from gamdss.records import KeyFrames
from gamdss.reselection.motion.level import shrink

COVERED = "face may be covered"
# Share of the face from which on it may be covered. Real expressions reach 0.05, synthetic ones
# 0.01; hands that moved in a real video 0.07 to 0.20.
_COVERED = 0.07
_FRAMES = 7  # from onset to offset
_NEAR = 4.0  # pixels, a Gaussian's deviation: of the correlation's neighbourhood
_NOISE, _TEXTURE = 3.0, 8.0  # grey levels of noise; deviation of a neighbourhood with structure
_ALIKE = 0.5  # correlation of the same skin in two frames


def covered(images: Mapping[int, np.ndarray], keys: KeyFrames, layout: FaceLayout) -> bool:
    """Whether something may cover a part of the face between onset and offset.

    Args:
        images: crops by frame number, uint8 BGR (H, W, 3) of one size.
        keys: onset and offset of the expression.
        layout: where the face lies in the crops.
    """
    return covered_share(images, keys, layout) >= _COVERED


def covered_share(images: Mapping[int, np.ndarray], keys: KeyFrames, layout: FaceLayout) -> float:
    """The largest share of the face that looks otherwise than at the onset, 0 to 1."""
    numbers = np.array(sorted(images))
    wanted = np.linspace(keys.onset, keys.offset, _FRAMES)
    first, *others = (shrink(images[int(numbers[np.abs(numbers - n).argmin()])]) for n in wanted)
    skin = _skin(first.shape, layout)
    return max(float(_lost(first, other)[skin].mean()) for other in others)


def _skin(shape: tuple[int, ...], layout: FaceLayout) -> np.ndarray:
    """Where the face is in a crop (H, W), without the eyes and the mouth."""
    across, down, unit, mouth = layout.pixels(shape[1], shape[0])
    rows, columns = np.indices(shape[:2])
    x, y = (columns - across) / unit, (rows - down) / unit
    face = (x / 0.93) ** 2 + ((y - 0.54) / 1.19) ** 2 < 1
    eyes = (y > -0.1) & (y < 0.4)
    lips = (np.abs(x) < 0.52) & (np.abs(y - mouth / unit) < 0.35)
    return np.asarray(face & ~eyes & ~lips)


def _lost(first: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where the structure of a frame (H, W) is not found in another one by optical flow."""
    flow = dense_flow(cv2.convertScaleAbs(first), cv2.convertScaleAbs(other))
    rows, columns = np.indices(first.shape, dtype=np.float32)
    there = cv2.remap(
        other,
        columns + flow[..., 0],
        rows + flow[..., 1],
        cv2.INTER_LINEAR,
        None,
        cv2.BORDER_REPLICATE,
    )
    mean, spread = _moments(first)
    mean_there, spread_there = _moments(there)
    common = cv2.GaussianBlur(first * there, (0, 0), _NEAR) - mean * mean_there
    alike = common / np.sqrt((spread + _NOISE**2) * (spread_there + _NOISE**2))
    return np.asarray((np.maximum(spread, spread_there) > _TEXTURE**2) & (alike < _ALIKE))


def _moments(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Local mean and variance (H, W)."""
    mean = cv2.GaussianBlur(image, (0, 0), _NEAR)
    return mean, np.maximum(cv2.GaussianBlur(image * image, (0, 0), _NEAR) - mean * mean, 0)
