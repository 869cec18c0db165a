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
from gamdss.errors import FrameError

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")


def video_files(folder: Path) -> Iterator[Path]:
    """The videos in a folder and below it, sorted; hidden ones are skipped.

    Raises:
        FrameError: a folder cannot be read.
    """
    videos = (path for _, files in walk(folder) for path in files)
    yield from sorted(path for path in videos if path.suffix.lower() in VIDEO_SUFFIXES)


class VideoFrames:
    """Frames of a video, numbered from 1; read in ascending order, each is decoded once.

    The frames are counted, because the number in the file's header may be wrong. The file is opened
    on first access and stays open until `release`; each process opens its own, so that workers of
    a `DataLoader` may share the object, forked or pickled.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stream: cv2.VideoCapture | None = None
        self._at, self._process = 0, 0
        stream, count = self._open(), 0
        while stream.grab():
            count += 1
        stream.release()
        if not count:
            raise self._error("the video has no frame that can be decoded")
        self.numbers = list(range(1, count + 1))

    def image(self, number: int) -> np.ndarray:
        """Decode one frame."""
        stream = self._stream
        if stream is None or number <= self._at or self._process != os.getpid():
            self.release()
            stream = self._stream = self._open()
            self._at, self._process = 0, os.getpid()
        done = True
        while done and self._at < number:
            done = stream.grab()
            self._at += 1
        done, image = stream.retrieve() if done else (False, None)
        if not done:
            raise self._error(f"frame {number} cannot be decoded")
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

    def _open(self) -> cv2.VideoCapture:
        if not self._file.is_file():
            raise FrameError("the video does not exist", file=self._file, remedy="Check the path.")
        stream = cv2.VideoCapture(str(self._file))
        if not stream.isOpened():
            raise self._error("the file is not a video that can be decoded")
        return stream

    def _error(self, problem: str) -> FrameError:
        return FrameError(
            problem,
            file=self._file,
            remedy="Check that it plays, or convert it, for example to .mp4.",
            kind="unreadable video",
        )
