"""Faces in the frames of a recording: in a whole frame, or around a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from gamdss.align.detectors import Box, DetectedFace, Detector
from gamdss.align.pose import Pose, pose_of
from gamdss.align.search import Attempt, look_for_all, look_near
from gamdss.errors import ConfigError

# Longer sides are shrunk to this many pixels before faces are searched for.
_LONGEST = 1000
# A face is the one that is followed if its centre is within so much of its size, and its size
# within such a factor.
_NEAR, _SIZE = 0.35, 1.5


@dataclass(frozen=True)
class FaceChoice:
    """Which of several faces is followed.

    Args:
        index: 0 for the largest, 1 for the second largest, and so on.
        box: left, top, right, bottom in pixels; the face that overlaps it most, in place of
            `index`.
    """

    index: int = 0
    box: Box | None = None

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ConfigError(f"the face is {self.index}", remedy="It must be 0 or more.")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ConfigError(
                f"the box of the face is {self.box}",
                remedy="It must be left, top, right, bottom in pixels.",
            )

    def of(self, faces: Sequence[DetectedFace]) -> DetectedFace | None:
        """The chosen face; None if it is not among them."""
        ordered = sorted(faces, key=lambda f: (-f.area, f.box[0], f.box[1]))
        if self.box is not None:
            overlaps = [_intersection(face.box, self.box) for face in ordered]
            best = int(np.argmax(overlaps)) if overlaps else 0
            return ordered[best] if overlaps and overlaps[best] > 0 else None
        return ordered[self.index] if self.index < len(ordered) else None


def faces_in(image: np.ndarray, detector: Detector, attempt: Attempt) -> list[DetectedFace]:
    """All faces in a uint8 BGR frame (H, W, 3); large frames are searched at a reduced size."""
    factor = min(1.0, _LONGEST / max(image.shape[:2]))
    if factor == 1:
        return look_for_all(image, detector, attempt)
    small = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA))
    found = []
    for face in look_for_all(small, detector, attempt):
        large = face.placed(1 / factor)
        found.append(_nearest(image, pose_of(large), detector, attempt) or large)
    return found


def sees(image: np.ndarray, pose: Pose, detector: Detector, attempt: Attempt) -> bool:
    """Whether the detector finds a face at a pose; looks around it only."""
    return _nearest(image, pose, detector, attempt) is not None


def is_at(face: DetectedFace, pose: Pose) -> bool:
    """Whether a detected face is at a pose."""
    found = pose_of(face)
    away = np.hypot(found.x - pose.x, found.y - pose.y) / pose.size
    return bool(away < _NEAR and 1 / _SIZE < found.size / pose.size < _SIZE)


def _nearest(
    image: np.ndarray, pose: Pose, detector: Detector, attempt: Attempt
) -> DetectedFace | None:
    """The face at a pose; looks around it only."""
    near = replace(attempt, upsample=False)  # the region is enlarged instead
    faces = look_near(image, pose, detector, near, enlarge=True)
    return next((face for face in faces if is_at(face, pose)), None)


def _intersection(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)
