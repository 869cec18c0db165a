"""Find the frames of a clip."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from gamdss.config import FramesConfig
from gamdss.data.file_pattern import frames_named, names_clips
from gamdss.data.folders import (
    PATTERN,
    Folders,
    choose_layout,
    files_by_number,
    listed,
    pattern_layout,
)
from gamdss.data.nearest_frames import moved_to_nearest
from gamdss.data.specs import DatasetSpec
from gamdss.data.specs.spec import FRAME_SUFFIXES, filled
from gamdss.data.video import video_files
from gamdss.errors import DataRootError, FrameError
from gamdss.records import KEYS, Clip, KeyFrames

log = logging.getLogger("gamdss")
_IMAGES = (*FRAME_SUFFIXES, ".tif", ".tiff", ".gif", ".webp")  # that a user may take for frames


@dataclass(frozen=True)
class ClipFrames:
    """A clip and the files of its frames, by frame number in rising order.

    The clip's key frames are all among the files: `clip.annotated.substituted` names those whose
    own frame is missing.
    """

    clip: Clip
    folder: Path
    files: dict[int, Path]


def with_layouts(spec: DatasetSpec, frames: FramesConfig) -> DatasetSpec:
    """The spec with only those layouts that are looked for.

    Raises:
        ConfigError: an unknown layout or an unusable pattern.
    """
    if frames.pattern is not None:
        return replace(spec, layouts={PATTERN: pattern_layout(frames.pattern)})
    if frames.layout is not None:
        return replace(spec, layouts={frames.layout: spec.layout(frames.layout)})
    return spec


class FrameFinder:
    """Finds the folders of clips under a dataset's root, ignoring case and zero padding.

    Args:
        spec: the dataset's spec.
        data_root: the dataset's folder.
        frames: which layout to look for, and what to do if an annotated frame is missing.

    Raises:
        DataRootError: none of the spec's layouts was found.
        ConfigError: an unknown layout or an unusable pattern.
    """

    def __init__(
        self, spec: DatasetSpec, data_root: Path, frames: FramesConfig | None = None
    ) -> None:
        self.spec = spec
        self.frames = frames or FramesConfig()
        layouts = with_layouts(spec, self.frames).layouts
        self._folders = Folders()
        try:
            self.layout_name, self.root = choose_layout(spec, data_root, layouts, self._folders)
        except DataRootError as error:
            video = next(video_files(data_root), None) if PATTERN in layouts else None
            raise (error if video is None else _of_videos(error, data_root, video)) from None
        self.layout = layouts[self.layout_name]
        self._files_in: dict[Path, list[Path]] = {}
        self._listings: dict[tuple[Path, str], dict[int, Path]] = {}
        self._warned = False
        self._named: dict[Path, tuple[str, Clip]] = {}  # by folder: its name in the first row

    def find(self, clip: Clip) -> ClipFrames:
        """The clip's folder and files.

        Raises:
            FrameError: no folder or frame exists, the folder is that of a clip of another name,
                two files have one number, or an annotated frame is missing; names the workbook's
                row.
        """
        folder = self._folder(clip)
        files = self._files(clip, folder)
        missing = [name for name in KEYS if getattr(clip.annotated, name) not in files]
        if missing and clip.alternative and set(clip.alternative.numbers) <= set(files):
            before = "/".join(map(str, clip.annotated.numbers))
            after = "/".join(map(str, clip.alternative.numbers))
            change = f"{before} -> {after}: {clip.alternative.notes[0]}"
            clip = replace(
                clip, annotated=clip.alternative, corrections=(*clip.corrections, change)
            )
        elif missing:
            clip = self._moved(clip, folder, files, missing)
        if self.layout.whole_video:
            keys = clip.annotated
            files = {n: path for n, path in files.items() if keys.onset <= n <= keys.offset}
        return ClipFrames(clip, folder, files)

    def _folder(self, clip: Clip) -> Path:
        wanted = [form.format(**n) for n in self._names(clip) for form in self.layout.folders]
        for relative in wanted:
            folder = self._folders.descend(self.root, relative)
            if folder is not None:
                self._require_one_name(folder, relative, clip)
                return folder
        raise FrameError(
            f"clip {clip.id} ({clip.where}) has no folder",
            file=self.root / wanted[0],
            remedy="Unpack the clip's frames there, or remove the row.",
            kind="missing clip folder",
        )

    def _names(self, clip: Clip) -> list[dict[str, str | int]]:
        """Names for the templates of folders and files, the likelier ones first."""
        if self.layout_name == PATTERN and clip.video:  # whose frames several clips may share
            return [clip.path_names, clip.path_names | {"clip": clip.video}]
        return [clip.path_names]

    def _require_one_name(self, folder: Path, relative: str, clip: Clip) -> None:
        """Refuse a folder that rows name in two ways: in one of them it may mean another clip."""
        known, first = self._named.setdefault(folder, (relative, clip))
        if known != relative:
            raise FrameError(
                f"clips {first.id} ({first.where}) and {clip.id} ({clip.where}) have one folder, "
                f"whose name is taken for {known!r} and {relative!r}",
                file=folder,
                remedy="Unpack the other clip's folder, or, if both rows mean this one, write its "
                "name in both.",
                kind="one folder of two clips",
            )

    def _files(self, clip: Clip, folder: Path) -> dict[int, Path]:
        try:
            files = self._numbered(clip, folder)
        except FrameError as error:
            raise FrameError(
                f"clip {clip.id}: {error.problem}",
                file=folder,
                remedy=error.remedy,
                kind=error.kind,
            ) from error
        if not files:
            raise self._no_frame(clip, folder)
        return files

    def _numbered(self, clip: Clip, folder: Path) -> dict[int, Path]:
        """The folder's frames by number; with a pattern, those that are named as it says."""
        if folder not in self._files_in:
            self._files_in[folder] = listed(folder)
        files, template = self._files_in[folder], self.layout.file
        for names in self._names(clip) if self.frames.pattern is not None else ():
            key = folder, filled(template, **{**names, "frame": 0})
            if key not in self._listings:
                self._listings[key] = frames_named(template, names, files)
            if self._listings[key]:
                return self._listings[key]
        if self.frames.pattern is not None and names_clips(template):
            return {}  # the folder may have frames of other clips
        if (folder, "") not in self._listings:
            self._listings[folder, ""] = files_by_number(files)
        if self.frames.pattern is not None and self._listings[folder, ""]:
            self._warn_of_names(next(iter(self._listings[folder, ""].values())))
        return self._listings[folder, ""]

    def fits_pattern(self, item: ClipFrames) -> bool:
        """Whether the files of a clip are named as `--frames.pattern` says, if it is given."""
        if self.frames.pattern is None:
            return True
        names = self._names(item.clip)
        return any(frames_named(self.layout.file, one, item.files.values()) for one in names)

    def _warn_of_names(self, file: Path) -> None:
        """Say once that files are not named as `--frames.pattern` says."""
        if not self._warned:
            log.warning(
                "%s: no file of the folder is named like %s: frames are taken by the last number "
                "of their names. Check --frames.pattern.",
                *(file, self.layout.file),
            )
        self._warned = True

    def _no_frame(self, clip: Clip, folder: Path) -> FrameError:
        template = self.layout.file
        other = next((p.name for p in listed(folder) if p.suffix.lower() in _IMAGES), None)
        return FrameError(
            f"clip {clip.id} ({clip.where}) has no frame"
            + (f" named like {template}; the folder has {other}" if other else ""),
            file=folder,
            remedy=f"Unpack its frames there, named like {template}. Frames are read from "
            f"{', '.join(FRAME_SUFFIXES)}.",
            kind="clip without frames",
        )

    def _moved(self, clip: Clip, folder: Path, files: dict[int, Path], missing: list[str]) -> Clip:
        """The clip with missing key frames moved to the nearest frames, if the config allows it."""
        name, number = missing[0], getattr(clip.annotated, missing[0])
        problem = f"the annotated {name} frame {number} is missing"
        if not self.layout.whole_video and _renumbered(clip.annotated, files):
            problem += (
                f", as are all frames from {_range(clip.annotated.numbers)}: the files seem to be "
                f"renumbered from {min(files)}"
            )
            remedy = "Give them the workbook's frame numbers, as the owners deliver them."
        elif self.frames.missing == "nearest":
            try:
                return replace(clip, annotated=moved_to_nearest(clip.annotated, files))
            except FrameError as error:
                problem, remedy = error.problem, error.remedy
        else:
            remedy = (
                f"Restore the frame, correct the {name} in the workbook, or pass "
                "--frames.missing nearest to use the nearest frame."
            )
        names = {**clip.path_names, "frame": number}
        raise FrameError(
            f"clip {clip.id} ({clip.where}): {problem}; the folder has {len(files)} frames from "
            f"{_range(files)}",
            file=folder / self.layout.file.format(**names),
            remedy=remedy,
            kind="missing key frame",
        )


def _renumbered(annotated: KeyFrames, files: Collection[int]) -> bool:
    """Whether files are numbered from 0 or 1, and all before the onset or after the offset."""
    lowest, highest = min(files), max(files)
    outside = highest < annotated.onset or lowest > annotated.offset
    return outside and lowest in (0, 1)


def _range(numbers: Collection[int]) -> str:
    return f"{min(numbers)} to {max(numbers)}"


def _of_videos(error: DataRootError, data_root: Path, video: Path) -> DataRootError:
    """The error for a folder of videos in place of frames."""
    return DataRootError(
        f"{error.problem}, but videos, such as {video.relative_to(data_root)}",
        file=data_root,
        remedy=f"Write their frames, as crops of the face: gamdss align --input {data_root} "
        "--output FOLDER\nand give that folder with --data-root. Frames are counted from 1.",
        kind=error.kind,
    )
