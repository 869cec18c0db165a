"""A drawing surface in design units: masks, strokes, noise and blends."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import cv2
import numpy as np

# cv2 takes sub-pixel coordinates as integers with this many fractional bits.
_SHIFT = 4


class Canvas:
    """Coordinates and drawing tools of a picture.

    Args:
        width: width of the picture in design units.
        height: height of the picture in design units.
        scale: pixels per design unit.

    Attributes:
        x, y: design coordinates of the centre of each pixel, (height, width) float32.
    """

    def __init__(self, width: float, height: float, scale: float) -> None:
        self.scale = scale
        self.shape = (round(height * scale), round(width * scale))
        rows, columns = self.shape
        x = (np.arange(columns, dtype=np.float32) + 0.5 - columns / 2) / scale
        y = (np.arange(rows, dtype=np.float32) + 0.5 - rows / 2) / scale
        self.x, self.y = np.meshgrid(x, y)

    def part(self, cut: tuple[slice, slice]) -> Canvas:
        """The same coordinates at some rows and columns, for what is computed pixel by pixel."""
        part = copy(self)
        part.x, part.y = self.x[cut], self.y[cut]
        part.shape = part.x.shape
        return part

    def _pixels(self, points: np.ndarray) -> np.ndarray:
        """Design coordinates (N, 2) as cv2's fixed-point pixels."""
        middle = np.array(self.shape[::-1]) / 2
        pixels = np.asarray(points) * self.scale + middle - 0.5
        return np.round(pixels * 2**_SHIFT).astype(np.int32)

    def blur(self, picture: np.ndarray, sigma: float) -> np.ndarray:
        """Gaussian blur, `sigma` in design units."""
        return cv2.GaussianBlur(picture, (0, 0), sigma * self.scale)

    def polygon(self, points: np.ndarray, soft: float = 0.5) -> np.ndarray:
        """Mask in 0..1 of a closed outline (N, 2); `soft` blurs its edge, in design units."""
        mask = np.zeros(self.shape, np.float32)
        cv2.fillPoly(mask, [self._pixels(points)], 1.0, cv2.LINE_8, _SHIFT)
        return self._soften(mask, soft) if soft > 0 else mask

    def stroke(self, points: np.ndarray, width: float, soft: float = 0.4) -> np.ndarray:
        """Mask in 0..1 of an open line through `points` (N, 2), `width` wide."""
        mask = np.zeros(self.shape, np.float32)
        thickness = max(1, round(width * self.scale))
        cv2.polylines(mask, [self._pixels(points)], False, 1.0, thickness, cv2.LINE_8, _SHIFT)
        return self._soften(mask, soft)

    def _soften(self, mask: np.ndarray, sigma: float) -> np.ndarray:
        """`mask` blurred in place, in the rows that this changes.

        Whole rows, since cv2 rounds the last columns of a picture in another way than the others.
        """
        reach = int(5 * sigma * self.scale) + 2  # cv2's kernel reaches 4 sigma
        rows = extent(mask)[0]
        near = slice(max(0, rows.start - reach), rows.stop + reach)
        mask[near] = self.blur(mask[near], sigma)
        return mask

    def strands(self, lines: Sequence[np.ndarray], strengths: np.ndarray) -> np.ndarray:
        """Mask of lines one pixel wide, each with its strength in 0..1."""
        mask = np.zeros(self.shape, np.uint8)
        for points, strength in zip(lines, strengths, strict=True):
            level = int(255 * float(strength))
            cv2.polylines(mask, [self._pixels(points)], False, level, 1, cv2.LINE_AA, _SHIFT)
        return mask.astype(np.float32) / 255

    def bump(self, x: float, y: float, sigma_x: float, sigma_y: float) -> np.ndarray:
        """A Gaussian of height 1 at (x, y)."""
        across = np.exp(-0.5 * ((self.x[:1] - x) / sigma_x) ** 2)
        down = np.exp(-0.5 * ((self.y[:, :1] - y) / sigma_y) ** 2)
        return down * across

    def pair(self, x: float, y: float, sigma_x: float, sigma_y: float) -> np.ndarray:
        """Two bumps, mirrored at the vertical axis."""
        return self.bump(x, y, sigma_x, sigma_y) + self.bump(-x, y, sigma_x, sigma_y)

    def noise(self, rng: np.random.Generator, sigmas: Sequence[float]) -> np.ndarray:
        """Smooth noise of unit deviation, one octave per grain size in `sigmas`."""
        total = np.zeros(self.shape, np.float32)
        for sigma in sigmas:
            # Coarse grain is drawn on a coarse grid, since a wide blur of the full one is slow.
            step = max(1.0, sigma * self.scale / 2)
            size = (max(2, round(self.shape[1] / step)), max(2, round(self.shape[0] / step)))
            coarse = rng.standard_normal(size[::-1], dtype=np.float32)
            grain = cv2.GaussianBlur(coarse, (0, 0), max(0.4, sigma * self.scale / step))
            grain = grain / (grain.std() + 1e-6)
            total += cv2.resize(grain, self.shape[::-1], interpolation=cv2.INTER_CUBIC)
        return total / np.sqrt(len(sigmas))


def both_sides(half: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The right half of a line, from the vertical axis outwards, completed by its mirror image."""
    return [(-x, y) for x, y in reversed(half) if x != 0] + list(half)


def smooth_curve(
    points: Sequence[Sequence[float]] | np.ndarray, closed: bool, rounds: int = 4
) -> np.ndarray:
    """Smooth a polyline (N, 2) by Chaikin's corner cutting."""
    curve = np.asarray(points, dtype=np.float64)
    for _ in range(rounds):
        following = np.roll(curve, -1, axis=0) if closed else curve[1:]
        start = curve if closed else curve[:-1]
        cut = np.stack([0.75 * start + 0.25 * following, 0.25 * start + 0.75 * following], axis=1)
        cut = cut.reshape(-1, 2)
        curve = cut if closed else np.concatenate([curve[:1], cut, curve[-1:]])
    return curve


def smoothstep(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at `low`, 1 at `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def blend(
    picture: np.ndarray, colour: np.ndarray | Sequence[float], mask: np.ndarray
) -> np.ndarray:
    """Lay `colour` (a colour or a picture) over `picture` where `mask` is 1."""
    laid = picture.astype(np.float32)
    cut = extent(mask)
    alpha = mask[cut]
    colours = np.asarray(colour, dtype=np.float32)
    over = colours if colours.ndim == 1 else colours[cut]
    for channel in range(laid.shape[2]):  # a loop over pixels is faster than one over channels
        below = picture[cut][..., channel] * (1 - alpha)
        laid[cut][..., channel] = below + over[..., channel] * alpha
    return laid


def tinted(colour: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """A colour (3,) at the brightness of each pixel (H, W), as (H, W, 3)."""
    return cv2.merge([value * plane for value in colour.astype(np.float64)])


def extent(mask: np.ndarray) -> tuple[slice, slice]:
    """The smallest rows and columns that hold all of `mask` that is not 0."""
    touched = mask != 0
    rows, columns = (np.flatnonzero(touched.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return slice(0), slice(0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
