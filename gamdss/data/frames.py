"""Find the frames of a clip, and decode them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from gamdss.config import FramesConfig
from gamdss.data.folders import (
    PATTERN,
    Folders,
    choose_layout,
    frame_number,
    listed,
    pattern_layout,
)
from gamdss.data.image_file import ImageHeader, jpeg_damage, read_header, upright
from gamdss.data.specs import DatasetSpec
from gamdss.data.video import video_files
from gamdss.errors import DataRootError, FrameError
from gamdss.files import read_regular
from gamdss.records import KEYS, Clip

log = logging.getLogger("gamdss")
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_TAIL = 4096
MOST_BYTES = 1 << 29
_MOST_PIXELS = 100_000_000
_TWELVE_BITS = 1 << 12
_BLACK = 2  # of 255
_NOTED: set[tuple[Path, str]] = set()  # what was logged of which folder


@dataclass(frozen=True)
class ClipFrames:
    """A clip and the files of its frames, by frame number in rising order.

    The clip's key frames are all among the files: `clip.annotated.substituted` names those whose
    own frame is missing.
    """

    clip: Clip
    folder: Path
    files: dict[int, Path]


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
        layouts = dict(spec.layouts)
        if self.frames.pattern is not None:
            layouts = {PATTERN: pattern_layout(self.frames.pattern)}
        elif self.frames.layout is not None:
            layouts = {self.frames.layout: spec.layout(self.frames.layout)}
        self._folders = Folders()
        try:
            self.layout_name, self.root = choose_layout(spec, data_root, layouts, self._folders)
        except DataRootError as error:
            video = next(video_files(data_root), None) if PATTERN in layouts else None
            raise (error if video is None else _of_videos(error, data_root, video)) from None
        self.layout = layouts[self.layout_name]
        self._listings: dict[Path, list[tuple[int, Path]]] = {}

    def find(self, clip: Clip) -> ClipFrames:
        """The clip's folder and files.

        Raises:
            FrameError: no folder or frame exists, two files have one number, or an annotated
                frame is missing; names the workbook's row.
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
        names = [clip.path_names]
        if self.layout_name == PATTERN and clip.video:  # whose frames several clips may share
            names.append(clip.path_names | {"clip": clip.video})
        wanted = [form.format(**n) for n in names for form in self.layout.folders]
        for relative in wanted:
            folder = self._folders.descend(self.root, relative)
            if folder is not None:
                return folder
        raise FrameError(
            f"clip {clip.id} ({clip.where}) has no folder",
            file=self.root / wanted[0],
            remedy="Unpack the clip's frames there, or remove the row.",
            kind="missing clip folder",
        )

    def _files(self, clip: Clip, folder: Path) -> dict[int, Path]:
        if folder not in self._listings:
            pairs = ((frame_number(path), path) for path in listed(folder))
            self._listings[folder] = [(n, path) for n, path in pairs if n is not None]
        files: dict[int, Path] = {}
        for number, path in self._listings[folder]:
            if number in files:
                raise FrameError(
                    f"clip {clip.id}: {files[number].name} and {path.name} are both frame {number}",
                    file=folder,
                    remedy="Remove one of them.",
                    kind="two files of one frame",
                )
            files[number] = path
        if not files:
            raise FrameError(
                f"clip {clip.id} ({clip.where}) has no frame",
                file=folder,
                remedy=f"Unpack its frames there, named like {self.layout.file}.",
                kind="clip without frames",
            )
        return dict(sorted(files.items()))

    def _moved(self, clip: Clip, folder: Path, files: dict[int, Path], missing: list[str]) -> Clip:
        """The clip with missing key frames moved to the nearest frames, if the config allows it."""
        numbers = {name: getattr(clip.annotated, name) for name in KEYS}
        notes = []
        if self.frames.missing == "nearest":
            for name in missing:
                wanted = numbers[name]
                distances = {number: abs(number - wanted) for number in files}
                numbers[name] = min(distances, key=distances.__getitem__)
                notes.append(f"annotated {name} frame {wanted} missing: {numbers[name]} taken")
        onset, apex, offset = numbers.values()
        if notes and onset <= apex <= offset and onset < offset:
            moved = replace(
                clip.annotated,
                onset=onset,
                apex=apex,
                offset=offset,
                notes=(*clip.annotated.notes, *notes),
                substituted=tuple(missing),
            )
            return replace(clip, annotated=moved)
        name, number = missing[0], getattr(clip.annotated, missing[0])
        low, high = min(files), max(files)
        names = {**clip.path_names, "frame": number}
        raise FrameError(
            f"clip {clip.id} ({clip.where}): the annotated {name} frame "
            f"{number} is missing; the folder has {len(files)} frames from {low} to {high}",
            file=folder / self.layout.file.format(**names),
            remedy=f"Restore the frame, correct the {name} in the workbook, or pass "
            "--frames.missing nearest to use the nearest frame.",
            kind="missing key frame",
        )


def _of_videos(error: DataRootError, data_root: Path, video: Path) -> DataRootError:
    """The error for a folder of videos in place of frames."""
    return DataRootError(
        f"{error.problem}, but videos, such as {video.relative_to(data_root)}",
        file=data_root,
        remedy=f"Write their frames, as crops of the face: gamdss align --input {data_root} "
        "--output FOLDER\nand give that folder with --data-root. Frames are counted from 1.",
        kind=error.kind,
    )


