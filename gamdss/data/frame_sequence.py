"""The frames of one clip by number, whatever they lie in: a folder of images or a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from gamdss.data.folders import listed, numbered_images
from gamdss.data.frames import decode
from gamdss.data.specs.spec import FRAME_SUFFIXES
from gamdss.data.video import VideoFrames
from gamdss.errors import FrameError


class FrameSequence(Mapping[int, np.ndarray]):
    """Frame number -> image, uint8 BGR (H, W, 3); each is decoded when it is asked for.

    What `gamdss.reselect` takes as `frames`. Nothing is kept: a frame that is asked for twice is
    decoded twice. Frames of a video are best asked for in rising order. It stays open from the
    first frame until `release`, or until the object is gone; each process opens its own, so that
    workers of a `DataLoader` may share the object.

    Args:
        source: a folder of images, or a video that OpenCV decodes.
        first_frame: number of the first frame, from which the others are counted. Where it is
            left out, images have the last number of their name (`reg_img46.jpg` is frame 46),
            and frames of a video are counted from 1.

    Raises:
        FrameError: there is no such folder or file, or no frame in it.
    """

    def __init__(self, source: str | Path, first_frame: int | None = None) -> None:
        self.source = Path(source).expanduser()
        self._video: VideoFrames | None = None
        self._files: dict[int, Path] = {}
        if self.source.is_dir():
            self._files = _images(self.source)
            numbers = list(self._files)
        else:
            self._video = VideoFrames(self.source)
            numbers = self._video.numbers
        if first_frame is not None:
            counted = range(first_frame, first_frame + len(numbers))
        self._names = dict(zip(numbers if first_frame is None else counted, numbers, strict=True))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frame numbers, rising."""
        return tuple(self._names)

    def __getitem__(self, number: int) -> np.ndarray:
        """Decode a frame; KeyError if there is none of that number, FrameError if it is broken."""
        inner = self._names[number]
        if self._video is not None:
            return self._video.image(inner)
        return decode(self._files[inner], colour=False)

    def release(self) -> None:
        """Close the video until a frame is asked for again; of a folder nothing is open."""
        if self._video is not None:
            self._video.release()

    def __contains__(self, number: object) -> bool:
        """Whether there is such a frame; it is not decoded."""
        return number in self._names

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        first, last = self.numbers[0], self.numbers[-1]
        return f"FrameSequence({str(self.source)!r}: {len(self)} frames from {first} to {last})"


def _images(folder: Path) -> dict[int, Path]:
    paths = [path for path in listed(folder) if path.suffix.lower() in FRAME_SUFFIXES]
    images = [path for path in paths if not path.name.startswith(".")]
    if images:
        return numbered_images(images)
    raise FrameError(
        f"there is no image ({', '.join(FRAME_SUFFIXES)}) in the folder",
        file=folder,
        remedy="Name a folder of frames, or a video.",
        kind="clip without frames",
    )
