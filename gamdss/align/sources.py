"""Clips for `gamdss align`: from a folder, a tree of folders, a video, or a dataset's release."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gamdss.align.clip import FAILED, Outcome
from gamdss.align.jobs import ClipJob
from gamdss.config import FramesConfig
from gamdss.data.annotations import scan_annotations
from gamdss.data.folders import image_folders, numbered_images
from gamdss.data.frames import FrameFinder, with_layouts
from gamdss.data.specs import get_spec
from gamdss.data.specs.spec import FRAME_SUFFIXES
from gamdss.data.video import VIDEO_SUFFIXES, unread_media, video_files
from gamdss.data.workbook import find_workbook, workbook_files
from gamdss.errors import ConfigError, DataRootError, FrameError
from gamdss.files import write_atomic


@dataclass(frozen=True)
class ClipSource:
    """The clips to align.

    Args:
        place: the folder or file that the user named.
        jobs: its clips.
        lost: clips whose raw frames were not found.
        order: names of all clips, including lost ones, in the order of the workbook.
        notes: messages for the user.
        workbooks: files of the dataset's table of clips; none if its folders are the table.
        known: training finds them by their names, without `--annotations`.
        options: options of the command that trains on the crops.
    """

    place: Path
    jobs: Sequence[ClipJob]
    lost: Sequence[Outcome] = ()
    order: Sequence[str] = ()
    notes: Sequence[str] = ()
    workbooks: Sequence[Path] = ()
    known: bool = False
    options: str = ""

    def in_order(self, done: Sequence[Outcome]) -> list[Outcome]:
        """All outcomes, in the order of the workbook if there is one."""
        places = {name: i for i, name in enumerate(self.order)}
        return sorted([*done, *self.lost], key=lambda outcome: places.get(outcome.id, 0))

    def finish(self, output: Path) -> str:
        """Copy the workbooks to the crops; returns the command that trains on them."""
        if not self.options:
            return ""
        named = ""
        for book in self.workbooks:
            copy = output / _within(book, self.place)
            if copy.resolve() != book.resolve():
                write_atomic(copy, partial(shutil.copyfile, book))
            named = "" if self.known else f" --annotations {copy}"
        return f"train   gamdss train {self.options} --data-root {output}{named}"


def input_jobs(place: Path, output: Path) -> ClipSource:
    """The clips of a video, a folder of frames, or a tree of both; crops keep their names.

    A video in a tree becomes a folder of crops with its name, and with its suffix if another video
    or a folder of frames has that name.

    Raises:
        DataRootError: there is no frame.
        ConfigError: `output` is inside `place`.
    """
    if output.resolve().is_relative_to(place.resolve()):
        raise ConfigError(
            f"--output {output} is inside --input {place}",
            remedy="Choose a folder outside, to keep crops and raw frames apart.",
        )
    if place.is_file():
        return ClipSource(place, [ClipJob(place.stem, video=place)])
    if not place.is_dir():
        raise DataRootError("no such folder or file", file=place, remedy="Check --input.")
    jobs, notes = [], []
    for folder, images in image_folders(place):
        name = place.resolve().name if folder == place else folder.relative_to(place).as_posix()
        files, warning = numbered_images(images)
        notes += [f"warning: {name}: {warning}"] if warning else []
        targets = {number: file.relative_to(place) for number, file in files.items()}
        jobs.append(ClipJob(name, targets, files))
    videos = {video: video.relative_to(place) for video in video_files(place)}
    names = [Path(job.id) for job in jobs] + [path.with_suffix("") for path in videos.values()]
    count = Counter(map(_caseless, names))  # not every file system distinguishes cases
    for video, path in videos.items():
        folder = path.with_suffix("")
        folder = folder if count[_caseless(folder)] == 1 else path
        jobs.append(ClipJob(folder.as_posix(), video=video, folder=folder))
    unread = unread_media(place)
    notes += [f"warning: {unread}"] if unread else []
    if not jobs:
        raise DataRootError(
            f"no image ({', '.join(FRAME_SUFFIXES)}) and no video ({', '.join(VIDEO_SUFFIXES)}) in "
            f"this folder or below it{unread and f'; {unread}'}",
            file=place,
            remedy="Give a video, a folder of frames, or a tree of them with --input.",
        )
    return ClipSource(place, jobs, notes=notes)


def _caseless(name: Path) -> str:
    return name.as_posix().casefold()


def dataset_jobs(
    name: str, root: str, annotations: str | None, layout: str | None, pattern: str | None
) -> ClipSource:
    """The clips of a dataset's workbook; crops go to the first layout of its spec.

    Raises:
        ConfigError, DataRootError, AnnotationError: the dataset cannot be read.
    """
    spec = get_spec(name, annotations, root)
    place = Path(root).expanduser()
    book = find_workbook(
        spec, place, None if annotations is None else Path(annotations).expanduser()
    )
    if layout is None and pattern is None and "raw" in spec.layouts:
        layout = "raw"
    frames = FramesConfig(layout=layout, pattern=pattern, missing="nearest")
    scan = scan_annotations(with_layouts(spec, frames), book)
    finder = FrameFinder(spec, place, frames)
    crops = next(iter(spec.layouts.values()))
    jobs, lost = [], []
    for clip in scan.clips:
        try:
            files = finder.find(clip).files
        except FrameError as error:
            problem = f"{error.file}: {error.problem}"
            lost.append(Outcome(clip.id, FAILED, problem=problem, remedy=error.remedy))
            continue
        folder = Path(crops.native.format(**clip.path_names))
        targets = {n: folder / crops.file.format(frame=n, **clip.path_names) for n in files}
        jobs.append(ClipJob(clip.id, targets, files))
    joined = _joined(jobs)
    notes = []
    if scan.faults:
        rows = ", ".join(str(fault.row) for fault in scan.faults[:10])
        notes.append(
            f"{len(scan.faults)} fault(s) in the workbook, in rows {rows}: these clips are left "
            "out; run gamdss check for details"
        )
    order = _order((clip.id for clip in scan.clips), joined)
    jobs = list({job.id: job for job in joined.values()}.values())
    books = workbook_files(spec, book)
    forms = {form.lower() for form in spec.workbooks}
    known = all(_within(file, place).as_posix().lower() in forms for file in books)
    return ClipSource(place, jobs, lost, order, notes, books, known, f"--dataset {name}")


def _within(file: Path, folder: Path) -> Path:
    """A file's path below a folder; its name alone if it is elsewhere."""
    return file.relative_to(folder) if file.is_relative_to(folder) else Path(file.name)


