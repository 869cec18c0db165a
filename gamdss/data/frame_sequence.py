"""The frames of one clip by number, from a folder of images or a video."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from numbers import Integral
from pathlib import Path

import numpy as np

from gamdss.data.decoding import decode
from gamdss.data.folders import folder_images, numbered_images
from gamdss.data.video import VideoFrames
from gamdss.errors import FrameError

log = logging.getLogger("gamdss")


class FrameSequence(Mapping[int, np.ndarray]):
    """Mapping from frame number to image, uint8 BGR (H, W, 3), decoded on access.

    Pass it to `gamdss.reselect` as `frames`. Frames are not cached: each access decodes again.
    Read the frames of a video in ascending order. A video stays open from the first access until
    `release` or the end of the object; each process opens its own, so that workers of a
    `DataLoader` may share the object.

    Args:
        source: a folder of images, or a video that OpenCV decodes.
        first_frame: number of the first frame, from which the others are counted. By default,
            images have the last number of their name (`reg_img46.jpg` is frame 46), and frames of
            a video are counted from 1. Images whose numbers are not unique are counted from 1 in
            the order of their names, with a warning.

    Attributes:
        source: the folder or the video.
        warning: what is doubtful about the names of the images, or that the video ends before the
            number of frames or the duration that it states; also logged; empty if all is well.

    Raises:
        FrameError: the folder or file does not exist, or contains no frame.
    """

    def __init__(self, source: str | Path, first_frame: int | None = None) -> None:
        self.source = Path(source).expanduser()
        self._video: VideoFrames | None = None
        self._files: dict[int, Path] = {}
        if self.source.is_dir():
            self._files, self.warning = numbered_images(folder_images(self.source))
            numbers = list(self._files)
        else:
            self._video = VideoFrames(self.source)
            numbers, self.warning = self._video.numbers, self._video.warning
        if self.warning:
            log.warning("%s: %s", self.source, self.warning)
        if first_frame is not None:
            if not isinstance(first_frame, Integral):
                raise FrameError(
                    f"first_frame is {first_frame!r}", remedy="Give a frame number as an integer."
                )
            counted = range(first_frame, first_frame + len(numbers))
        self._names = dict(zip(numbers if first_frame is None else counted, numbers, strict=True))

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frame numbers, ascending."""
        return tuple(self._names)

    def __getitem__(self, number: int) -> np.ndarray:
        """Decode a frame; KeyError if there is no such frame, FrameError if it is broken."""
        inner = self._names[number]
        if self._video is not None:
            return self._video.image(inner)
        return decode(self._files[inner], colour=False)

    def release(self) -> None:
        """Close the video; the next access opens it again. Does nothing for a folder."""
        if self._video is not None:
            self._video.release()

    def __contains__(self, number: object) -> bool:
        """Whether there is such a frame, without decoding it."""
        return number in self._names

    def __iter__(self) -> Iterator[int]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        first, last = self.numbers[0], self.numbers[-1]
        return f"FrameSequence({str(self.source)!r}: {len(self)} frames from {first} to {last})"
