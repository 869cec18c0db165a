"""Clips for `gamdss align`: a folder, a tree of folders, a video, or a dataset's raw release."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.align import ClipJob, Outcome
from gamdss.align.clip import FAILED
from gamdss.config import FramesConfig
from gamdss.data.annotations import scan_annotations
from gamdss.data.folders import image_folders, numbered_images
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.specs.spec import FRAME_SUFFIXES
from gamdss.data.workbook import find_workbook
from gamdss.errors import ConfigError, DataRootError, FrameError
from gamdss.files import write_atomic
from gamdss.records import Clip


@dataclass(frozen=True)
class Source:
    """What is to be aligned.

    Args:
        place: the folder or file that the user named.
        jobs: its clips.
        lost: clips whose raw frames cannot be found.
        order: names of all clips, where some are lost.
        notes: what the user should know.
        workbook: the dataset's table.
        known: it has a name by which it is found without being named.
        options: of the command that trains on the crops.
    """

    place: Path
    jobs: Sequence[ClipJob]
    lost: Sequence[Outcome] = ()
    order: Sequence[str] = ()
    notes: Sequence[str] = ()
    workbook: Path | None = None
    known: bool = False
    options: str = ""

    def in_order(self, done: Sequence[Outcome]) -> list[Outcome]:
        """All outcomes in the order of the workbook, or as they are."""
        places = {name: i for i, name in enumerate(self.order)}
        return sorted([*done, *self.lost], key=lambda outcome: places.get(outcome.id, 0))

    def finish(self, output: Path) -> str:
        """Copy the workbook to the crops, and give the command that trains on them."""
        book = self.workbook
        if book is None:
            return ""
        copy = output / _within(book, self.place)
        if copy.resolve() != book.resolve():
            write_atomic(copy, lambda target: shutil.copyfile(book, target))
        named = "" if self.known else f" --annotations {copy}"
        return f"train   gamdss train {self.options} --data-root {output}{named}"


@dataclass(frozen=True)
class Keep:
    """Targets of files that keep their folder and name."""

    folder: Path
    names: dict[int, str]

    def __call__(self, number: int) -> Path:
        """Where the crop of a frame goes."""
        return self.folder / self.names.get(number, "")


@dataclass(frozen=True)
class Native:
    """Targets in the spec's first layout."""

    spec: DatasetSpec
    clip: Clip

    def __call__(self, number: int) -> Path:
        """Where the crop of a frame goes."""
        layout = next(iter(self.spec.layouts.values()))
        folder = layout.native.format(**self.clip.path_names)
        return Path(folder) / layout.file.format(frame=number, **self.clip.path_names)


def video_target(number: int) -> Path:
    """Where the crop of a video's frame goes."""
    return Path(f"frame_{number:05d}.jpg")


def input_jobs(place: Path, output: Path) -> Source:
    """The clips under a path of the user's.

    Raises:
        DataRootError: nothing is there.
        ConfigError: the crops would lie among the raw frames.
    """
    if output.resolve().is_relative_to(place.resolve()):
        raise ConfigError(
            f"--output {output} lies within --input {place}",
            remedy="Choose a folder outside, so that crops and raw frames stay apart.",
        )
    if place.is_file():
        return Source(place, [ClipJob(place.stem, video_target, video=place)])
    if not place.is_dir():
        raise DataRootError("there is no such folder or file", file=place, remedy="Check --input.")
    jobs = []
    for folder, images in image_folders(place):
        relative = folder.relative_to(place)
        name = place.resolve().name if folder == place else relative.as_posix()
        files = numbered_images(images)
        names = {number: file.name for number, file in files.items()}
        jobs.append(ClipJob(name, Keep(relative, names), files))
    if not jobs:
        raise DataRootError(
            f"there is no image ({', '.join(FRAME_SUFFIXES)}) in the folder or below it",
            file=place,
            remedy="Give a folder of frames, a tree of such folders, or a video with --input.",
        )
    return Source(place, jobs)


def dataset_jobs(
    name: str, root: str, annotations: str | None, layout: str | None, pattern: str | None
) -> Source:
    """The clips of a dataset's workbook, with targets in the first layout of its spec.

    Raises:
        ConfigError, DataRootError, AnnotationError: the dataset cannot be read.
    """
    spec = get_spec(name, annotations)
    place = Path(root).expanduser()
    book = find_workbook(
        spec, place, None if annotations is None else Path(annotations).expanduser()
    )
    scan = scan_annotations(spec, book)
    if layout is None and pattern is None and "raw" in spec.layouts:
        layout = "raw"
    finder = FrameFinder(
        spec, place, FramesConfig(layout=layout, pattern=pattern, missing="nearest")
    )
    jobs, lost = [], []
    for clip in scan.clips:
        try:
            files = finder.find(clip).files
        except FrameError as error:
            lost.append(Outcome(clip.id, FAILED, problem=f"{error.file}: {error.problem}"))
        else:
            jobs.append(ClipJob(clip.id, Native(spec, clip), files))
    notes = []
    if scan.faults:
        rows = ", ".join(str(fault.row) for fault in scan.faults[:10])
        notes.append(
            f"{len(scan.faults)} fault(s) of the workbook, in rows {rows}: these clips are left "
            f"out; gamdss check says what is wrong"
        )
    order = [clip.id for clip in scan.clips]
    known = _within(book, place).as_posix().lower() in {form.lower() for form in spec.workbooks}
    return Source(place, jobs, lost, order, notes, book, known, f"--dataset {name}")


def _within(file: Path, folder: Path) -> Path:
    """A file's path below a folder; its name alone if it lies elsewhere."""
    return file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)
