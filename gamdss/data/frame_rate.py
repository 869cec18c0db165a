"""The frame rate of a video: the stated one, unless the timestamps of its frames contradict it.

Browsers record .webm files with irregular timestamps and no rate, which OpenCV reads as 1000 frames
per second.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

FPS_RANGE = (1, 2000)
_READ = 1000  # frames whose timestamps are read
_DIFFERENT = 0.25  # share by which the stated rate may differ from the timestamps
# A video that ends this share, and more than so many frames, before its stated end may be cut off;
# headers of intact videos can be a few frames off. Of a video with a wrong rate, or of a container
# that stores only a duration, the time must be short by this share and by so many seconds.
_TRUNCATED, _FRAMES, _SECONDS = 0.05, 5, 0.5
# Containers that store the number of frames. Others state a duration, which may be that of sound,
# and go on where nothing moves and the browser stores no frame.
_COUNTED = (".avi", ".m4v", ".mov", ".mp4")


@dataclass(frozen=True)
class FrameRate:
    """What a video's header and its timestamps say.

    Args:
        stated: frames per second, by the header.
        frames: number of frames, by the header; 0 if unknown.
        measured: frames per second, by the median interval between timestamps; 0 if unknown.
        counted: whether `frames` is stored, and not estimated from the duration.
        read_frames: number of frames whose timestamps were read, all of them if it is below 1000.
        seconds: from the first to the last of these timestamps; 0 if unknown.
    """

    stated: float
    frames: int
    measured: float
    counted: bool = True
    read_frames: int = 0
    seconds: float = 0.0

    @classmethod
    def read(cls, video: cv2.VideoCapture, path: Path) -> FrameRate:
        """The rate of a video that was just opened; frames cannot be decoded from it afterwards."""
        stated = _Stated.of(video)
        video.set(cv2.CAP_PROP_FORMAT, -1)  # packets are read, and not decoded
        return cls._of(stated, path, list(islice(_stamps(video), _READ)))

    @classmethod
    def count(cls, video: cv2.VideoCapture, path: Path) -> tuple[FrameRate, int, float]:
        """As `read`, from all frames, with their number and the time of the last one in seconds."""
        stated, stamps = _Stated.of(video), list(_stamps(video))
        return cls._of(stated, path, stamps[:_READ]), len(stamps), stamps[-1] if stamps else 0.0

    @classmethod
    def _of(cls, stated: _Stated, path: Path, stamps: list[float]) -> FrameRate:
        gaps = np.diff(np.unique(stamps))  # sorted, since packets are not in the order of time
        measured = 1 / float(np.median(gaps)) if gaps.size else 0.0
        measured = measured if usable(measured) else 0.0
        counted = path.suffix.lower() in _COUNTED
        seconds = max(stamps, default=0.0) - min(stamps, default=0.0)
        return cls(stated.fps, stated.frames, measured, counted, len(stamps), seconds)

    @property
    def wrong(self) -> bool:
        """Whether the timestamps contradict the stated rate."""
        return self.measured > 0 and not abs(self.stated / self.measured - 1) <= _DIFFERENT

    @property
    def fps(self) -> float:
        """Frames per second; may be unusable if there are no timestamps."""
        return self.measured if self.wrong else self.stated

    @property
    def expected(self) -> int:
        """The number of frames, by the header; 0 if unknown."""
        return round(self._duration * self.measured) if self.wrong else self.frames

    @property
    def warning(self) -> str:
        """What is wrong with the stated rate, and which one is used; empty if nothing is."""
        if not self.wrong:
            return ""
        return (
            f"the video states {self.stated:.4g} frames per second, but its frames are "
            f"{1000 / self.measured:.3g} ms apart in the median: {self.measured:.4g} frames per "
            "second are used"
        )

    def truncated(self, frames: int, seconds: float) -> str:
        """A warning if a video whose last frame has this number and time ends early; else empty."""
        if self.frames - frames <= max(_FRAMES, _TRUNCATED * self.frames):
            return ""
        end = f"frame {frames} of the {self.frames} that it states"
        if self.wrong or not self.counted:
            if self._duration - seconds <= max(_SECONDS, _TRUNCATED * self._duration):
                return ""
            end = f"{seconds:.1f} of {self._duration:.1f} seconds"
        return f"the video ends after {end}: check that it is complete"

    @property
    def _duration(self) -> float:
        return self.frames / self.stated if self.stated > 0 else 0.0


@dataclass(frozen=True)
class _Stated:
    """Frame rate and number of frames of a video's header."""

    fps: float
    frames: int

    @classmethod
    def of(cls, video: cv2.VideoCapture) -> _Stated:
        frames = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        return cls(video.get(cv2.CAP_PROP_FPS), frames)


def _stamps(video: cv2.VideoCapture) -> Iterator[float]:
    """The time of each frame of a video that was just opened, in seconds."""
    while video.grab():
        yield video.get(cv2.CAP_PROP_POS_MSEC) / 1000


def usable(fps: float) -> bool:
    """Whether a recording can have this frame rate."""
    return FPS_RANGE[0] <= fps <= FPS_RANGE[1]
