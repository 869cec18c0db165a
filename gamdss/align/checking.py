"""Whether the crops show the face over the whole clip: ten frames are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.align.detectors import Detector
from gamdss.align.pose import Pose, eyes_of, matrix, pose_of
from gamdss.align.search import RELAXED, Attempt, look_near
from gamdss.align.settings import AlignConfig

_CHECKED = 10
# A face is in the crop if its centre moved by less than so much of its size, and if its size is
# within such a factor.
_AWAY, _SIZE = 0.6, 1.8
# Missing from more than this share of the frames (and from more than one), a face is lost.
_MISSING = 0.2
# Part of a face's size beyond the picture's edge from which on it is cut.
_CUT = 0.05


@dataclass(frozen=True)
class Check:
    """What the checked frames show.

    Args:
        seen: share of them with the face in the crop.
        drift: largest distance in pixels of the crop of an eye from its place in the first of
            them. Detectors without eyes place them by the face's box, to about 5 pixels.
        missing: numbers of the frames without the face.
        lost: whether the face is missing from more than 20% of the frames, or from the last two.
    """

    seen: float
    drift: float
    missing: Sequence[int]
    lost: bool


class Checker:
    """Checks frames while they are cropped.

    Args:
        numbers: of all frames.
        pose: by which they are cropped.
        attempt: with which the face was found.
        detector: the detector.
        settings: of the crops.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        pose: Pose,
        attempt: Attempt,
        detector: Detector,
        settings: AlignConfig,
    ) -> None:
        places = np.linspace(0, len(numbers) - 1, min(_CHECKED, len(numbers))).round()
        self._waiting = {numbers[int(place)] for place in places}
        self._pose, self._detector, self._settings = pose, detector, settings
        self._attempts = [attempt] if attempt == RELAXED else [attempt, RELAXED]
        self._eyes: dict[int, np.ndarray | None] = {}

    def look(self, number: int, image: np.ndarray) -> None:
        """Check a raw frame, uint8 BGR (H, W, 3), if it is one of those to check."""
        if number in self._waiting:
            self._eyes[number] = self._eyes_in_crop(image)

    def result(self) -> Check:
        """What was found."""
        seen = [eyes for eyes in self._eyes.values() if eyes is not None]
        missing = [number for number, eyes in self._eyes.items() if eyes is None]
        end = list(self._eyes)[-2:]
        count = len(self._eyes)
        drifts = [np.linalg.norm(eyes - seen[0], axis=1).max() for eyes in seen]
        return Check(
            seen=round(len(seen) / count, 4),
            drift=round(float(max(drifts, default=0.0)), 2),
            missing=missing,
            lost=len(missing) > max(1, _MISSING * count) or missing[-2:] == end,
        )

    def _eyes_in_crop(self, image: np.ndarray) -> np.ndarray | None:
        """Both eyes (2, 2) in pixels of the crop; None if it does not show the face."""
        to_crop = matrix(self._pose, self._settings)
        for attempt in self._attempts:
            faces = look_near(image, self._pose, self._detector, attempt)
            poses = [pose for pose in map(pose_of, faces) if self._away(pose) < _AWAY]
            if poses:
                return eyes_of(min(poses, key=self._away)) @ to_crop[:, :2].T + to_crop[:, 2]
        return None

    def _away(self, pose: Pose) -> float:
        """How far a face has moved relative to its size; infinite if it has another size."""
        if not 1 / _SIZE < pose.size / self._pose.size < _SIZE:
            return np.inf
        return float(np.hypot(pose.x - self._pose.x, pose.y - self._pose.y) / self._pose.size)


def cut_by(pose: Pose, shape: Sequence[int]) -> list[str]:
    """The edges of a picture (H, W, ...) that cut the face: left, top, right, bottom."""
    left, top, right, bottom = pose.box
    beyond = (-left, -top, right - shape[1], bottom - shape[0])
    names = ("left", "top", "right", "bottom")
    return [name for name, by in zip(names, beyond, strict=True) if by > _CUT * pose.size]
