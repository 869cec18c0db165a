"""One clip: find its face, and crop every frame by the same transform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gamdss.align.checking import Check, Checker, cut_by
from gamdss.align.detectors import Detector
from gamdss.align.jobs import ClipJob
from gamdss.align.pose import Pose, crop, scale
from gamdss.align.search import find, searched
from gamdss.align.settings import AlignConfig
from gamdss.errors import FrameError
from gamdss.files import unwritable

ALIGNED, RELAXED, LOST, FAILED = "aligned", "relaxed", "lost", "failed"

# Drift of the eyes, relative to the width of the crop, from which on it is a problem.
_DRIFT = 0.1


@dataclass(frozen=True)
class Outcome:
    """The result for a clip.

    Args:
        id: the clip's name.
        status: `aligned`, `relaxed` (not found with the plain settings), `lost` (found, but missing
            from frames that were checked) or `failed`.
        frame: number of the first frame in which the face was found.
        pose: where the face is in the raw frames; None if the clip failed.
        scale: pixels of the crop per pixel of the raw frame.
        settings: name of the attempt that found the face.
        frames: number of crops.
        crop: path of the first crop, relative to the output.
        later: paths of the middle and the last crop.
        seen: share of the checked frames in which the crop shows the face.
        drift: largest distance of an eye from its place in the crop, in pixels of the crop.
        problem: why it failed or is lost; that the video ends early; that the head moves; which
            edges cut the face.
        remedy: what to do if it failed.
    """

    id: str
    status: str
    frame: int = 0
    pose: Pose | None = None
    scale: float = 0.0
    settings: str = ""
    frames: int = 0
    crop: str = ""
    later: tuple[str, ...] = ()
    seen: float | None = None
    drift: float | None = None
    problem: str = ""
    remedy: str = ""


def align_clip(job: ClipJob, folder: Path, detector: Detector, settings: AlignConfig) -> Outcome:
    """Find the face and write the crops to `folder`, named by frame number.

    A clip that cannot be aligned gives a `failed` outcome.

    Raises:
        RunError: the crops cannot be written.
    """
    try:
        return _align(job, folder, detector, settings)
    except FrameError as error:
        where = f"{error.file}: " if error.file else ""
        return Outcome(job.id, FAILED, problem=f"{where}{error.problem}", remedy=error.remedy)


def _align(job: ClipJob, folder: Path, detector: Detector, settings: AlignConfig) -> Outcome:
    frames = job.frames()
    found = find(frames, detector)
    if found is None:
        tried = searched(frames.numbers)
        raise FrameError(
            f"no face in the {len(tried)} frames searched, {tried[0]} to {tried[-1]}",
            file=job.video or job.files[tried[0]],
            remedy="Faces must be frontal and not too small; --detector mtcnn, blazeface or mesh, "
            "or --yunet FILE, finds faces in more poses.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    size = frames.image(frames.numbers[0]).shape
    checker = Checker(frames.numbers, found.pose, found.attempt, detector, settings)
    for number in frames.numbers:
        image = frames.image(number)
        if image.shape != size:
            raise FrameError(
                f"frame {number} has {image.shape[1]} x {image.shape[0]} pixels, but the first one "
                f"has {size[1]} x {size[0]}",
                file=job.video or job.files[number],
                remedy="Give clips whose frames have one size.",
            )
        file = folder / f"{number}{job.target(number).suffix}"
        _write(file, crop(image, found.pose, settings), settings.quality)
        checker.look(number, image)
    check = checker.result()
    doubts = [frames.warning] if frames.warning else []
    return Outcome(
        id=job.id,
        status=LOST if check.lost else RELAXED if found.relaxed else ALIGNED,
        frame=found.frame,
        pose=found.pose,
        scale=round(scale(found.pose, settings), 6),
        settings=found.settings,
        frames=len(frames.numbers),
        seen=check.seen,
        drift=check.drift,
        problem="; ".join([*doubts, *_problems(check, found.pose, size, settings.width)]),
    )


def _problems(check: Check, pose: Pose, size: Sequence[int], width: int) -> Iterator[str]:
    if check.missing:
        numbers = ", ".join(map(str, check.missing))
        yield f"no face in the crops of frames {numbers}; {check.seen:.0%} of those checked show it"
    if check.drift > _DRIFT * width:
        yield f"the head moves: an eye is up to {check.drift:.0f} pixels from its place in the crop"
    edges = cut_by(pose, size)
    if edges:
        yield f"the face is cut by the picture's edge ({', '.join(edges)})"


def _write(file: Path, image: np.ndarray, quality: int) -> None:
    jpeg = file.suffix.lower() in (".jpg", ".jpeg")
    options = (cv2.IMWRITE_JPEG_QUALITY, quality) if jpeg else ()
    try:
        _, data = cv2.imencode(file.suffix, image, options)
    except cv2.error as error:
        raise FrameError(
            f"crops cannot be written as {file.suffix or 'files without suffix'!r}",
            remedy="Convert the frames, for example to .png.",
        ) from error
    try:
        file.write_bytes(data.tobytes())
    except OSError as error:
        raise unwritable(file, error) from error
