"""Stretches: the parts of a recording in which one face is seen without a break."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from gamdss.align.pose import Pose, crop, matrix, rotation
from gamdss.align.settings import AlignConfig
from gamdss.prediction.recordings import FrameStream, Recording

Stabilise = Literal["auto", "always", "never"]
Ending = Literal["end", "cut", "face lost", "other face", "left the crop", "left the picture"]


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive frames with one face.

    Args:
        shot: number of the shot, from 1.
        numbers: frame numbers, int (n,).
        seconds: times since the recording's first frame, (n,).
        poses: the face in each frame as (x, y, size, angle) of a `Pose`, (n, 4).
        pose: the face at the beginning, as `gamdss align` finds it: the median of the first three
            detections.
        stabilised: whether every frame is cropped by its own pose; else all by `pose`.
        moved: largest movement of the face from `pose`, relative to its size.
        share: the part of the face's square that is inside the picture and the crop, (n,).
        others: most further faces seen in a frame.
        relaxed: whether the face was found only in an upsampled, equalised frame.
        ended: why the stretch ends.
    """

    shot: int
    numbers: np.ndarray
    seconds: np.ndarray
    poses: np.ndarray
    pose: Pose
    stabilised: bool
    moved: float
    share: np.ndarray
    others: int = 0
    relaxed: bool = False
    ended: Ending = "end"

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def first(self) -> int:
        """The first frame number."""
        return int(self.numbers[0])

    @property
    def last(self) -> int:
        """The last frame number."""
        return int(self.numbers[-1])

    def crop_pose(self, index: int) -> Pose:
        """The pose by which the frame at an index is cropped."""
        return Pose(*self.poses[index].tolist()) if self.stabilised else self.pose


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop of a stretch's face.

    Args:
        stretch: index of the stretch.
        number: of the frame.
        seconds: time since the recording's first frame.
        image: uint8 BGR (height, width, 3) of the settings.
    """

    stretch: int
    number: int
    seconds: float
    image: np.ndarray


@dataclass(frozen=True, eq=False)
class Tracking:
    """What was found in a recording.

    Args:
        recording: the recording.
        fps: frames per second.
        size: width and height of its frames.
        frames: number of frames.
        shots: number of shots.
        stretches: in the order of time.
        warnings: messages for the user.
        seconds: from its first frame to the end of its last one.
        not_chosen: whether faces were found that are not the chosen one.
    """

    recording: Recording
    fps: float
    size: tuple[int, int]
    frames: int
    shots: int
    stretches: Sequence[Stretch] = ()
    warnings: Sequence[str] = field(default_factory=tuple)
    seconds: float = 0.0
    not_chosen: bool = False


def crops(
    recording: Recording,
    stretches: Sequence[Stretch],
    settings: AlignConfig,
    only: Collection[int] | None = None,
) -> Iterator[Crop]:
    """The crops of all stretches in one pass over the recording, as `gamdss align` makes them.

    Args:
        recording: the recording.
        stretches: in the order of time.
        settings: size and margin of the crops, the same as for the tracking.
        only: frame numbers of the crops; all by default.

    Raises:
        FrameError: a frame cannot be decoded.
    """
    places = {
        number: (index, place)
        for index, stretch in enumerate(stretches)
        for place, number in enumerate(stretch.numbers.tolist())
        if only is None or number in only
    }
    for frame in FrameStream(recording).frames(places):
        index, place = places[frame.number]
        image = crop(frame.image, stretches[index].crop_pose(place), settings)
        yield Crop(index, frame.number, frame.seconds, image)


def corners(pose: Pose) -> np.ndarray:
    """The corners (4, 2) of a face's square in the raw frame."""
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    return np.asarray(signs @ (rotation(pose) * pose.size / 2) + (pose.x, pose.y))


def inside(pose: Pose, size: tuple[int, int]) -> float:
    """The part of a face's square that is inside a picture of (width, height)."""
    width, height = size
    picture = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - 0.5
    return _overlap(corners(pose), picture)


def inside_crop(pose: Pose, of: Pose, settings: AlignConfig) -> float:
    """The part of a face's square that is inside the crop by another pose."""
    to_crop = matrix(of, settings)
    square = corners(pose) @ to_crop[:, :2].T + to_crop[:, 2]
    right, low = settings.width - 0.5, settings.height - 0.5
    return _overlap(square, np.array([(-0.5, -0.5), (right, -0.5), (right, low), (-0.5, low)]))


def movement(pose: Pose, since: Pose) -> float:
    """The largest movement of the corners of a face's square, relative to its size."""
    away = np.linalg.norm(corners(pose) - corners(since), axis=1)
    return float(away.max() / since.size)


def _overlap(square: np.ndarray, window: np.ndarray) -> float:
    """The part of a square's area that lies in a convex window."""
    area, _ = cv2.intersectConvexConvex(square.astype(np.float32), window.astype(np.float32))
    return min(1.0, float(area) / max(cv2.contourArea(square.astype(np.float32)), 1e-6))
