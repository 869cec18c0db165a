"""Decode a frame, and refuse what is not one or cannot be one of its clip's."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from gamdss.config import FramesConfig
from gamdss.data.image_file import ImageHeader, jpeg_damage, read_header, upright
from gamdss.errors import FrameError
from gamdss.files import read_regular

log = logging.getLogger("gamdss")
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_TAIL = 4096
MOST_BYTES = 1 << 29
_MOST_PIXELS = 100_000_000
_TWELVE_BITS = 1 << 12
_BLACK = 2  # of 255
_NOTED: set[tuple[Path, str]] = set()  # what was logged of which folder


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
        # Each process notes it once; the one that logs knows by this what it has logged.
        log.warning("%s: %s", path, doubt, extra={"once": (str(path.parent), doubt)})


def _broken(
    path: Path,
    problem: str,
    remedy: str = "Unpack the frame again from the dataset's archive.",
    kind: str = "unreadable frame",
) -> FrameError:
    return FrameError(problem, file=path, remedy=remedy, kind=kind)
