"""Motion of a face from frame to frame: a similarity by optical flow of its rigid parts.

Every frame is registered with a reference view of the face, the first one if possible, so errors do
not add up. Where the face has turned too far from all references, the last view becomes a new one.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from gamdss.align.pose import CENTRE, Pose, crop, matrix
from gamdss.align.settings import AlignConfig

# The view in which flow is measured. The face's square spans 120 of its 144 pixels.
VIEW = AlignConfig(width=144, height=176, margin=0.1)
_WINDOW, _LEVELS = (25, 25), 3
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 0.01)
_POINTS, _APART, _LEAST = 80, 5, 8
# Pixels of the view: flow that does not return to its start, and points off the similarity.
_RETURN, _OFF = 0.6, 0.8
# References kept besides the first and the last; frames between tries to return to the first.
_KEPT, _BACK = 6, 10
_FADES = 0.9  # what is left, a frame later, of the step between two references
_AGREE = 0.4  # share of the points that follow the similarity
_CONTRAST = 45.0  # standard deviation of the face's grey values in a view
_FAR = 1.5  # pixels of the view from which on a frame is registered twice
# Rigid parts in shares of the face's square (left, top, right, bottom): bridge of the nose and
# temples, the nose, the sides of the face; without the eyes. Brows, cheeks and mouth move with
# expressions.
_RIGID = (
    (0.04, 0.17, 0.96, 0.45),
    (0.33, 0.3, 0.67, 0.64),
    (0.04, 0.3, 0.18, 0.64),
    (0.82, 0.3, 0.96, 0.64),
)
_EYES = ((0.16, 0.17, 0.37, 0.33), (0.63, 0.17, 0.84, 0.33))


class FaceMotion:
    """Follows a face.

    Args:
        image: uint8 BGR frame (H, W, 3).
        pose: where the face is in it.
    """

    def __init__(self, image: np.ndarray, pose: Pose) -> None:
        self.pose = pose
        self.image = image
        self._references = [_Reference(self.view)]
        self._used = self._references[0]
        self._frames = 0
        self._offset = np.zeros(4)

    @property
    def view(self) -> np.ndarray:
        """The face in the last frame that was followed, grey uint8 (176, 144)."""
        return _view(self.image, self.pose)

    def follow(self, image: np.ndarray) -> bool:
        """Update `pose`, `view` and `image` to the next frame; False if the face is not in it."""
        self._frames += 1
        first = self._references[0]
        for reference in dict.fromkeys([self._used, *self._references]):
            if self._register(image, reference):
                if self._frames % _BACK == 0 and self._used is not first:
                    self._return(first)
                self._offset *= _FADES
                self.pose = _shifted(self.pose, self._offset)
                return True
        # The face has changed too much since all of them.
        reference = _Reference(self.view)
        if not self._register(image, reference):
            return False
        self._references = [first, *self._references[1:][-_KEPT:], reference]
        self._offset = np.zeros(4)  # part of the new reference
        return True

    def _return(self, first: _Reference) -> None:
        """Go back to the first reference; the step between the two poses fades over some frames."""
        before = self.pose
        if self._register(self.image, first):
            self._offset = _values(before) - _values(self.pose)

    def _register(self, image: np.ndarray, reference: _Reference) -> bool:
        """Update the pose by a reference; False if the flow is inconsistent."""
        pose = self.pose
        moved = reference.similarity(_view(image, pose))
        if moved is not None and _shift(moved) > _FAR:
            pose = _moved(pose, moved)
            moved = reference.similarity(_view(image, pose))
        if moved is None:
            return False
        self.pose, self.image, self._used = _moved(pose, moved), image, reference
        return True


class _Reference:
    """A view (176, 144) of the face in which its pose is known, and the points in it."""

    def __init__(self, view: np.ndarray) -> None:
        self._view = view
        self._points = _points(view)

    def similarity(self, view: np.ndarray) -> np.ndarray | None:
        """The similarity (2, 3) from this view to another; None if the flow has none."""
        return _similarity(self._view, view, self._points)


def _view(image: np.ndarray, pose: Pose) -> np.ndarray:
    """The grey view (176, 144) of a pose, uint8 of fixed mean and contrast."""
    left, top = (max(0, math.floor(middle - pose.size)) for middle in (pose.x, pose.y))
    right, bottom = (max(0, math.ceil(middle + pose.size)) for middle in (pose.x, pose.y))
    part = image[top:bottom, left:right]
    if part.size == 0:
        return np.zeros((VIEW.height, VIEW.width), np.uint8)
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY))
    view = crop(grey, replace(pose, x=pose.x - left, y=pose.y - top), VIEW)
    # Optical flow assumes constant brightness, which a change of light would break.
    inner = view[_square((0, 0, 1, 1))]
    gain = _CONTRAST / max(float(inner.std()), 1.0)
    levels = np.clip(gain * (np.arange(256) - float(inner.mean())) + 128, 0, 255)
    return np.asarray(cv2.LUT(view, levels.astype(np.uint8)))


def _square(place: tuple[float, float, float, float]) -> tuple[slice, slice]:
    """Rows and columns of the view of a part of the face's square."""
    size = VIEW.width / (1 + 2 * VIEW.margin)
    left, top = (VIEW.width - size) / 2, VIEW.height * CENTRE - size / 2
    low, high = (round(top + place[i] * size) for i in (1, 3))
    first, last = (round(left + place[i] * size) for i in (0, 2))
    return slice(low, high), slice(first, last)


