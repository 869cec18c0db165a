"""Find the frames of a clip, and decode them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gamdss.data.specs import DatasetSpec
from gamdss.errors import DataRootError, FrameError
from gamdss.records import Clip

_DIGITS = re.compile(r"\d+")
_JPEG_END = b"\xff\xd9"
_TAIL = 4096


@dataclass(frozen=True)
class ClipFrames:
    """A clip and the files of its frames, by frame number in rising order."""

    clip: Clip
    folder: Path
    files: dict[int, Path]


class FrameFinder:
    """Finds clip folders under a dataset's root, ignoring case and zero padding.

    Args:
        spec: the dataset's native form.
        data_root: the dataset's folder.

    Raises:
        DataRootError: none of the spec's frame folders is there.
    """

    def __init__(self, spec: DatasetSpec, data_root: Path) -> None:
        self.spec = spec
        self._listings: dict[Path, dict[str, Path]] = {}
        for root in spec.frame_roots:
            folder = self._descend(data_root, root)
            if folder is not None:
                self.root = folder
                return
        native = data_root / spec.frame_roots[0]
        raise DataRootError(
            f"there is no folder of frames ({' or '.join(spec.frame_roots)})",
            file=data_root,
            remedy=f"Unpack the cropped frames of {spec.title} as {native}.",
        )

    def find(self, clip: Clip) -> ClipFrames:
        """The clip's folder and files.

        Raises:
            FrameError: no folder, no frame in it, two files of one number, or an annotated frame
                missing; names the workbook's row.
        """
        wanted = self.spec.clip_folder.format(subject=clip.subject, clip=clip.name)
        folder = self._descend(self.root, wanted)
        if folder is None:
            raise FrameError(
                f"clip {clip.id} (row {clip.row} of the workbook) has no folder",
                file=self.root / wanted,
                remedy="Unpack the clip's frames there, or remove the row.",
            )
        files = self._files(clip, folder)
        for name in ("onset", "apex", "offset"):
            self._require(clip, folder, files, name)
        return ClipFrames(clip, folder, files)

    def _files(self, clip: Clip, folder: Path) -> dict[int, Path]:
        files: dict[int, Path] = {}
        for path in sorted(folder.iterdir()):
            digits = _DIGITS.findall(path.stem)
            if path.suffix.lower() not in self.spec.frame_suffixes or not digits:
                continue
            number = int(digits[-1])
            if number in files:
                raise FrameError(
                    f"clip {clip.id}: {files[number].name} and {path.name} are both frame {number}",
                    file=folder,
                    remedy="Keep one of the two.",
                )
            files[number] = path
        if not files:
            raise FrameError(
                f"clip {clip.id} (row {clip.row} of the workbook) has no frame",
                file=folder,
                remedy=f"Unpack its frames there, named like {self.spec.frame_file}.",
            )
        return dict(sorted(files.items()))

    def _require(self, clip: Clip, folder: Path, files: dict[int, Path], name: str) -> None:
        number = getattr(clip.annotated, name)
        if number not in files:
            low, high = min(files), max(files)
            raise FrameError(
                f"clip {clip.id} (row {clip.row} of the workbook): the annotated {name} frame "
                f"{number} is missing; the folder holds {len(files)} frames from {low} to {high}",
                file=folder
                / self.spec.frame_file.format(subject=clip.subject, clip=clip.name, frame=number),
                remedy=f"Restore the frame, or correct the {name} in the workbook.",
            )

    def _descend(self, start: Path, relative: str) -> Path | None:
        folder = start
        for part in relative.split("/"):
            found = self._child(folder, part)
            if found is None:
                return None
            folder = found
        return folder

    def _child(self, folder: Path, name: str) -> Path | None:
        """The sub-folder called `name`: the exact one, else ignoring case, else padding too."""
        if folder not in self._listings:
            names = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
            listing: dict[str, Path] = {}
            for key in (str, str.lower, _unpadded):
                for path in names:
                    listing.setdefault(key(path.name), path)
            self._listings[folder] = listing
        listing = self._listings[folder]
        return listing.get(name) or listing.get(name.lower()) or listing.get(_unpadded(name))


def _unpadded(name: str) -> str:
    return _DIGITS.sub(lambda digits: str(int(digits.group())), name.lower())


def decode(path: Path, colour: bool, accept_grey: bool = False) -> np.ndarray:
    """A frame as uint8 BGR (H, W, 3); grey frames are repeated in the three channels.

    Args:
        path: the image file.
        colour: whether the dataset's frames are in colour.
        accept_grey: take a grey frame where colour is expected.

    Raises:
        FrameError: the file cannot be read, is empty, truncated or no image, or is grey where
            colour is expected.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FrameError(
            f"the frame cannot be read ({error.strerror})",
            file=path,
            remedy="Check that the file is there and its permissions.",
        ) from error
    _check_whole(path, data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise FrameError("this is no image that can be decoded", file=path, remedy=_RESTORE)
    if image.dtype == np.uint16:
        image = (image // 256).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] >= 3:
        return np.ascontiguousarray(image[..., :3])
    if colour and not accept_grey:
        raise FrameError(
            "the frame is grey, in a dataset whose frames are in colour",
            file=path,
            remedy="Restore the colour frame, or pass --frames.grey accept to use grey frames.",
        )
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


_RESTORE = "Unpack the frame again from the dataset's archive."


def _check_whole(path: Path, data: bytes) -> None:
    """Refuse empty and truncated files: the decoder would fill the missing part with grey."""
    if not data:
        raise FrameError("the frame is empty (0 bytes)", file=path, remedy=_RESTORE)
    if data.startswith(b"\xff\xd8") and _JPEG_END not in data[-_TAIL:]:
        raise FrameError(
            f"the JPEG is truncated ({len(data)} bytes, no end marker)", file=path, remedy=_RESTORE
        )
