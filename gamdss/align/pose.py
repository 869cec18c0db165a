"""Where a face lies, and the one transform that brings it into the crop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.align.faces import Face
from gamdss.align.settings import AlignConfig

# A face as dlib's detector frames it, brows to chin: its width in distances between the eyes,
# and how far its middle lies below the eyes, in shares of its width. Measured on a photograph.
_FACE_PER_EYES = 2.15
_BELOW_EYES = 0.25
# Where the middle of that face lies in the crop, from its upper edge; the brow has room above.
_MIDDLE = 0.55


@dataclass(frozen=True)
class Pose:
    """A square around a face, in pixels of the raw frame.

    Args:
        x: middle of the face, from the left; the middle of the first pixel is 0.
        y: middle of the face, from above.
        size: side of the square.
        angle: degrees by which the face is turned clockwise as one sees it.
    """

    x: float
    y: float
    size: float
    angle: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the square before it is turned."""
        half = self.size / 2
        return self.x - half, self.y - half, self.x + half, self.y + half


def pose_of(face: Face) -> Pose:
    """The pose by the eyes where they are known, by the box (upright) where not."""
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


def median_pose(poses: Sequence[Pose]) -> Pose:
    """The median of each number."""
    numbers = np.median([(p.x, p.y, p.size, p.angle) for p in poses], axis=0)
    return Pose(*(round(number, 4) for number in numbers.tolist()))


def scale(pose: Pose, settings: AlignConfig) -> float:
    """Pixels of the crop for each pixel of the raw frame."""
    return settings.width / (pose.size * (1 + 2 * settings.margin))


def matrix(pose: Pose, settings: AlignConfig, fine: int = 1) -> np.ndarray:
    """The similarity (2, 3) from raw frame to a crop drawn `fine` times as large."""
    angle = math.radians(pose.angle)
    factor = scale(pose, settings) * fine
    turn = factor * np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    middle = np.array([settings.width / 2, settings.height * _MIDDLE]) * fine - 0.5
    return np.column_stack([turn, middle - turn @ (pose.x, pose.y)])


def crop(image: np.ndarray, pose: Pose, settings: AlignConfig) -> np.ndarray:
    """The face of a uint8 BGR frame (H, W, 3) as the settings want it, uint8 (height, width, 3).

    Where a frame is made smaller it is drawn larger first, then averaged, so that nothing
    aliases. What lies outside the frame takes the colour of its edge.
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
