"""How strong a clip's own expression is in each frame: the clip's dominant motion, measured.

Dense flow of some frames shows which motion follows the expected course of the expression. How
far each frame has gone along that motion is then found from its pixels at once, together with
the motion of the whole head and the light: one linear least-squares fit a frame (after Lucas and
Kanade, "An iterative image registration technique", IJCAI 1981), far less noisy than any flow.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from gamdss.reselection.motion.flow import local_flow
from gamdss.reselection.motion.posterior import without_line

_FLOWS = 28  # frames of which dense flow is taken
_SHARE = 0.3  # of the pixels carry the expression
_ROUNDS = 3
_SMOOTH = 2.0  # pixels, of the motion field
_GRID = 3  # every third pixel tells which course the motion follows


class MotionMeter:
    """Frames of a clip and their flow, measured once, for the levels of any expected course.

    Args:
        images: T shrunk grey frames (h, w) float32.
    """

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self.chosen = np.unique(np.linspace(0, len(images) - 1, _FLOWS).round().astype(int))
        flow = local_flow([images[i] for i in self.chosen])
        self.flow = flow - flow.mean(axis=0)  # (F, h, w, 2)
        stack = np.stack(images).astype(np.float32)
        self.mean = stack.mean(axis=0)
        self.change = (stack - self.mean).reshape(len(stack), -1)  # (T, P)
        self.across = cv2.Sobel(self.mean, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
        self.down = cv2.Sobel(self.mean, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
        self.nuisance = self._nuisance()

    def level(self, course: np.ndarray) -> np.ndarray:
        """Level of the expression in each frame, about 1 where `course` has its top.

        Args:
            course: (T,) expected strength of the expression, from 0 to 1.

        Returns:
            (T,) float64.
        """
        field = self.field(course)
        # A frame is the mean frame moved against the field, with other light.
        own = -(self.across * field[..., 0] + self.down * field[..., 1])
        basis = np.concatenate([own.reshape(-1, 1), self.nuisance], axis=1)  # (P, 25)
        return _robust_fit(basis, self.change)

    def field(self, course: np.ndarray) -> np.ndarray:
        """Local motion (h, w, 2) in pixels that follows `course`, where clear; 0 elsewhere."""
        wanted = course[self.chosen] - course[self.chosen].mean()
        field = np.tensordot(wanted, self.flow, 1) / (wanted @ wanted + 1e-12)
        rest = ((self.flow - wanted[:, None, None, None] * field) ** 2).sum(-1).mean(0)
        clarity = (field**2).sum(-1) / (rest + np.median(rest) + 1e-12)
        mask = (clarity >= np.quantile(clarity, 1 - _SHARE)).astype(np.float32)
        return cv2.GaussianBlur((field * mask[..., None]).astype(np.float32), (0, 0), _SMOOTH)

    def support(self, courses: np.ndarray, times: np.ndarray) -> np.ndarray:
        """How well the flow follows each of `courses` (N, T) at `times` (T,), in frames: (N,).

        The sum of each pixel's log-likelihood, with a free constant and line: many pixels that
        follow a course a little count more than a few that follow it exactly.
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
        """What head and light do to the mean frame, (P, 24)."""
        height, width = self.mean.shape
        rows, columns = np.indices(self.mean.shape, dtype=np.float32)
        x, y = columns / width - 0.5, rows / height - 0.5
        one = np.ones_like(x)
        # The head turns, and its surroundings stay: its motion is a cubic polynomial of place.
        ways = [one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3]
        parts = [gradient * way for gradient in (self.across, self.down) for way in ways]
        parts += [self.mean, 64 * one, self.mean * x, self.mean * y]
        return np.stack([part.ravel() for part in parts], axis=1)


def _robust_fit(basis: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Coefficient of the first column in each frame; restless pixels (a blink) count little."""
    weights = np.ones(len(basis), np.float32)
    fitted = np.zeros((len(change), basis.shape[1]), np.float32)
    for _ in range(_ROUNDS):
        weighted = basis * weights[:, None]
        normal = weighted.T @ basis
        normal += 1e-4 * np.diag(np.diag(normal))
        fitted = np.linalg.solve(normal.astype(np.float64), (weighted.T @ change.T)).T
        rest = ((change - fitted.astype(np.float32) @ basis.T) ** 2).mean(axis=0)
        weights = 1 / (rest + np.median(rest))
        weights /= weights.mean()
    return np.asarray(fitted[:, 0])
