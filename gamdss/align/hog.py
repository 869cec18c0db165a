"""dlib's frontal face detector (histograms of oriented gradients), which needs no model file."""

from __future__ import annotations

import importlib
import math
from typing import Any

import cv2
import numpy as np

from gamdss.align.faces import Box, Face
from gamdss.errors import DetectorError

# Sizes that a face is looked at again in: so many within a step of dlib's, the smallest one in
# pixels, with so much room around it in shares of its own size.
_SIZES, _STEP, _SMALLEST, _AROUND = 4, 1.2, 100, 0.5


def load_dlib() -> Any:
    """The module dlib.

    Raises:
        DetectorError: it is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module("dlib")
    except ImportError as error:
        raise DetectorError(
            f"faces are found by dlib, which cannot be loaded ({error})",
            remedy="Install it: pip install 'gamdss[align]'. Or name a YuNet model with --yunet.",
        ) from error


def grey(image: np.ndarray) -> np.ndarray:
    """The uint8 grey values (H, W) of a uint8 BGR image (H, W, 3)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


class Hog:
    """Faces of 80 pixels and more that look into the camera; boxes only.

    dlib looks at sizes that are a fifth apart, on a grid of 8 pixels of each, so that a face's
    box may be as wrong as that. It is therefore looked at again in sizes between those, and the
    mean box is given.
    """

    def __init__(self) -> None:
        self._detector = load_dlib().get_frontal_face_detector()

    def faces(self, image: np.ndarray) -> list[Face]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        pixels = grey(image)
        return [Face(self._refined(pixels, box)) for box in self._boxes(pixels)]

    def _boxes(self, pixels: np.ndarray) -> list[Box]:
        """Boxes that are as clear as the clearest, or half: a fold of cloth may just pass."""
        found, scores, _ = self._detector.run(pixels, 0, 0.0)
        return [
            (float(r.left()), float(r.top()), r.right() + 1.0, r.bottom() + 1.0)
            for r, score in zip(found, scores, strict=True)
            if score >= max(scores) / 2
        ]

    def _refined(self, pixels: np.ndarray, box: Box) -> Box:
        """The mean of the boxes found around a box in several sizes; without any, that box."""
        side = box[2] - box[0]
        left, top = (max(0, math.floor(edge - side * _AROUND)) for edge in box[:2])
        right, bottom = (math.ceil(edge + side * _AROUND) for edge in box[2:])
        region = pixels[top:bottom, left:right]
        found = []
        for step in range(_SIZES):
            factor = _SMALLEST / side * _STEP ** (step / _SIZES)
            method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            scaled = cv2.resize(region, None, fx=factor, fy=factor, interpolation=method)
            boxes = self._boxes(np.asarray(scaled))
            if boxes:
                found.append(np.array(max(boxes, key=lambda b: b[2] - b[0])) / factor)
        if not found:
            return box
        mean = np.mean(found, axis=0).tolist()
        return mean[0] + left, mean[1] + top, mean[2] + left, mean[3] + top
