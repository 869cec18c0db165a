"""A clip to align: where its raw frames are, and where its crops go."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from gamdss.data.decoding import decode
from gamdss.data.video import VideoFrames
from gamdss.errors import FrameError
from gamdss.files import file_states


class Frames(Protocol):
    """The raw frames of a clip as uint8 BGR images (H, W, 3)."""

    numbers: list[int]
    warning: str  # what is doubtful about them; else empty

    def image(self, number: int) -> np.ndarray:
        """One frame; a FrameError if it cannot be decoded."""


@dataclass(frozen=True)
class ClipJob:
    """A clip, given as image files or as a video.

    Args:
        id: the clip's name for the user, such as "01/EP02_01f".
        targets: path of each crop by frame number, relative to the output; the suffix decides the
            format. A frame without an entry becomes `frame_00001.jpg` and so on in `folder`.
        files: raw images by frame number.
        video: a video in place of `files`; its frames are numbered from 1.
        folder: of crops without an entry in `targets`, relative to the output.
    """

    id: str
    targets: Mapping[int, Path] = field(default_factory=dict)
    files: Mapping[int, Path] = field(default_factory=dict)
    video: Path | None = None
    folder: Path = Path()

    @property
    def known(self) -> Sequence[int]:
        """Frame numbers known without decoding: all of `files`, the first of a video."""
        return [1] if self.video else sorted(self.files)

    def target(self, number: int) -> Path:
        """Path of a frame's crop, relative to the output."""
        return self.targets.get(number, self.folder / f"frame_{number:05d}.jpg")

    def frames(self) -> Frames:
        """The frames, decoded on access.

        Raises:
            FrameError: there are none, or the video cannot be decoded.
        """
        return FileFrames(self.files) if self.video is None else VideoFrames(self.video)

    def fingerprint(self) -> str:
        """A digest that changes with the raw files and with the paths of the crops."""
        parts = [str(self.target(number)) for number in self.known]
        files = [self.video] if self.video else [self.files[n] for n in self.known]
        parts.append(file_states(files))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class FileFrames:
    """Frames in separate image files."""

    warning = ""

    def __init__(self, files: Mapping[int, Path]) -> None:
        if not files:
            raise FrameError("the clip has no frame", remedy="Unpack its frames.")
        self._files = files
        self.numbers = sorted(files)

    def image(self, number: int) -> np.ndarray:
        """Decode one frame."""
        return decode(self._files[number], colour=False)
