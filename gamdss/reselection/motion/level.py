"""The motion level: how strong the expression of a clip is in each of its frames.

Dense flow of some frames shows which local motion follows the expected course of the expression.
How far each frame is along that motion then follows from its pixels, together with the motion of
the head and the light, by one linear least-squares fit per frame (after Lucas and Kanade, "An
iterative image registration technique", IJCAI 1981). This is far less noisy than flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from gamdss.reselection.motion.one_thread import one_thread
from gamdss.reselection.motion.posterior import without_line

WIDTH = 140  # pixels to which frames shrink: enough for motion of a fifth of a pixel
LEAST_PIXELS = 32  # of the shorter side: dense flow needs as many
_BLUR = 1.0
_WHITE = np.float32(255)  # flow is taken of bytes
# Floats whose largest value is between 1 and this are on a scale of their own, such as images from
# 0 to 1 after an exposure. As grey levels they would be almost black, and rounding them to bytes
# would leave at most 26 levels: up to 16 of them, key frames of a clear smile were 12 frames off.
_DIM = _WHITE / 10
_FAINT = np.float32(1e-12)
_HEAD_GRID = 4  # pixels: the step of the grid on which the motion of the head is fitted
_HEAD_ROUNDS = 3
_ROBUST = 0.15  # pixels; motion that differs more from the head's is local
_FLOWS = 28  # frames of which dense flow is taken
_SHARE = 0.3  # of the pixels that carry the expression
_ROUNDS = 3
_SMOOTH = 2.0  # pixels, of the motion field
_AT_REST = 0.02  # strength below which a face is at rest
_REST = 0.3  # share of frames at rest, from which on slow drift can be told from the expression
_GRID = 3  # pixels: the step of the grid on which courses are compared


def shrink(image: np.ndarray) -> np.ndarray:
    """A frame (H, W) or (H, W, 3), uint8 or floats, as grey (h, w) float32.

    `w` is at most `WIDTH`, unless the shorter side would fall below `LEAST_PIXELS`.
    """
    if image.ndim == 3:
        image = cv2.cvtColor(
            image if image.dtype == np.uint8 else image.astype(np.float32), cv2.COLOR_BGR2GRAY
        )
    scale = min(1.0, max(WIDTH / image.shape[1], LEAST_PIXELS / min(image.shape[:2])))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _BLUR))


def shrink_all(images: Iterable[np.ndarray]) -> list[np.ndarray]:
    """The frames of a clip as `shrink` makes them, in grey levels from 0 to 255.

    Bytes, and floats from 0 to 255 whose largest value is above 25.5, are grey levels. Floats from
    0 to 1 are multiplied by 255. Those of another range, such as frames that are normalised for a
    network or from 0 to 2, are scaled so that the clip's smallest value is 0 and its largest 255.
    """
    small, floats = [], False
    for image in images:
        floats = image.dtype != np.uint8
        small.append(shrink(image))
    if not floats or not small:
        return small
    least, most = min(i.min() for i in small), max(i.max() for i in small)
    if least >= 0 and _DIM < most <= _WHITE:
        return small
    if least < 0 or most > 1:
        small = [(i - least) / max(most - least, _FAINT) for i in small]
    return [_WHITE * i for i in small]


def moves(small: Sequence[np.ndarray]) -> bool:
    """Whether a frame differs from the first one."""
    return any((image != small[0]).any() for image in small)


class MotionMeter:
    """The frames of a clip and their flow, computed once, for the level of any expected course.

    Args:
        images: T shrunk grey frames (h, w) float32.
    """

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self.chosen = np.unique(np.linspace(0, len(images) - 1, _FLOWS).round().astype(int))
        flow = local_flow([images[i] for i in self.chosen])
        self.flow = flow - flow.mean(axis=0)  # (F, h, w, 2)
        self.energy = (self.flow**2).mean(axis=0)  # (h, w, 2)
        stack = np.stack(images).astype(np.float32)
        self.mean = stack.mean(axis=0)
        self.change = (stack - self.mean).reshape(len(stack), -1)  # (T, P)
        self.across = cv2.Sobel(self.mean, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        self.down = cv2.Sobel(self.mean, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        self.nuisance = self._nuisance()

    @one_thread
    def level(self, course: np.ndarray) -> np.ndarray:
        """Level of the expression in each frame, about 1 at the maximum of `course`.

        Args:
            course: (T,) expected strength of the expression, from 0 to 1.

        Returns:
            (T,) float64.
        """
        field = self.field(course)
        # A frame is the mean frame, moved against the field, in different light.
        own = -(self.across * field[..., 0] + self.down * field[..., 1])
        basis = np.concatenate([own.reshape(-1, 1), self.nuisance], axis=1)  # (P, 25)
        return _robust_fit(basis, self.change)

    def field(self, course: np.ndarray) -> np.ndarray:
        """Local motion (h, w, 2) in pixels that follows `course`; 0 where it is not clear."""
        # What the head leaves in the flow drifts slowly, as a parabola at most, and must not be
        # taken for the expression. Without frames at rest around it, the two look alike.
        powers = 3 if (course < _AT_REST).mean() >= _REST else 1
        slow = np.linalg.qr(np.vander(np.linspace(-1, 1, len(self.chosen)), powers))[0]  # (F, K)
        wanted = course[self.chosen] - slow @ (slow.T @ course[self.chosen])
        size = float(wanted @ wanted) + 1e-12
        field = np.tensordot(wanted, self.flow, 1) / size
        # The flow's energy without the drift's and the expression's: they are orthogonal.
        drift = (np.tensordot(slow.T, self.flow, 1) ** 2).sum(axis=0) / len(slow)
        rest = np.maximum(self.energy - drift - size / len(slow) * field**2, 0).sum(axis=-1)
        clarity = (field**2).sum(-1) / (rest + np.median(rest) + 1e-12)
        mask = (clarity >= np.quantile(clarity, 1 - _SHARE)).astype(np.float32)
        return cv2.GaussianBlur((field * mask[..., None]).astype(np.float32), (0, 0), _SMOOTH)

    @one_thread
    def support(self, courses: np.ndarray, times: np.ndarray) -> np.ndarray:
        """How well the flow follows each of `courses` (N, T) at `times` (T,), in frames: (N,).

        The sum over pixels of the log-likelihood, with a free constant and line: many pixels that
        follow a course roughly count more than a few that follow it exactly.
        """
        free = without_line(times[self.chosen])  # (F, F - 2)
        wanted = courses[:, self.chosen] @ free
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True) + 1e-12
        flow = np.tensordot(free.T, self.flow[:, ::_GRID, ::_GRID], 1)  # (F - 2, h', w', 2)
        total = (flow**2).sum(axis=(0, 3))
        scores = [
            np.log1p(-(np.tensordot(way, flow, 1) ** 2).sum(-1) / (total + 1e-6)).sum()
            for way in wanted
        ]
        return -np.array(scores)

    def _nuisance(self) -> np.ndarray:
        """Changes of the mean frame by motion of the head and by light, (P, 24)."""
        height, width = self.mean.shape
        rows, columns = np.indices(self.mean.shape, dtype=np.float32)
        x, y = columns / width - 0.5, rows / height - 0.5
        one = np.ones_like(x)
        # The head turns while its surroundings stay, so its motion is a cubic polynomial.
        ways = [one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3]
        parts = [gradient * way for gradient in (self.across, self.down) for way in ways]
        parts += [self.mean, 64 * one, self.mean * x, self.mean * y]
        return np.stack([part.ravel() for part in parts], axis=1)


def _robust_fit(basis: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Coefficient of the first column in each frame; pixels of a blink get small weights."""
    weights = np.ones(len(basis), np.float32)
    fitted = np.zeros((len(change), basis.shape[1]), np.float32)
    for _ in range(_ROUNDS):
        weighted = basis * weights[:, None]
        normal = weighted.T @ basis
        normal += 1e-4 * np.diag(np.diag(normal))
        fitted = np.linalg.solve(normal.astype(np.float64), (weighted.T @ change.T)).T
        missed = change - fitted.astype(np.float32) @ basis.T
        rest = np.einsum("tp,tp->p", missed, missed) / len(change)
        weights = 1 / (rest + np.median(rest))
        weights /= weights.mean()
    return np.asarray(fitted[:, 0])


