"""Frames of a video file, decoded sequentially by OpenCV."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gamdss.data.folders import walk
from gamdss.data.frame_rate import FrameRate
from gamdss.errors import FrameError, some

VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"),
    *(".mts", ".m2ts", ".3gp", ".flv", ".ogv"),
)
_UNREAD = (".gif", ".tif", ".tiff", ".webp", ".heic", ".vob", ".asf", ".rmvb")


def video_files(folder: Path) -> Iterator[Path]:
    """The videos in a folder and below it, sorted; hidden ones are skipped.

    Raises:
        FrameError: a folder cannot be read.
    """
    videos = (path for _, files in walk(folder) for path in files)
    yield from sorted(path for path in videos if path.suffix.lower() in VIDEO_SUFFIXES)


def unread_media(folder: Path) -> str:
    """A warning about images and videos in a folder and below it that are not read; or ""."""
    found = sorted(p for _, files in walk(folder) for p in files if p.suffix.lower() in _UNREAD)
    if not found:
        return ""
    names = some([path.relative_to(folder).as_posix() for path in found], 3)
    return f"files of other types are left out: {names}; convert them to .mp4 or .png"


def open_video(file: Path) -> cv2.VideoCapture:
    """A video, opened before its first frame.

    Raises:
        FrameError: there is none, or it cannot be decoded.
    """
    if not file.is_file():
        raise FrameError("the video does not exist", file=file, remedy="Check the path.")
    stream = cv2.VideoCapture(str(file))
    if not stream.isOpened():
        raise broken_video(file, "not a video that can be decoded")
    return stream


def broken_video(file: Path, problem: str) -> FrameError:
    """The error for a video that cannot be decoded."""
    return FrameError(
        problem,
        file=file,
        remedy="Check that it plays to its end; if so, convert it, for example to .mp4.",
        kind="unreadable video",
    )


class VideoFrames:
    """Frames of a video, numbered from 1; read in ascending order, each is decoded once.

    The frames are counted, because the number in the file's header may be wrong. The file is opened
    on first access and stays open until `release`; each process opens its own, so that workers of
    a `DataLoader` may share the object, forked or pickled.

    Attributes:
        numbers: of the frames.
        warning: that the video ends before the number of frames or the duration that it states;
            else empty.

    Raises:
        FrameError: the video does not exist, or no frame of it can be decoded.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: cv2.VideoCapture | None = None
        self._at, self._process = 0, 0
        stream = open_video(file)
        rate, count, last = FrameRate.count(stream, file)
        stream.release()
        if not count:
            raise broken_video(file, "the video has no frame that can be decoded")
        self.warning = rate.truncated(count, last)
        self.numbers = list(range(1, count + 1))

    def image(self, number: int) -> np.ndarray:
        """Decode one frame."""
        stream = self._stream
        if stream is None or number <= self._at or self._process != os.getpid():
            self.release()
            stream = self._stream = open_video(self._file)
            self._at, self._process = 0, os.getpid()
        done = True
        while done and self._at < number:
            done = stream.grab()
            self._at += 1
        done, image = stream.retrieve() if done else (False, None)
        if not done:
            raise broken_video(self._file, f"frame {number} cannot be decoded")
        return np.asarray(image)

    def release(self) -> None:
        """Close the file; the next access opens it again."""
        if self._stream is not None and self._process == os.getpid():
            self._stream.release()
        elif self._stream is not None:
            # Inherited by fork. Decoding would move the parent's file position; closing would wait
            # for decoder threads that exist only in the parent. So it is never destroyed, not even
            # when this process ends.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._stream))
        self._stream = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_stream": None}
