"""A face in an image, and what finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """A face in pixels of the image: its box (left, top, right, bottom) and, if known, its eyes.

    Eyes are the middles (x, y) of both eyes, in any order.
    """

    box: Box
    eyes: tuple[Point, Point] | None = None

    @property
    def area(self) -> float:
        """Square pixels of the box."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


class Detector(Protocol):
    """Finds faces; one object is used by one thread."""

    def faces(self, image: np.ndarray) -> list[Face]:
        """All faces in a uint8 BGR image (H, W, 3), in any order."""


def largest(faces: list[Face]) -> Face | None:
    """The face that fills the most pixels, of equals the leftmost, then the uppermost."""
    return max(faces, key=lambda f: (f.area, -f.box[0], -f.box[1]), default=None)