@one_thread
def local_flow(images: Sequence[np.ndarray]) -> np.ndarray:
    """Flow from the first frame to every frame, without the affine motion of the head.

    Args:
        images: T shrunk grey frames (h, w) float32.

    Returns:
        (T, h, w, 2) float32, motion in x and y in pixels.
    """
    grey = [cv2.convertScaleAbs(image) for image in images]
    # Missing from OpenCV's type stubs.
    dis: Any = cv2.DISOpticalFlow_create(  # type: ignore[attr-defined]
        cv2.DISOPTICAL_FLOW_PRESET_FAST
    )
    flow = np.stack([dis.calc(grey[0], frame, None) for frame in grey])
    return _without_head(flow)


def _without_head(flow: np.ndarray) -> np.ndarray:
    """Subtract from the flow of each frame the affine motion that most of the face shares."""
    height, width = flow.shape[1:3]
    rows, columns = np.indices((height, width), dtype=np.float32)
    x, y = columns / width - 0.5, rows / height - 0.5
    design = np.stack([np.ones_like(x), x, y], axis=-1)  # (h, w, 3)
    inside = (x[::_HEAD_GRID, ::_HEAD_GRID] ** 2 + y[::_HEAD_GRID, ::_HEAD_GRID] ** 2) < 0.2
    points = design[::_HEAD_GRID, ::_HEAD_GRID][inside]  # (P, 3)
    seen = flow[:, ::_HEAD_GRID, ::_HEAD_GRID][:, inside]  # (T, P, 2)
    weights = np.ones(seen.shape[:2], np.float32)
    for _ in range(_HEAD_ROUNDS):
        weighted = np.swapaxes(weights[..., None] * points, 1, 2)  # (T, 3, P)
        normal = weighted @ points + 1e-3 * np.eye(3, dtype=np.float32)
        motion = np.linalg.solve(normal, weighted @ seen)  # (T, 3, 2)
        rest = seen - points @ motion
        weights = 1 / (1 + (rest**2).sum(-1) / _ROBUST**2)
    return (flow - (design.reshape(-1, 3) @ motion).reshape(flow.shape)).astype(np.float32)
