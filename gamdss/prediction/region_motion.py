"""How each region of a face moves in a stream of crops, without the motion of the head.

Dense optical flow runs from a reference frame, renewed every half second, to each frame. A rigid
head is fitted to it and subtracted; what is left is averaged over regions of the face. The eyes are
left out of the flow, since a blink would drag brows and cheeks along, and described by brightness.
Memory does not grow with the recording but for some eighty numbers a frame.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from gamdss.align.settings import AlignConfig
from gamdss.errors import ConfigError, FrameError
from gamdss.prediction.face_regions import (
    EYE,
    REGIONS,
    FaceLayout,
    region_weights,
    rigid_basis,
    steady_points,
)

_EYES = 56.0  # pixels between the eyes of the frames that flow is computed on, at most
_LEAST_EYES = 16.0  # pixels: below it, a region is a handful of pixels
_RATE = 40.0  # frames a second are enough; faster recordings are averaged in groups
_RENEW = 0.5  # seconds: after a longer time faces with open mouths hardly match
_STEP = 3  # pixels between points of the flow that are used
# Left, top, right and bottom of the part of the face that is looked at, in the unit of the regions.
_BOX = (-1.12, -0.72, 1.12, 1.75)
_ROUNDS = 4
_KEPT = 0.98  # of the distance from its place that the face is thought to have, each renewal
_BLOCKS = (6, 4)  # across and down an eye


@dataclass(frozen=True, eq=False)
class RegionMotion:
    """Motion of a face, in distances between the eyes.

    `regions` (T, R, 2) are positions of `REGIONS`, x and y, relative to a rigid head; `pose`
    (T, 6) is the head's: shift across and down, roll, growth, turn, nod. `eyes` (T, 48) is the
    brightness of both eyes, in 4 x 6 blocks each, in shares of their mean. Sample t stands for
    the `group` frames from frame `t * group` on (counted from 0); `frames` is how many there were.
    """

    fps: float
    group: int
    frames: int
    regions: np.ndarray
    pose: np.ndarray
    eyes: np.ndarray

    @property
    def rate(self) -> float:
        """Samples a second."""
        return self.fps / self.group

    def frame(self, sample: float) -> int:
        """The frame, from 0, of a moment in samples."""
        return int(np.clip(round((sample + 0.5) * self.group - 0.5), 0, self.frames - 1))


def measure_regions(
    crops: Iterable[np.ndarray], fps: float, layout: FaceLayout | None = None
) -> RegionMotion:
    """Follow the regions of a face through a stream of crops.

    Args:
        crops: uint8 BGR (H, W, 3), all of one size, each showing the face at about one place.
        fps: frames a second.
        layout: where the face lies in the crops; as `gamdss align` crops by default.

    Raises:
        ConfigError: the frame rate is below 15.
        FrameError: crops differ in size, or the face is too small.
    """
    if not fps >= 15:
        raise ConfigError(
            f"the frame rate is {fps:g}",
            remedy="Spotting needs 15 frames a second or more: a micro-expression lasts 0.2 s.",
        )
    group = max(1, round(fps / _RATE))
    tracker: _Tracker | None = None
    rows, count = array("f"), 0
    for picture, size in _groups(crops, group):
        count += size
        if tracker is None:
            tracker = _Tracker(
                picture.shape, layout or FaceLayout.of_crops(AlignConfig()), fps / group
            )
        for values in tracker.follow(picture):
            rows.frombytes(values.astype(np.float32).tobytes())
    ends = np.cumsum([2 * len(REGIONS), 6, 2 * _BLOCKS[0] * _BLOCKS[1]])
    samples = np.frombuffer(rows, np.float32).reshape(-1, ends[-1])
    regions, pose, eyes, _ = np.split(samples, ends, axis=1)
    return RegionMotion(fps, group, count, regions.reshape(-1, len(REGIONS), 2), pose, eyes)


def _groups(crops: Iterable[np.ndarray], group: int) -> Iterator[tuple[np.ndarray, int]]:
    """Grey means (H, W) float32 of `group` crops after each other, and how many they were."""
    total, count, shape = None, 0, None
    for number, crop in enumerate(crops):
        shape = shape or crop.shape
        if crop.shape != shape or crop.ndim != 3:
            raise FrameError(
                f"crop {number} is {crop.shape}, and the first one {shape}",
                remedy="Give BGR crops of one size.",
            )
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float32)
        total = grey if total is None else total + grey
        count += 1
        if count == group:
            yield total / count, count
            total, count = None, 0
    if total is not None:
        yield total / count, count


class _Tracker:
    """Flow from the reference frame, and what was reached when it was taken."""

    def __init__(self, shape: tuple[int, ...], layout: FaceLayout, rate: float) -> None:
        height, width = shape[:2]
        x, y, eyes, mouth = layout.pixels(width, height)
        if eyes < _LEAST_EYES:
            raise FrameError(
                f"the eyes are {eyes:.0f} pixels apart",
                remedy=f"Spotting needs {_LEAST_EYES:.0f} pixels or more: use larger crops.",
            )
        self.scale = min(1.0, _EYES / eyes)
        self.unit = eyes * self.scale
        self.middle = np.array([x, y]) * self.scale
        low, high = (np.round(np.array(side) * self.unit) for side in (_BOX[:2], _BOX[2:]))
        self.corner = np.round(self.middle + low).astype(int)
        self.size = (high - low).astype(int) // _STEP * _STEP
        self._prepare_model(mouth / eyes)
        opencv: Any = cv2  # its type stubs leave out the method
        self.flow = opencv.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.renew = round(_RENEW * rate)
        self.reference: np.ndarray | None = None
        self.age = 0
        self.moved = np.zeros(2, int)
        self.away = np.zeros(2)
        self.base = (np.zeros((len(REGIONS), 2)), np.zeros(6))
        self.now = self.base

    def _prepare_model(self, mouth: float) -> None:
        """Weights of the regions and the model of the head, at the points of the flow."""
        columns, rows = (np.arange(n // _STEP) * _STEP + (_STEP - 1) / 2 for n in self.size)
        x, y = np.meshgrid(
            (columns + self.corner[0] - self.middle[0]) / self.unit,
            (rows + self.corner[1] - self.middle[1]) / self.unit,
        )
        self.weights = region_weights(x.ravel(), y.ravel(), mouth)
        self.basis = rigid_basis(x.ravel(), y.ravel(), mouth)
        self.steady = np.flatnonzero(steady_points(x.ravel(), y.ravel(), mouth))
        both = rigid_basis(np.array([-EYE[0], EYE[0]]), np.array([EYE[1], EYE[1]]), mouth)
        self.at_eyes = both.reshape(2, 2, 6).mean(axis=1)
        column = (np.arange(self.size[0]) + self.corner[0] - self.middle[0]) / self.unit
        row = (np.arange(self.size[1]) + self.corner[1] - self.middle[1]) / self.unit
        across = (np.abs(column)[None, :] - EYE[0]) / EYE[2]
        down = (row[:, None] - EYE[1]) / EYE[3]
        inside = (across**4 + down**4 < 1).astype(np.float32)
        self.mask = cv2.GaussianBlur(inside, (0, 0), 0.03 * self.unit)

    def follow(self, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions of the regions (R, 2), pose (6,) and eyes (48,) in a grey picture."""
        if self.scale < 1:
            size = (round(picture.shape[1] * self.scale), round(picture.shape[0] * self.scale))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        if self.reference is not None:
            cut = self._without_eyes(self._cut(picture), self.reference)
            flow = self.flow.calc(self.reference, cut, None)
            regions, pose = self._separate(flow)
            self.now = (self.base[0] + regions, self.base[1] + pose)
        self.age += 1
        if self.reference is None or self.age >= self.renew:
            self.age = 0
            # The face is looked for where it has gone. Crops are stabilised, so that it is never
            # far from its place, and what errors of the flow add up to is forgotten.
            self.away = _KEPT * (self.away + self._eyes_moved())
            self.moved = np.round(self.away).astype(int)
            self.base = self.now
            self.reference = self._cut(picture)
        return *self.now, self._eyes(picture)

    def _eyes_moved(self) -> np.ndarray:
        """Pixels (2,) across and down that the eyes have moved by since the reference frame."""
        return np.asarray(self.at_eyes @ (self.now[1] - self.base[1]) * self.unit)

    def _without_eyes(self, cut: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """The cut with the eyes of the reference, where the head was a frame ago."""
        across, down = self._eyes_moved().tolist()
        move = np.array([[1, 0, across], [0, 1, down]], np.float32)
        size = (int(self.size[0]), int(self.size[1]))
        eyes = cv2.warpAffine(reference, move, size, borderMode=cv2.BORDER_REPLICATE)
        mask = cv2.warpAffine(self.mask, move, size)
        return np.asarray(np.round(cut + mask * (eyes.astype(np.float32) - cut)), np.uint8)

    def _eyes(self, picture: np.ndarray) -> np.ndarray:
        """Brightness of both eyes where the head has gone, (48,), in shares of their mean."""
        x, y, half_width, half_height = (value * self.unit for value in EYE)
        middle = self.middle + self.away + self._eyes_moved()
        size = (round(2 * half_width), round(2 * half_height))
        both = []
        for side in (-x, x):
            at = (float(middle[0] + side), float(middle[1] + y))
            eye = cv2.getRectSubPix(picture, size, at)
            both.append(cv2.resize(eye, _BLOCKS, interpolation=cv2.INTER_AREA).ravel())
        return np.concatenate(both) / max(float(np.mean(both)), 1.0)

    def _cut(self, picture: np.ndarray) -> np.ndarray:
        """The part of the face that is looked at, uint8; beyond the picture, its edge."""
        left, top = self.corner + self.moved
        columns = np.clip(np.arange(left, left + self.size[0]), 0, picture.shape[1] - 1)
        rows = np.clip(np.arange(top, top + self.size[1]), 0, picture.shape[0] - 1)
        return np.asarray(np.round(picture[rows[:, None], columns]), np.uint8)

    def _separate(self, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Motion of the regions (R, 2) and of the head (6,) in a flow in pixels."""
        width, height = self.size // _STEP
        points = cv2.resize(flow, (int(width), int(height)), interpolation=cv2.INTER_AREA)
        points = points.reshape(-1, 2).astype(np.float64) / self.unit
        pose = _fit(self.basis, points, self.steady)
        count = len(points)
        left = points - (self.basis @ pose).reshape(2, count).T
        return self.weights @ left, pose


def _fit(basis: np.ndarray, points: np.ndarray, steady: np.ndarray) -> np.ndarray:
    """Pose (6,) by least squares, reweighted so that moving skin does not count."""
    count = len(points)
    across, down = basis[steady], basis[count + steady]
    target = points[steady]
    weight = np.ones(len(steady))
    pose = np.zeros(6)
    for _ in range(_ROUNDS):
        heavy = across.T * weight, down.T * weight
        normal = heavy[0] @ across + heavy[1] @ down
        pose = np.linalg.solve(
            normal + 1e-9 * np.eye(6), heavy[0] @ target[:, 0] + heavy[1] @ target[:, 1]
        )
        left = np.hypot(target[:, 0] - across @ pose, target[:, 1] - down @ pose)
        spread = 2 * max(float(np.median(left)), 1e-4)
        weight = 1 / (1 + (left / spread) ** 2) ** 2
    return np.asarray(pose)
