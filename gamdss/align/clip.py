"""One clip: its face is found, every frame is cropped by the same transform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gamdss.align.faces import Detector
from gamdss.align.jobs import ClipJob, open_frames
from gamdss.align.pose import Pose, crop, scale
from gamdss.align.search import find, looked_at
from gamdss.align.settings import AlignConfig
from gamdss.errors import FrameError
from gamdss.files import unwritable

ALIGNED, RELAXED, FAILED = "aligned", "relaxed", "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of a clip.

    Args:
        id: the clip's name.
        status: `aligned`, `relaxed` (with more than the plain settings) or `failed`.
        frame: number of the first frame in which the face was found.
        pose: where the face lies in the raw frames.
        scale: pixels of the crop for each pixel of the raw frame.
        settings: the attempt that found the face.
        frames: how many crops there are.
        crop: the first crop, relative to the output.
        problem: why it failed.
    """

    id: str
    status: str
    frame: int = 0
    pose: Pose | None = None
    scale: float = 0.0
    settings: str = ""
    frames: int = 0
    crop: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Task:
    """A job as a worker gets it, without what cannot travel between processes.

    Crops are written to `folder` as the frame's number and a suffix: `suffixes` by frame, else
    `suffix`.
    """

    id: str
    files: Mapping[int, Path]
    video: Path | None
    folder: Path
    suffixes: Mapping[int, str]
    suffix: str

    @staticmethod
    def of(job: ClipJob, folder: Path) -> Task:
        """The task of a job, whose crops are to be written to `folder`."""
        suffixes = {number: job.targets(number).suffix for number in job.files}
        return Task(job.id, job.files, job.video, folder, suffixes, job.targets(1).suffix)

    def crop_file(self, number: int) -> Path:
        """Where the crop of a frame is written."""
        return self.folder / f"{number}{self.suffixes.get(number, self.suffix)}"


def align_clip(task: Task, detector: Detector, settings: AlignConfig) -> Outcome:
    """Find the face and write the crops; a clip that cannot be aligned is an outcome too.

    Raises:
        RunError: the crops cannot be written.
    """
    try:
        return _align(task, detector, settings)
    except FrameError as error:
        where = f"{error.file}: " if error.file else ""
        return Outcome(task.id, FAILED, problem=f"{where}{error.problem}")


def _align(task: Task, detector: Detector, settings: AlignConfig) -> Outcome:
    frames = open_frames(task.files, task.video)
    found = find(frames, detector)
    if found is None:
        tried = looked_at(frames.numbers)
        first = task.video or task.files[tried[0]]
        problem = f"no face in the {len(tried)} frames looked at, {tried[0]} to {tried[-1]}"
        return Outcome(task.id, FAILED, problem=f"{first}: {problem}")
    task.folder.mkdir(parents=True, exist_ok=True)
    size = frames.image(frames.numbers[0]).shape
    for number in frames.numbers:
        image = frames.image(number)
        if image.shape != size:
            raise FrameError(
                f"frame {number} has {image.shape[1]} x {image.shape[0]} pixels, the first one "
                f"{size[1]} x {size[0]}",
                file=task.video or task.files[number],
            )
        _write(task.crop_file(number), crop(image, found.pose, settings), settings.quality)
    return Outcome(
        id=task.id,
        status=RELAXED if found.relaxed else ALIGNED,
        frame=found.frame,
        pose=found.pose,
        scale=round(scale(found.pose, settings), 6),
        settings=found.settings,
        frames=len(frames.numbers),
    )


def _write(file: Path, image: np.ndarray, quality: int) -> None:
    jpeg = file.suffix.lower() in (".jpg", ".jpeg")
    try:
        _, data = cv2.imencode(
            file.suffix, image, (cv2.IMWRITE_JPEG_QUALITY, quality) if jpeg else ()
        )
    except cv2.error as error:
        raise FrameError(
            f"crops cannot be written as {file.suffix or 'files without suffix'!r}"
        ) from error
    try:
        file.write_bytes(data.tobytes())
    except OSError as error:
        raise unwritable(file, error) from error
