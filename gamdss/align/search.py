"""Find the face of a clip: first in the frames as they are, then with more sensitive settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.align.detectors import DetectedFace, Detector, largest
from gamdss.align.jobs import Frames
from gamdss.align.pose import Pose, median_pose, pose_of

WANTED = 3  # a clip's pose is the median over this many faces
_EARLY = 10  # frames searched for them at most
_LATER = 5  # frames searched if no early one has a face, evenly spaced over the rest
_UPSAMPLE = 2


@dataclass(frozen=True)
class Attempt:
    """Settings of a search: which frames, and how they are preprocessed."""

    name: str
    count: int
    later: bool = False
    upsample: bool = False
    equalise: bool = False

    def numbers(self, frames: Sequence[int]) -> list[int]:
        """The frames to search."""
        if not self.later:
            return list(frames[: self.count])
        rest = frames[_EARLY:]
        places = np.linspace(0, len(rest) - 1, min(self.count, len(rest))).round()
        return [rest[int(place)] for place in places]


# Tried in this order until one finds a face; ordinary clips need the first one only.
ATTEMPTS = (
    Attempt("plain", _EARLY),
    Attempt("upsampled", WANTED, upsample=True),
    Attempt("equalised", WANTED, equalise=True),
    Attempt("upsampled, equalised", WANTED, upsample=True, equalise=True),
    Attempt("later frames", _LATER, later=True),
    Attempt("later frames, upsampled, equalised", _LATER, True, True, True),
)
PLAIN = ATTEMPTS[0]
RELAXED = next(a for a in ATTEMPTS if a.upsample and a.equalise and not a.later)
# Looking around a pose: half of the region relative to the face, and the face's pixels in it.
_AROUND, _SEARCHED = 1.5, 130


@dataclass(frozen=True)
class Found:
    """A clip's pose, the first frame in which the face was found, and the attempt that found it."""

    pose: Pose
    frame: int
    attempt: Attempt

    @property
    def settings(self) -> str:
        """Name of the attempt."""
        return self.attempt.name

    @property
    def relaxed(self) -> bool:
        """Whether the plain settings were not enough."""
        return self.attempt != PLAIN


def find(frames: Frames, detector: Detector) -> Found | None:
    """The clip's pose, the median over the first frames that show a face; None if there is none.

    Raises:
        FrameError: a frame cannot be decoded.
    """
    for attempt in ATTEMPTS:
        poses: dict[int, Pose] = {}
        for number in attempt.numbers(frames.numbers):
            face = look(frames.image(number), detector, attempt)
            if face is not None:
                poses[number] = pose_of(face)
            if len(poses) == WANTED:
                break
        if poses:
            return Found(median_pose(list(poses.values())), min(poses), attempt)
    return None


def searched(numbers: Sequence[int]) -> list[int]:
    """The frames that any attempt searches, in increasing order."""
    return sorted({number for attempt in ATTEMPTS for number in attempt.numbers(numbers)})


def look(image: np.ndarray, detector: Detector, attempt: Attempt) -> DetectedFace | None:
    """The largest face in a uint8 BGR frame (H, W, 3), in pixels of that frame."""
    return largest(look_for_all(image, detector, attempt))


def look_for_all(image: np.ndarray, detector: Detector, attempt: Attempt) -> list[DetectedFace]:
    """All faces in a uint8 BGR frame (H, W, 3), in pixels of that frame."""
    factor = 1
    if attempt.equalise:
        image = _equalised(image)
    if attempt.upsample:
        factor = _UPSAMPLE
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return [face.placed(1 / factor) for face in detector.faces(image)]


def look_near(
    image: np.ndarray, pose: Pose, detector: Detector, attempt: Attempt, enlarge: bool = False
) -> list[DetectedFace]:
    """The faces around a pose in a uint8 BGR frame (H, W, 3), in pixels of that frame.

    The region is shrunk if its face is large, which saves time; `enlarge` also enlarges a small
    one, which detects more reliably.
    """
    half = pose.size * _AROUND
    height, width = image.shape[:2]
    left, top = max(0, round(pose.x - half)), max(0, round(pose.y - half))
    right, bottom = min(width, round(pose.x + half)), min(height, round(pose.y + half))
    if right - left < 8 or bottom - top < 8:
        return []
    factor = _SEARCHED / pose.size
    part = image[top:bottom, left:right]
    if factor < 1 or enlarge:
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        part = np.asarray(cv2.resize(part, None, fx=factor, fy=factor, interpolation=method))
    else:
        factor = 1.0
    faces = look_for_all(part, detector, attempt)
    return [face.placed(1 / factor, (left, top)) for face in faces]


def _equalised(image: np.ndarray) -> np.ndarray:
    """Local histogram equalisation of the brightness (CLAHE); uint8 BGR (H, W, 3)."""
    parts = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    spread = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8))
    parts[..., 0] = spread.apply(np.ascontiguousarray(parts[..., 0]))
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR))
