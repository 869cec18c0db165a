"""dlib's frontal face detector (histograms of oriented gradients), which needs no model file."""

from __future__ import annotations

import importlib
from typing import Any

import cv2
import numpy as np

from gamdss.align.detector import Face
from gamdss.errors import DetectorError


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
    """Faces of 80 pixels and more that look into the camera; boxes only."""

    def __init__(self) -> None:
        self._detector = load_dlib().get_frontal_face_detector()

    def faces(self, image: np.ndarray) -> list[Face]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        found = self._detector(grey(image), 0)
        return [
            Face((float(r.left()), float(r.top()), r.right() + 1.0, r.bottom() + 1.0))
            for r in found
        ]
