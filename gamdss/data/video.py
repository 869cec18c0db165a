"""Frames of a video file, decoded by OpenCV one after another."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from gamdss.errors import FrameError


class VideoFrames:
    """Frames of a video, numbered from 1; those asked for in rising order are decoded once.

    How many there are is counted, since a file may say otherwise.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        stream, count = self._open(), 0
        while stream.grab():
            count += 1
        if not count:
            raise self._error("the video has no frame that can be decoded")
        self.numbers = list(range(1, count + 1))
        self._stream, self._at = self._open(), 0

    def image(self, number: int) -> np.ndarray:
        """One frame."""
        if number <= self._at:
            self._stream, self._at = self._open(), 0
        done = True
        while done and self._at < number:
            done = self._stream.grab()
            self._at += 1
        done, image = self._stream.retrieve() if done else (False, None)
        if not done:
            raise self._error(f"frame {number} cannot be decoded")
        return np.asarray(image)

    def _open(self) -> cv2.VideoCapture:
        if not self._file.is_file():
            raise FrameError("there is no such video", file=self._file, remedy="Check the path.")
        stream = cv2.VideoCapture(str(self._file))
        if not stream.isOpened():
            raise self._error("this is no video that can be decoded")
        return stream

    def _error(self, problem: str) -> FrameError:
        return FrameError(
            problem,
            file=self._file,
            remedy="Check that it plays; else convert it, say to .mp4.",
            kind="unreadable video",
        )
