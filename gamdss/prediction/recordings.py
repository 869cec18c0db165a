"""Recordings below a path, and their frames as a stream in bounded memory."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gamdss.data.decoding import decode
from gamdss.data.folders import folder_images, image_folders, numbered_images
from gamdss.data.frame_rate import FrameRate, usable
from gamdss.data.specs.spec import FRAME_SUFFIXES
from gamdss.data.video import (
    VIDEO_SUFFIXES,
    broken_video,
    open_video,
    unread_media,
    video_files,
)
from gamdss.errors import ConfigError, DataRootError, FrameError
from gamdss.reselection.motion.fit import LEAST_FRAMES

log = logging.getLogger("gamdss")
# Below this, a micro-expression (at most half a second) has fewer than eight frames.
SLOW_FPS = 15
SHORTEST = 0.3  # seconds with a face, below which nothing can be predicted
_LEAST = f"A recording needs at least {LEAST_FRAMES} frames and {SHORTEST:g} seconds"
# Intervals between frames that differ this much from the median are irregular; a share of them
# above the second number is a variable frame rate.
_IRREGULAR, _VARIABLE = 0.25, 0.01


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a recording.

    Args:
        number: as in the image's file name; frames of a video are numbered from 1.
        seconds: time since the first frame.
        image: uint8 BGR (H, W, 3), upright.
    """

    number: int
    seconds: float
    image: np.ndarray


@dataclass(frozen=True)
class Recording:
    """A video, or a folder of frames.

    Args:
        name: its name for the user.
        path: the video file or the folder.
        fps: frames per second of a video, its own rate if None; images per second of a folder.
        by_number: whether `fps` of a folder is that of its frame numbers, of which the images may
            have every second, every third, ...: as in a dataset whose labels are frame numbers.
    """

    name: str
    path: Path
    fps: float | None = None
    by_number: bool = False

    def __post_init__(self) -> None:
        if self.fps is not None and not usable(self.fps):
            raise ConfigError(f"the frame rate is {self.fps}", remedy="It must be 1 to 2000.")


def find_recordings(place: Path, fps: float | None = None, least: int = 2) -> list[Recording]:
    """The recordings at a path: a video, a folder of frames, or a tree of both.

    Warns of single images beside them.

    Args:
        place: the path.
        fps: frames per second; of folders of frames, images per second.
        least: number of images that make a folder a recording; one is a picture.

    Raises:
        DataRootError: there is none.
    """
    if place.is_file():
        return [Recording(place.stem, place, fps)]
    if not place.is_dir():
        raise DataRootError("no such folder or file", file=place, remedy="Check --input.")
    folders = list(image_folders(place))
    recorded = [folder for folder, images in folders if len(images) >= least]
    paths = sorted([*video_files(place), *recorded])
    pictures = [images[0] for _, images in folders if len(images) < least]
    unread = unread_media(place)
    if not paths:
        raise _no_recording(place, pictures, unread)
    if unread:
        log.warning("%s", unread)
    if pictures:
        log.warning(
            "%s and left out: a recording is a video or a folder of frames",
            _single(place, pictures),
        )
    names = [
        place.resolve().name if path == place else path.relative_to(place).as_posix()
        for path in paths
    ]
    return [Recording(name, path, fps) for name, path in zip(names, paths, strict=True)]


def _no_recording(place: Path, pictures: Sequence[Path], unread: str) -> DataRootError:
    """No recording, but perhaps folders with a picture each."""
    problem = (
        f"no video ({', '.join(VIDEO_SUFFIXES)}) or image ({', '.join(FRAME_SUFFIXES)}) in "
        f"this folder or below it{unread and f'; {unread}'}"
    )
    remedy = "Give a video, a folder of frames, or a tree of them."
    if pictures:
        which = _single(place, pictures)
        problem = f"{which}: the frames of a recording are in one folder"
        remedy = f"{remedy} {_LEAST}."
    return DataRootError(problem, file=place, remedy=remedy)


def _single(place: Path, pictures: Sequence[Path]) -> str:
    name, more = pictures[0].relative_to(place).as_posix(), len(pictures) - 1
    return f"{name} and {more} more are single images" if more else f"{name} is a single image"


