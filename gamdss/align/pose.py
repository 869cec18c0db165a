"""A face's pose in the raw frame, and the similarity transform into the crop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.align.detectors import Box, DetectedFace
from gamdss.align.settings import AlignConfig

# A face as dlib's detector frames it, from brows to chin: its width relative to the distance
# between the eyes, and how far its centre is below the eyes relative to its width. Measured on a
# photograph.
_FACE_PER_EYES = 2.15
_BELOW_EYES = 0.25
# Vertical position of that face's centre in the crop, from the top; leaves space above the brows.
CENTRE = 0.55


@dataclass(frozen=True)
class Pose:
    """A square around a face, in pixels of the raw frame.

    Args:
        x: centre of the face from the left; the centre of the first pixel is 0.
        y: centre of the face from the top.
        size: side of the square.
        angle: rotation of the face in degrees, clockwise in the image.
    """

    x: float
    y: float
    size: float
    angle: float

    @property
    def box(self) -> Box:
        """Left, top, right, bottom of the square before rotation."""
        half = self.size / 2
        return self.x - half, self.y - half, self.x + half, self.y + half


def pose_of(face: DetectedFace) -> Pose:
    """The pose from the eyes if they are known, else from the box, upright."""
    if face.eyes is None:
        left, top, right, bottom = face.box
        size = math.sqrt(face.area)
        return Pose((left + right - 1) / 2, (top + bottom - 1) / 2, size, 0.0)
    (x, y), (other_x, other_y) = sorted(face.eyes)
    angle = math.atan2(other_y - y, other_x - x)
    size = _FACE_PER_EYES * math.hypot(other_x - x, other_y - y)
    below = _BELOW_EYES * size
    return Pose(
        (x + other_x) / 2 - below * math.sin(angle),
        (y + other_y) / 2 + below * math.cos(angle),
        size,
        math.degrees(angle),
    )


def rotation(pose: Pose) -> np.ndarray:
    """The rotation (2, 2) that levels the face; its transpose tilts level points."""
    angle = math.radians(pose.angle)
    return np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])


def eyes_of(pose: Pose) -> np.ndarray:
    """Where a pose has its eyes in the raw frame, (2, 2): left, right as seen in the picture."""
    half = pose.size / _FACE_PER_EYES / 2
    up = _BELOW_EYES * pose.size
    return np.asarray(np.array([(-half, -up), (half, -up)]) @ rotation(pose) + (pose.x, pose.y))


def median_pose(poses: Sequence[Pose]) -> Pose:
    """The median of each value."""
    values = np.median([(p.x, p.y, p.size, p.angle) for p in poses], axis=0)
    return Pose(*(round(value, 4) for value in values.tolist()))


def scale(pose: Pose, settings: AlignConfig) -> float:
    """Pixels of the crop per pixel of the raw frame."""
    return settings.width / (pose.size * (1 + 2 * settings.margin))


def matrix(pose: Pose, settings: AlignConfig, fine: int = 1) -> np.ndarray:
    """The similarity (2, 3) from the raw frame to a crop enlarged `fine` times."""
    turn = scale(pose, settings) * fine * rotation(pose)
    centre = np.array([settings.width / 2, settings.height * CENTRE]) * fine - 0.5
    return np.column_stack([turn, centre - turn @ (pose.x, pose.y)])


def crop(image: np.ndarray, pose: Pose, settings: AlignConfig) -> np.ndarray:
    """Crop the face of a uint8 BGR frame (H, W, 3) to uint8 (height, width, 3).

    Downscaling draws an enlarged crop and averages it, to avoid aliasing. Pixels outside the frame
    take the colour of its edge.
    """
    fine = max(1, math.ceil(1 / scale(pose, settings)))
    drawn = cv2.warpAffine(
        image,
        matrix(pose, settings, fine),
        (settings.width * fine, settings.height * fine),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        size = (settings.width, settings.height)
        drawn = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    return np.asarray(drawn)