def _order(clips: Iterable[str], joined: Mapping[str, ClipJob]) -> list[str]:
    """Names of outcomes: of the job of each clip, in the place of its first one, else its own."""
    return list(dict.fromkeys(joined[clip].id if clip in joined else clip for clip in clips))


def _joined(jobs: Iterable[ClipJob]) -> dict[str, ClipJob]:
    """The job of each clip; those that share frames have one, with one pose for their crops."""
    found: dict[str, ClipJob] = {}
    members: dict[str, list[str]] = {}  # clips by the name of their job
    owners: dict[tuple[Path, Path], str] = {}  # by source and target of a frame
    for job in jobs:
        frames = [(file, job.targets[number]) for number, file in job.files.items()]
        shared = dict.fromkeys(owners[pair] for pair in frames if pair in owners)
        parts = [*(found.pop(name) for name in shared), job]
        name = " and ".join(part.id for part in parts)
        members[name] = [clip for part in parts for clip in members.pop(part.id, [part.id])]
        targets = {n: target for part in parts for n, target in part.targets.items()}
        files = {n: file for part in parts for n, file in part.files.items()}
        found[name] = ClipJob(name, targets, dict(sorted(files.items())))
        owners |= {(file, targets[number]): name for number, file in files.items()}
    return {clip: job for name, job in found.items() for clip in members[name]}
