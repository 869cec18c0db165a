"""Local motion of a face: dense optical flow without what the whole head does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

WIDTH = 140  # pixels to which frames shrink: enough for motion of a fifth of a pixel
LEAST_PIXELS = 32  # of the shorter side: dense flow needs as many
_BLUR = 1.0
_GRID = 4  # every fourth pixel tells the head's motion
_ROUNDS = 3
_ROBUST = 0.15  # pixels; motion that differs more from the head's is the face's own


def local_flow(images: Sequence[np.ndarray]) -> np.ndarray:
    """Flow from the first frame to every frame, less the affine motion of the head.

    Args:
        images: T shrunk grey frames (h, w) float32.

    Returns:
        (T, h, w, 2) float32, motion in x and y in pixels.
    """
    grey = [cv2.convertScaleAbs(image) for image in images]
    # The type stubs of OpenCV leave it out.
    dis: Any = cv2.DISOpticalFlow_create(  # type: ignore[attr-defined]
        cv2.DISOPTICAL_FLOW_PRESET_FAST
    )
    flow = np.stack([dis.calc(grey[0], frame, None) for frame in grey])
    return _without_head(flow)


def shrink(image: np.ndarray) -> np.ndarray:
    """A frame (H, W) or (H, W, 3), uint8 or floats, as grey (h, w) float32.

    `w` is `WIDTH` at most, but where the shorter side would keep fewer than `LEAST_PIXELS`.
    """
    if image.ndim == 3:
        image = cv2.cvtColor(
            image if image.dtype == np.uint8 else image.astype(np.float32), cv2.COLOR_BGR2GRAY
        )
    scale = min(1.0, max(WIDTH / image.shape[1], LEAST_PIXELS / min(image.shape[:2])))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _BLUR))


def _without_head(flow: np.ndarray) -> np.ndarray:
    """Subtract from each frame's flow the affine motion that most of the face shares."""
    height, width = flow.shape[1:3]
    rows, columns = np.indices((height, width), dtype=np.float32)
    x, y = columns / width - 0.5, rows / height - 0.5
    design = np.stack([np.ones_like(x), x, y], axis=-1)  # (h, w, 3)
    inside = (x[::_GRID, ::_GRID] ** 2 + y[::_GRID, ::_GRID] ** 2) < 0.2
    points = design[::_GRID, ::_GRID][inside]  # (P, 3)
    seen = flow[:, ::_GRID, ::_GRID][:, inside]  # (T, P, 2)
    weights = np.ones(seen.shape[:2], np.float32)
    for _ in range(_ROUNDS):
        weighted = weights[..., None] * points  # (T, P, 3)
        normal = np.einsum("tpi,pj->tij", weighted, points) + 1e-3 * np.eye(3, dtype=np.float32)
        motion = np.linalg.solve(normal, np.einsum("tpi,tpc->tic", weighted, seen))  # (T, 3, 2)
        rest = seen - points @ motion
        weights = 1 / (1 + (rest**2).sum(-1) / _ROBUST**2)
    return (flow - np.einsum("hwi,tic->thwc", design, motion)).astype(np.float32)
