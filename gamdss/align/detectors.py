"""Face detectors: dlib's HOG detector, dlib's landmarks on top of it, and OpenCV's YuNet."""

from __future__ import annotations

import importlib
import math
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from gamdss.errors import DetectorError

Point = tuple[float, float]
Box = tuple[float, float, float, float]
# Landmarks of each eye by a dlib predictor's number of points: of 5, the corners of both eyes (the
# last point is the base of the nose); of 68, the scheme of iBUG 300-W.
EYE_POINTS = {5: (range(2), range(2, 4)), 68: (range(36, 42), range(42, 48))}


@dataclass(frozen=True)
class DetectedFace:
    """A face in pixels of the image.

    Args:
        box: left, top, right, bottom.
        eyes: the centres (x, y) of both eyes in any order; None if the detector has none.
        landmarks: the detector's points (x, y), if it has any.
    """

    box: Box
    eyes: tuple[Point, Point] | None = None
    landmarks: tuple[Point, ...] = ()

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)

    def placed(self, factor: float, shift: Point = (0, 0)) -> DetectedFace:
        """The face after the image is scaled by a factor, then moved by (x, y) pixels.

        Points are measured from the centre of the first pixel, edges of boxes from its corner.
        """
        dx, dy = shift
        left, top, right, bottom = (edge * factor for edge in self.box)

        def point(at: Point) -> Point:
            return (at[0] + 0.5) * factor - 0.5 + dx, (at[1] + 0.5) * factor - 0.5 + dy

        return DetectedFace(
            (left + dx, top + dy, right + dx, bottom + dy),
            None if self.eyes is None else (point(self.eyes[0]), point(self.eyes[1])),
            tuple(point(at) for at in self.landmarks),
        )


class Detector(Protocol):
    """Finds faces. An instance must not be shared between threads."""

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3), in any order."""


def largest(faces: list[DetectedFace]) -> DetectedFace | None:
    """The face with the largest box; of equal ones the leftmost, then the topmost."""
    return max(faces, key=lambda f: (f.area, -f.box[0], -f.box[1]), default=None)


class Hog:
    """dlib's frontal face detector (histograms of oriented gradients); needs no model file.

    Finds upright faces of 80 pixels or more, without eyes. dlib searches sizes 20% apart on a
    grid of 8 pixels, so a box can be off by as much. Each face is therefore detected again at
    intermediate sizes, and the mean box is returned.

    Raises:
        DetectorError: dlib is not installed or cannot be loaded.
    """

    # The second detection: sizes within one of dlib's steps, the smallest face in pixels, and the
    # context around the face relative to its size.
    _SIZES, _STEP, _SMALLEST, _CONTEXT = 4, 1.2, 100, 0.5

    def __init__(self) -> None:
        self._detector = deepcopy(_frontal_detector(_load_dlib()))
        self._refine = True

    def rough(self) -> Hog:
        """The detector without the second detection: a fifth of the time, boxes 20% off."""
        other = copy(self)
        other._refine = False
        return other

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        pixels = _grey(image)
        boxes = self._boxes(pixels)
        if self._refine:
            boxes = [self._refined(pixels, box) for box in boxes]
        return [DetectedFace(box) for box in boxes]

    def _boxes(self, pixels: np.ndarray) -> list[Box]:
        """Boxes that score at least half of the best: folds of cloth can score just above 0."""
        found, scores, _ = self._detector.run(pixels, 0, 0.0)
        return [
            (float(r.left()), float(r.top()), r.right() + 1.0, r.bottom() + 1.0)
            for r, score in zip(found, scores, strict=True)
            if score >= max(scores) / 2
        ]

    def _refined(self, pixels: np.ndarray, box: Box) -> Box:
        """The mean of the boxes detected around `box` at several sizes; `box` if there is none."""
        side = box[2] - box[0]
        left, top = (max(0, math.floor(edge - side * self._CONTEXT)) for edge in box[:2])
        right, bottom = (math.ceil(edge + side * self._CONTEXT) for edge in box[2:])
        region = pixels[top:bottom, left:right]
        found = []
        for step in range(self._SIZES):
            factor = self._SMALLEST / side * self._STEP ** (step / self._SIZES)
            method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
            scaled = cv2.resize(region, None, fx=factor, fy=factor, interpolation=method)
            boxes = self._boxes(np.asarray(scaled))
            if boxes:
                found.append(np.array(max(boxes, key=lambda b: b[2] - b[0])) / factor)
        if not found:
            return box
        mean = np.mean(found, axis=0).tolist()
        return mean[0] + left, mean[1] + top, mean[2] + left, mean[3] + top


class Landmarks:
    """Adds eyes, by a dlib shape predictor, to the faces of another detector.

    Raises:
        DetectorError: the file is missing, is not a shape predictor, or has an unsupported number
            of points.
    """

    def __init__(self, detector: Detector, file: Path) -> None:
        self._dlib = _load_dlib()
        self._detector = detector
        self._predictor = self._load(file)
        empty = np.zeros((32, 32), np.uint8)
        points = self._predictor(empty, self._dlib.rectangle(0, 0, 31, 31)).num_parts
        if points not in EYE_POINTS:
            raise DetectorError(
                f"this shape predictor has {points} points",
                file=file,
                remedy="Give one with 5 or 68 points with --predictor.",
            )
        self._eyes = EYE_POINTS[points]

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3), with their eyes."""
        pixels = _grey(image)
        return [self._with_eyes(pixels, face) for face in self._detector.faces(image)]

    def _with_eyes(self, pixels: np.ndarray, face: DetectedFace) -> DetectedFace:
        left, top, right, bottom = (round(edge) for edge in face.box)
        shape = self._predictor(pixels, self._dlib.rectangle(left, top, right - 1, bottom - 1))
        one, other = (_centre([shape.part(i) for i in points]) for points in self._eyes)
        return replace(face, eyes=(one, other))

    def _load(self, file: Path) -> Any:
        _require_file(file, "--predictor")
        try:
            return self._dlib.shape_predictor(str(file))
        except (RuntimeError, ValueError, MemoryError) as error:
            raise DetectorError(
                f"not a dlib shape predictor ({error})",
                file=file,
                remedy="Download it again; a file that ends in .bz2 must be unpacked first.",
            ) from error


