"""What the bytes of an image say before and beside the decoder: size, orientation, damage."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass

import cv2
import numpy as np

_EXIF, _ORIENTATION = b"Exif\0\0", 0x0112
_PNG, _JPEG, _BMP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"BM"
_JPEG_END = b"\xff\xd9"
_NO_SIZE = (0xC4, 0xC8, 0xCC)  # among the markers C0 to CF, which otherwise state the size
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_HOLE = bytes(64)
_GREY = 128  # what the decoder makes of missing data
_ERROR_OUTPUT = threading.Lock()


@dataclass(frozen=True)
class ImageHeader:
    """Size in pixels, orientation as EXIF numbers it, and what else matters to the decoder."""

    width: int
    height: int
    orientation: int = 1
    animated: bool = False
    progressive: bool = False


def read_header(data: bytes) -> ImageHeader | None:
    """The header of a JPEG, PNG or BMP; None for anything else."""
    try:
        if data.startswith(_JPEG):
            return _jpeg(data)
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(_BMP):
            width, height = (_number(data, at, 4, "little", signed=True) for at in (18, 22))
            return ImageHeader(abs(width), abs(height))
    except IndexError:
        pass
    return None


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """The image as EXIF says that it is to be seen."""
    if orientation >= 5:
        image = cv2.transpose(image)
    if orientation in (2, 6):
        return cv2.flip(image, 1)
    if orientation in (4, 8):
        return cv2.flip(image, 0)
    return cv2.flip(image, -1) if orientation in (3, 7) else image


def jpeg_damage(data: bytes, header: ImageHeader, image: np.ndarray, every: bool) -> str:
    """What the decoder says of a JPEG that looks as if data were missing; empty if nothing.

    The decoder fills missing data with grey and reports it only on the error output of the process,
    so a JPEG is decoded a second time if it ends in that grey, contains many zeros, or is
    progressive, or with `every` in any case. Without `every`, overwritten bytes that yield too much
    data rather than too little are not found.
    """
    hole = data.find(_HOLE, 0, data.rfind(_JPEG_END))
    grey = image.item(-1) == _GREY and bool(np.all(image[-4:, -4:] == _GREY))
    if hole < 0 and not grey and not header.progressive and not every:
        return ""
    # Twice, since another thread may have decoded a damaged file at the same time.
    return _complaint(data) and _complaint(data)


def _complaint(data: bytes) -> str:
    """The first line that libjpeg writes to the error output of the process."""
    with _ERROR_OUTPUT, tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        finally:
            os.dup2(kept, 2)
            caught.seek(0)
            lines = caught.read().splitlines(keepends=True)
            said = [line for line in lines if line.startswith(b"Corrupt JPEG data")]
            os.write(kept, b"".join(line for line in lines if line not in said))
            os.close(kept)
    return said[0].decode("ascii", "replace").strip() if said else ""


def _number(data: bytes, at: int, length: int, order: str = "big", signed: bool = False) -> int:
    if at + length > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + length], order, signed=signed)  # type: ignore[arg-type]


def _jpeg(data: bytes) -> ImageHeader | None:
    at, orientation = 2, 1
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may precede a marker
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = _number(data, at + 5, 2), _number(data, at + 7, 2)
            return ImageHeader(width, height, orientation, progressive=marker in _PROGRESSIVE)
        length = _number(data, at + 2, 2)
        if marker == 0xE1 and data.startswith(_EXIF, at + 4):
            orientation = _orientation(data[at + 10 : at + 2 + length])
        at += 2 + length
    return None


def _png(data: bytes) -> ImageHeader:
    width, height = _number(data, 16, 4), _number(data, 20, 4)
    at, orientation, animated = 8, 1, False
    while data[at + 4 : at + 8] not in (b"IDAT", b"IEND"):
        length, kind = _number(data, at, 4), data[at + 4 : at + 8]
        animated |= kind == b"acTL"
        if kind == b"eXIf":
            orientation = _orientation(data[at + 8 : at + 8 + length])
        at += 12 + length
    return ImageHeader(width, height, orientation, animated)


def _orientation(exif: bytes) -> int:
    """The orientation that EXIF data states, 1 to 8; 1 if it states none."""
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    try:
        if order is None:
            return 1
        start = _number(exif, 4, 4, order)
        for entry in range(_number(exif, start, 2, order)):
            at = start + 2 + 12 * entry
            if _number(exif, at, 2, order) == _ORIENTATION:
                value = _number(exif, at + 8, 2, order)
                return value if 1 <= value <= 8 else 1
    except IndexError:
        pass
    return 1