def _points(view: np.ndarray) -> np.ndarray:
    """Corners in the rigid parts, float32 (N, 1, 2); over the whole face if those have few."""
    mask = np.zeros_like(view)
    for place in _RIGID:
        mask[_square(place)] = 255
    for place in _EYES:
        mask[_square(place)] = 0
    found = cv2.goodFeaturesToTrack(view, _POINTS, 0.01, _APART, mask=mask)
    if found is None or len(found) < 2 * _LEAST:
        mask[_square((0, 0, 1, 1))] = 255
        found = cv2.goodFeaturesToTrack(view, _POINTS, 0.01, _APART, mask=mask)
    return np.zeros((0, 1, 2), np.float32) if found is None else np.asarray(found)


def _similarity(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """The similarity (2, 3) from one view to another; None if the flow has none."""
    if len(points) < _LEAST:
        return None
    there, found = _flow(one, other, points)
    back, returned = _flow(other, one, there)
    good = found & returned & (np.linalg.norm(back - points, axis=2).ravel() < _RETURN)
    if good.sum() < max(_LEAST, _AGREE * len(points)):
        return None
    similarity, used = cv2.estimateAffinePartial2D(
        points[good], there[good], method=cv2.RANSAC, ransacReprojThreshold=_OFF
    )
    if similarity is None or used.sum() < max(_LEAST, _AGREE * len(points)):
        return None
    return np.asarray(similarity)


def _flow(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where points (N, 1, 2) of a view are in another (Lucas-Kanade), and which were found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        *(one, other, points, np.zeros_like(points)),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
    )
    return np.asarray(there), np.asarray(found).ravel() == 1


def _values(pose: Pose) -> np.ndarray:
    return np.array([pose.x, pose.y, pose.size, pose.angle])


def _shifted(pose: Pose, by: np.ndarray) -> Pose:
    return Pose(*(_values(pose) + by).tolist())


def _shift(similarity: np.ndarray) -> float:
    """The largest shift of the view's corners in pixels."""
    corners = np.array([(0, 0), (VIEW.width, 0), (0, VIEW.height), (VIEW.width, VIEW.height)])
    return float(np.abs(corners @ similarity[:, :2].T + similarity[:, 2] - corners).max())


def _moved(pose: Pose, similarity: np.ndarray) -> Pose:
    """The pose of a face that is at `similarity` in the view of `pose`."""
    centre = matrix(Pose(0, 0, 1, 0), VIEW)[:, 2]
    linear = matrix(pose, VIEW)[:, :2]
    away = similarity[:, :2] @ centre + similarity[:, 2] - centre
    x, y = np.linalg.solve(linear, away)
    turn = math.degrees(math.atan2(similarity[1, 0], similarity[0, 0]))
    growth = math.hypot(similarity[0, 0], similarity[1, 0])
    return Pose(pose.x + x, pose.y + y, pose.size * growth, pose.angle + turn)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of the details of two views of a face, -1 to 1."""
    a, b = _details(one), _details(other)
    return float((a * b).sum() / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6))


def _details(view: np.ndarray) -> np.ndarray:
    """The face without its shading: differences to a blurred view, of equal local contrast."""
    rows, columns = _square((0, 0, 1, 1))
    small = cv2.resize(view[rows, columns], (48, 48), interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    edges = grey - cv2.GaussianBlur(grey, (0, 0), 6)
    return np.asarray(edges / np.sqrt(cv2.GaussianBlur(edges**2, (0, 0), 6) + 4))
