"""Shots: where the picture cuts.

A cut changes the picture's structure from one frame to the next, once. Light changes brightness
and contrast, not structure; expressions and head movements change it little, or over several
frames; a flash changes it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import TypeVar

import cv2
import numpy as np

from gamdss.prediction.recordings import Frame

_Item = TypeVar("_Item")
_SIZE = (48, 36)
# Structural change (1 - correlation, 0 to 2) from which on a frame may begin a shot.
_LEAST = 0.05
# Above this, structure alone decides. Below, the change must stand out by so much from the changes
# just before and after: a cut between similar pictures.
_CERTAIN, _STANDS_OUT = 0.35, 6.0
# Grey levels of standard deviation below which a picture has no structure (black, white).
_BLANK = 2.0


@dataclass(frozen=True, eq=False)
class _Sketch:
    """A frame's structure: zero-mean, unit-norm grey values (36, 48), and if it is blank."""

    values: np.ndarray
    blank: bool


def with_shots(frames: Iterable[Frame]) -> Iterator[tuple[int, Frame]]:
    """Each frame with the number of its shot, from 1.

    Holds one frame back, because whether it begins a shot depends on the next one.
    """
    return _shots((frame, _sketch(frame.image)) for frame in frames)


class WatchedFrames(Mapping[int, np.ndarray]):
    """Frames by number, uint8 BGR (H, W, 3), of which a sketch of each that is read is kept.

    Args:
        frames: the frames; each access reads one.
    """

    def __init__(self, frames: Mapping[int, np.ndarray]) -> None:
        self._frames = frames
        self._sketches: dict[int, _Sketch] = {}

    def __getitem__(self, number: int) -> np.ndarray:
        image = self._frames[number]
        self._sketches[number] = _sketch(image)
        return image

    def __iter__(self) -> Iterator[int]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def cuts(self) -> list[int]:
        """Numbers of the frames that were read and begin a shot, but for the first frame."""
        every = list(_shots(sorted(self._sketches.items(), key=itemgetter(0))))
        return [number for (one, _), (two, number) in pairwise(every) if two > one]


def _shots(sketched: Iterable[tuple[_Item, _Sketch]]) -> Iterator[tuple[int, _Item]]:
    """Each item with the number of its shot, from the sketches of their frames."""
    shot, before = 1, 0.0
    last: _Sketch | None = None  # of the last frame that is not a flash
    held: tuple[_Item, _Sketch] | None = None
    for item, now in sketched:
        if held is not None:
            change = 0.0 if last is None else _change(last, held[1])
            flash = last is not None and change > _LEAST and _change(last, now) < change / 2
            if not flash:
                shot += _cuts(before, change, _change(held[1], now))
                last, before = held[1], change
            yield shot, held[0]
        held = item, now
    if held is not None:
        shot += last is not None and _cuts(before, _change(last, held[1]), 0.0)
        yield shot, held[0]


def _cuts(before: float, change: float, after: float) -> bool:
    """Whether a frame begins a shot, from the changes of the one before, itself and the next."""
    if change > _CERTAIN:
        return True
    return change > _LEAST and change > _STANDS_OUT * max(before, after)


def _sketch(image: np.ndarray) -> _Sketch:
    small = cv2.resize(image, _SIZE, interpolation=cv2.INTER_AREA)
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32), (3, 3), 0)
    grey -= grey.mean()
    return _Sketch(grey / max(float(np.linalg.norm(grey)), 1e-6), float(grey.std()) < _BLANK)


def _change(one: _Sketch, other: _Sketch) -> float:
    """1 - correlation; between blank pictures 0, between a blank one and another 1."""
    if one.blank or other.blank:
        return 0.0 if one.blank and other.blank else 1.0
    return 1.0 - float((one.values * other.values).sum())
