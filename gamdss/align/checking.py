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
        drift: largest distance in pixels of the crop between an eye and its place in the first
            pose. Of detectors without eyes, by the face's box.
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
        self._drifts: dict[int, float | None] = {}

    def look(self, number: int, image: np.ndarray) -> None:
        """Check a raw frame, uint8 BGR (H, W, 3), if it is one of those to check."""
        if number in self._waiting:
            self._drifts[number] = self._drift(image)

    def result(self) -> Check:
        """What was found."""
        drifts = [drift for drift in self._drifts.values() if drift is not None]
        missing = [number for number, drift in self._drifts.items() if drift is None]
        end = list(self._drifts)[-2:]
        count = len(self._drifts)
        return Check(
            seen=round(len(drifts) / count, 4),
            drift=round(max(drifts, default=0.0), 2),
            missing=missing,
            lost=len(missing) > max(1, _MISSING * count) or missing[-2:] == end,
        )

    def _drift(self, image: np.ndarray) -> float | None:
        """How far the eyes are from their place in the crop; None if it does not show the face."""
        to_crop = matrix(self._pose, self._settings)
        for attempt in self._attempts:
            poses = map(pose_of, look_near(image, self._pose, self._detector, attempt))
            drifts = [
                np.linalg.norm((eyes_of(pose) - eyes_of(self._pose)) @ to_crop[:, :2].T, axis=1)
                for pose in poses
                if self._in_crop(pose)
            ]
            if drifts:
                return min(float(drift.max()) for drift in drifts)
        return None

    def _in_crop(self, pose: Pose) -> bool:
        away = np.hypot(pose.x - self._pose.x, pose.y - self._pose.y) / self._pose.size
        return bool(away < _AWAY and 1 / _SIZE < pose.size / self._pose.size < _SIZE)


def cut_by(pose: Pose, shape: Sequence[int]) -> list[str]:
    """The edges of a picture (H, W, ...) that cut the face: left, top, right, bottom."""
    left, top, right, bottom = pose.box
    beyond = (-left, -top, right - shape[1], bottom - shape[0])
    names = ("left", "top", "right", "bottom")
    return [name for name, by in zip(names, beyond, strict=True) if by > _CUT * pose.size]
