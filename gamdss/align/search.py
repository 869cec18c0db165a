"""Finding the face of a clip: as it is first, then with settings that see more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.align.faces import Detector, Face, Point, largest
from gamdss.align.jobs import Frames
from gamdss.align.pose import Pose, median_pose, pose_of

WANTED = 3  # faces that a clip's pose is the median of
_EARLY = 10  # frames looked at, at most, in search of them
_LATER = 5  # frames looked at, evenly over the rest, where no early one has a face
_UPSAMPLE = 2


@dataclass(frozen=True)
class Attempt:
    """One way to look: which frames, and what is done to them first."""

    name: str
    count: int
    later: bool = False
    upsample: bool = False
    equalise: bool = False

    def numbers(self, frames: Sequence[int]) -> list[int]:
        """The frames to look at."""
        if not self.later:
            return list(frames[: self.count])
        rest = frames[_EARLY:]
        places = np.linspace(0, len(rest) - 1, min(self.count, len(rest))).round()
        return [rest[int(place)] for place in places]


# The first is what works on ordinary clips; of the others the first one that finds a face counts.
ATTEMPTS = (
    Attempt("plain", _EARLY),
    Attempt("upsampled", WANTED, upsample=True),
    Attempt("equalised", WANTED, equalise=True),
    Attempt("upsampled, equalised", WANTED, upsample=True, equalise=True),
    Attempt("later frames", _LATER, later=True),
    Attempt("later frames, upsampled, equalised", _LATER, True, True, True),
)


@dataclass(frozen=True)
class Found:
    """A clip's pose, the first frame that it was seen in, and the attempt that saw it."""

    pose: Pose
    frame: int
    settings: str

    @property
    def relaxed(self) -> bool:
        """Whether more than the plain settings was needed."""
        return self.settings != ATTEMPTS[0].name


def find(frames: Frames, detector: Detector) -> Found | None:
    """The clip's pose: the median over the first frames in which a face is found; else None.

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
            return Found(median_pose(list(poses.values())), min(poses), attempt.name)
    return None


def looked_at(numbers: Sequence[int]) -> list[int]:
    """All frames that some attempt looks at, in rising order."""
    return sorted({number for attempt in ATTEMPTS for number in attempt.numbers(numbers)})


def look(image: np.ndarray, detector: Detector, attempt: Attempt) -> Face | None:
    """The largest face in a uint8 BGR frame (H, W, 3), in pixels of that frame."""
    factor = 1
    if attempt.equalise:
        image = _equalised(image)
    if attempt.upsample:
        factor = _UPSAMPLE
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    face = largest(detector.faces(image))
    return None if face is None else _shrunk(face, factor)


def _equalised(image: np.ndarray) -> np.ndarray:
    """Brightness spread locally over all grey levels, hue kept; (H, W, 3) uint8 BGR."""
    parts = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    spread = cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8))
    parts[..., 0] = spread.apply(np.ascontiguousarray(parts[..., 0]))
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR))


def _shrunk(face: Face, factor: int) -> Face:
    left, top, right, bottom = (edge / factor for edge in face.box)
    if face.eyes is None:
        return Face((left, top, right, bottom))
    one, other = (_point(eye, factor) for eye in face.eyes)
    return Face((left, top, right, bottom), (one, other))


def _point(point: Point, factor: int) -> Point:
    """A point of the upsampled image; the middle of the first pixel is 0 in both."""
    return (point[0] + 0.5) / factor - 0.5, (point[1] + 0.5) / factor - 0.5