class FrameStream:
    """The frames of a recording, decoded one after another; none is kept.

    Rotation stored in a video is applied. Times are a video's timestamps unless the recording's
    `fps` is given, and so is its rate if the stated one contradicts them; times of images are
    counted from the first frame number, in the step of most numbers: if images are numbered 33, 66,
    100, ..., one follows another after 1 / `fps` seconds, and a number that is left out counts.

    Attributes:
        expected: number of frames; 0 if unknown.
        fps: frames per second, in the step of the numbers.

    Raises:
        FrameError: the video cannot be decoded, or the frame rate is unknown.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._files: dict[int, Path] = {}
        self._warning = self._end = ""
        self._rate, self._step = FrameRate(0, 0, 0), 1.0
        path = recording.path
        if path.is_dir():
            self._files, self._warning = numbered_images(folder_images(path))
            self._step = number_step(list(self._files))
        else:
            video = open_video(path)
            self._rate = FrameRate.read(video, path)
            video.release()
            self._warning = "" if recording.fps else self._rate.warning
        self.expected = len(self._files) or self._rate.expected
        self.fps = float(recording.fps or self._rate.fps)
        if not usable(self.fps):
            raise FrameError(
                "the frame rate is not stored with the frames"
                if self._files
                else f"the video states a frame rate of {self.fps:g}",
                file=path,
                remedy="Give it in frames per second with --fps.",
                kind="unknown frame rate",
            )
        if recording.by_number:
            self.fps /= self._step
        self._seconds: list[float] = []

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, only: Collection[int] | None = None) -> Iterator[Frame]:
        """Frames with these numbers (all by default), in rising order; others are not decoded.

        Raises:
            FrameError: a frame cannot be decoded or has another size; no frame can be.
        """
        self._seconds, self._end = [], ""
        size: tuple[int, ...] = ()
        for frame in self._decoded(only):
            if size and frame.image.shape != size:
                raise FrameError(
                    f"frame {frame.number} has {frame.image.shape[1]} x {frame.image.shape[0]} "
                    f"pixels, but those before it have {size[1]} x {size[0]}",
                    file=self._files.get(frame.number, self.recording.path),
                    remedy="Give recordings whose frames have one size.",
                    kind="frames of two sizes",
                )
            size = frame.image.shape
            self._seconds.append(frame.seconds)
            yield frame

    def refuse_short(self) -> None:
        """Refuse a recording that is too short for an expression, before it is decoded.

        Raises:
            FrameError: it is.
        """
        count, seconds = self._rate.read_frames, self._rate.seconds
        if self._files:
            count, seconds = len(self._files), self._seconds_at(max(self._files))
        elif self.recording.fps or not seconds:
            seconds = max(count - 1, 0) / self.fps
        if not count or (count >= LEAST_FRAMES and seconds >= SHORTEST):
            return
        problem, remedy = "one frame: a still picture, not a recording", f"{_LEAST}."
        if count > 1:
            problem = f"{count} frames ({seconds:.2g} seconds) are too few to see an expression"
            needed = max(LEAST_FRAMES, math.ceil(round(SHORTEST * self.fps, 6)) + 1)
            remedy = f"{_LEAST}: {needed} frames at {self.fps:.4g} frames per second."
        raise FrameError(problem, file=self.recording.path, remedy=remedy, kind="short")

    @property
    def warnings(self) -> list[str]:
        """Problems of file names, rate and length, from the frames that were read so far."""
        found = [text for text in (self._warning, self._end, self._numbering) if text]
        if self.fps < SLOW_FPS:
            found.append(
                f"{self.fps:.4g} frames per second: a micro-expression has fewer than "
                f"{math.ceil(self.fps / 2)} frames and can be missed"
            )
        gaps = np.diff(self._seconds)
        if gaps.size > 1:
            irregular = np.abs(gaps / max(float(np.median(gaps)), 1e-6) - 1) > _IRREGULAR
            if irregular.mean() > _VARIABLE:
                what = "missing frames" if self._files else "variable frame rate"
                found.append(
                    f"{what}: {gaps.min() * 1000:.0f} to {gaps.max() * 1000:.0f} ms between "
                    f"frames, {np.median(gaps) * 1000:.0f} ms in the median"
                )
        return found

    @property
    def _numbering(self) -> str:
        """A warning if the numbers of most images are not consecutive; else empty."""
        if self._step == 1:
            return ""
        first, last = min(self._files), max(self._files)
        said = (
            f"the {len(self._files)} images are numbered from {first} to {last} in steps of "
            f"{self._step:.3g}"
        )
        lasts = f"{self.fps:.4g} images per second, so that they last "
        lasts += f"{self._seconds_at(last):.3g} seconds"
        if self.recording.by_number:
            return f"{said}: they are taken as {lasts}; check that no frames are missing"
        other, given = self.fps / self._step, f"{self.fps:.4g} is the rate of the numbers"
        remedy = f". If {given}, pass --fps {other:.4g}" if usable(other) else ""
        return f"{said}: they are taken as {lasts}{remedy}"

    def _seconds_at(self, number: int) -> float:
        """When the image with a number was taken, in seconds after the first one."""
        return (number - min(self._files)) / (self._step * self.fps)

    def _decoded(self, only: Collection[int] | None) -> Iterator[Frame]:
        if not self._files:
            yield from self._video_frames(only)
            return
        for number, file in self._files.items():
            if only is None or number in only:
                yield Frame(number, self._seconds_at(number), decode(file, colour=False))

    def _video_frames(self, only: Collection[int] | None) -> Iterator[Frame]:
        last = math.inf if only is None else max(only, default=0)
        video, number, stamp, start, before = open_video(self.recording.path), 0, 0.0, 0.0, -1.0
        try:
            while number < last and video.grab():
                number += 1
                stamp = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                start = stamp if number == 1 else start
                seconds = stamp - start
                if self.recording.fps is not None or (number > 1 and seconds <= before):
                    seconds = max((number - 1) / self.fps, before + 1e-4)
                before = seconds
                if only is not None and number not in only:
                    continue
                done, image = video.retrieve()
                if not done:
                    raise broken_video(self.recording.path, f"frame {number} cannot be decoded")
                yield Frame(number, seconds, np.asarray(image))
        finally:
            video.release()
        if not number < last:
            return
        if not number:
            raise broken_video(self.recording.path, "the video has no frame that can be decoded")
        self._end = self._rate.truncated(number, stamp)


def number_step(numbers: Sequence[int]) -> float:
    """The step from one image's number to the next, from numbers in rising order.

    It is 1 unless most numbers are left out. Names that are milliseconds step by 33 and 34: then it
    is the mean of the usual steps.
    """
    gaps = np.diff(numbers)
    middle = float(np.median(gaps)) if gaps.size else 1.0
    if middle < 2:
        return 1.0
    return float(gaps[np.abs(gaps / middle - 1) <= _IRREGULAR].mean())