def decode(
    path: Path, colour: bool, accept_grey: bool = False, notes: list[str] | None = None
) -> np.ndarray:
    """A frame as uint8 BGR (H, W, 3), upright as EXIF says; a grey frame is repeated in all three.

    Args:
        path: the image file.
        colour: whether the dataset's frames are in colour.
        accept_grey: accept a grey frame where colour is expected.
        notes: gets what is doubtful about a frame that is used, and each JPEG is decoded twice to
            find any damage; by default doubts are logged, once a folder.

    Raises:
        FrameError: the file cannot be read, is empty, damaged, too large or not an image, or is
            grey where colour is expected.
    """
    data, header = _read(path)
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        image = None
    if image is None:
        raise _broken(path, "the file is not an image that can be decoded")
    if data.startswith(_JPEG) and (
        damage := jpeg_damage(data, header, image, every=notes is not None)
    ):
        raise _broken(path, f"the JPEG is damaged ({damage})", kind="damaged frame")
    doubts = ["it is animated; its first picture is used"] if header.animated else []
    if image.dtype == np.uint16:
        if 0 < image.max() < _TWELVE_BITS:
            doubts.append(f"its 16-bit values are below {_TWELVE_BITS}: the frame is dark")
        image = (image // 256).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 4 and image[..., 3].min() < 255:
        doubts.append("it has transparent pixels; their transparency is ignored")
    for doubt in doubts:
        _note(path, doubt, notes)
    image = upright(image, header.orientation)
    if image.ndim == 3 and image.shape[2] >= 3:
        return np.ascontiguousarray(image[..., :3])
    if colour and not accept_grey:
        raise _broken(
            path,
            "the frame is grey, but the dataset's frames are in colour",
            "Restore the colour frame, or pass --frames.grey accept to use grey frames.",
            "grey frame",
        )
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def _read(path: Path) -> tuple[bytes, ImageHeader]:
    """A frame's bytes and header; pipes, devices and huge images are refused unread."""
    try:
        data = read_regular(path, MOST_BYTES)
    except OSError as error:
        problem = f"the frame cannot be read ({error.strerror})"
        raise _broken(path, problem, "Check that the file exists and may be read.") from error
    if not data:
        raise _broken(path, "the frame is empty (0 bytes)")
    # The decoder would fill the missing part of a truncated file with grey.
    if data.startswith(_JPEG) and data.rfind(_JPEG_END, -_TAIL) < 0:
        problem = f"the JPEG is truncated ({len(data)} bytes, no end marker)"
        raise _broken(path, problem, kind="truncated frame")
    header = read_header(data)
    if header is None:
        raise _broken(path, "the file is not an image (JPEG, PNG or BMP) that can be decoded")
    if header.width * header.height > _MOST_PIXELS:
        problem = f"the frame has {header.width}x{header.height} pixels"
        raise _broken(path, problem, "Crop or resize it.", "huge frame")
    return data, header


class MixedSizeError(FrameError):
    """Frames of one clip differ in size.

    Args:
        problem: the sizes, that of the frame `number` first.
        number: the first frame whose size differs from the apex frame's.
    """

    def __init__(self, problem: str, number: int) -> None:
        super().__init__(problem)
        self.number = number


def mixed_sizes(shapes: Mapping[int, tuple[int, ...]], apex: int) -> MixedSizeError | None:
    """The error for frames of different shapes (height, width, ...); None if they are equal."""
    height, width = shapes[apex][:2]
    other = [n for n, shape in shapes.items() if shape[:2] != (height, width)]
    if not other:
        return None
    size = shapes[other[0]]
    return MixedSizeError(
        f"{size[0]}x{size[1]}, the apex frame {height}x{width} (height x width); "
        f"{len(other)} frame(s) differ",
        other[0],
    )


def one_size(
    images: dict[int, np.ndarray], apex: int, frames: FramesConfig
) -> dict[int, np.ndarray]:
    """The frames, uint8 BGR (H, W, 3) by number, resized to the size of frame `apex` if allowed.

    Raises:
        MixedSizeError: they differ, and `frames.mixed_size` is "error".
    """
    mixed = mixed_sizes({n: image.shape for n, image in images.items()}, apex)
    if mixed is None:
        return images
    if frames.mixed_size == "error":
        raise mixed
    height, width = images[apex].shape[:2]
    return {
        n: image if image.shape[:2] == (height, width) else cv2.resize(image, (width, height))
        for n, image in images.items()
    }


def is_black(image: np.ndarray) -> bool:
    """Whether nothing can be seen in a frame."""
    return bool(image.max() <= _BLACK)


def _note(path: Path, doubt: str, notes: list[str] | None) -> None:
    if notes is not None:
        notes.append(doubt)
    elif (path.parent, doubt) not in _NOTED:
        _NOTED.add((path.parent, doubt))
        log.warning("%s: %s", path, doubt)


def _broken(
    path: Path,
    problem: str,
    remedy: str = "Unpack the frame again from the dataset's archive.",
    kind: str = "unreadable frame",
) -> FrameError:
    return FrameError(problem, file=path, remedy=remedy, kind=kind)
