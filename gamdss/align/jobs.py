"""A clip to align: where its raw frames come from, and where its crops go."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from gamdss.data.frames import decode
from gamdss.data.video import VideoFrames
from gamdss.errors import FrameError


@dataclass(frozen=True)
class ClipJob:
    """A clip: its name, its raw frames as files or as a video, and the places of its crops.

    Args:
        id: what the user calls it, such as "01/EP02_01f".
        targets: path of the crop of frame n, relative to the output; its suffix is the format.
        files: raw images by frame number.
        video: a video file in place of `files`; its frames are numbered from 1.
    """

    id: str
    targets: Callable[[int], Path]
    files: Mapping[int, Path] = field(default_factory=dict)
    video: Path | None = None

    def fingerprint(self) -> str:
        """What changes when the raw frames or the places of the crops do."""
        parts = [str(self.targets(1))] if self.video else []
        parts += [str(self.targets(n)) for n in sorted(self.files)]
        files = [self.video] if self.video else [self.files[n] for n in sorted(self.files)]
        for file in files:
            size = file.stat().st_size if file.is_file() else -1
            parts.append(f"{file.name} {size}")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class Frames(Protocol):
    """The raw frames of a clip as uint8 BGR images (H, W, 3)."""

    numbers: list[int]

    def image(self, number: int) -> np.ndarray:
        """One frame; a FrameError where it cannot be decoded."""


def open_frames(files: Mapping[int, Path], video: Path | None) -> Frames:
    """The frames of a job.

    Raises:
        FrameError: there are none, or the video cannot be decoded.
    """
    return FileFrames(files) if video is None else VideoFrames(video)


class FileFrames:
    """Frames in files of their own."""

    def __init__(self, files: Mapping[int, Path]) -> None:
        if not files:
            raise FrameError("the clip has no frame", remedy="Unpack its frames.")
        self._files = files
        self.numbers = sorted(files)

    def image(self, number: int) -> np.ndarray:
        """One frame."""
        return decode(self._files[number], colour=False)