class YuNet:
    """OpenCV's YuNet: faces with eyes, by a small network that the user provides as a file.

    Raises:
        DetectorError: the file is missing, or OpenCV cannot run it as YuNet.
    """

    _CONFIDENCE = 0.7
    # Columns of a detection: left, top, width, height; x, y of both eyes; then the rest.
    _BOX, _EYES = slice(0, 4), slice(4, 8)

    def __init__(self, file: Path) -> None:
        _require_file(file, "--yunet")
        try:
            self._network = cv2.FaceDetectorYN.create(str(file), "", (64, 64), self._CONFIDENCE)
            self._network.detect(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            raise DetectorError(
                f"OpenCV cannot run this model ({' '.join(str(error).split())})",
                file=file,
                remedy="Give YuNet as distributed by OpenCV, face_detection_yunet_2023mar.onnx; "
                "if this is that file, download it again.",
            ) from error

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        self._network.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._network.detect(image)
        return [] if rows is None else [self._face(np.asarray(row, float)) for row in rows]

    def _face(self, row: np.ndarray) -> DetectedFace:
        left, top, width, height = row[self._BOX].tolist()
        x, y, other_x, other_y = row[self._EYES].tolist()
        return DetectedFace((left, top, left + width, top + height), ((x, y), (other_x, other_y)))


def _load_dlib() -> Any:
    try:
        return importlib.import_module("dlib")
    except ImportError as error:
        raise DetectorError(
            f"dlib, which detects faces, cannot be loaded ({error})",
            remedy="In the clone: pip install -e '.[align]'. Or give a YuNet model with --yunet.",
        ) from error


@cache
def _frontal_detector(dlib: Any) -> Any:
    """dlib's detector, to be copied: unpacking it takes 300 times as long as a copy."""
    return dlib.get_frontal_face_detector()


def _require_file(file: Path, option: str) -> None:
    if not file.is_file():
        raise DetectorError("no such file", file=file, remedy=f"Check {option}.")


def _grey(image: np.ndarray) -> np.ndarray:
    """The uint8 grey values (H, W) of a uint8 BGR image (H, W, 3)."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))


def _centre(points: list[Any]) -> Point:
    return sum(p.x for p in points) / len(points), sum(p.y for p in points) / len(points)
