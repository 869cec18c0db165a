"""Eyes by a dlib shape predictor, in the boxes that another detector finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.align.faces import Detector, Face, Point
from gamdss.align.hog import grey, load_dlib
from gamdss.errors import DetectorError

# Points of each eye, by the number of points of the predictor. dlib's 5 are the corners of the
# two eyes and the base of the nose; 68 is the scheme of iBUG 300-W.
_EYES = {5: (range(2), range(2, 4)), 68: (range(36, 42), range(42, 48))}


class Landmarks:
    """Adds eyes to the faces of another detector.

    Raises:
        DetectorError: the file is missing, no shape predictor, or has other points.
    """

    def __init__(self, detector: Detector, file: Path) -> None:
        self._dlib = load_dlib()
        self._detector = detector
        self._predictor = _load(self._dlib, file)
        empty = np.zeros((32, 32), np.uint8)
        points = self._predictor(empty, self._dlib.rectangle(0, 0, 31, 31)).num_parts
        if points not in _EYES:
            raise DetectorError(
                f"this shape predictor has {points} points",
                file=file,
                remedy="Give one of 5 or 68 points with --predictor.",
            )
        self._eyes = _EYES[points]

    def faces(self, image: np.ndarray) -> list[Face]:
        """All faces in a uint8 BGR image (H, W, 3), with their eyes."""
        pixels = grey(image)
        return [self._with_eyes(pixels, face) for face in self._detector.faces(image)]

    def _with_eyes(self, pixels: np.ndarray, face: Face) -> Face:
        left, top, right, bottom = (round(edge) for edge in face.box)
        shape = self._predictor(pixels, self._dlib.rectangle(left, top, right - 1, bottom - 1))
        one, other = (_middle(shape, points) for points in self._eyes)
        return replace(face, eyes=(one, other))


def _middle(shape: Any, points: range) -> Point:
    parts = [shape.part(i) for i in points]
    return sum(p.x for p in parts) / len(parts), sum(p.y for p in parts) / len(parts)


def _load(dlib: Any, file: Path) -> Any:
    if not file.is_file():
        raise DetectorError("there is no such file", file=file, remedy="Check --predictor.")
    try:
        return dlib.shape_predictor(str(file))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise DetectorError(
            f"this is no dlib shape predictor ({error})",
            file=file,
            remedy="Download it again; a file that ends in .bz2 must be unpacked first.",
        ) from error
