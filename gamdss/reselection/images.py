"""A caller's frames -> images by frame number: checked, with notes of those that are missing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from gamdss.errors import FrameError
from gamdss.records import KEYS
from gamdss.reselection.windows import Windows

Frames = np.ndarray | Sequence[np.ndarray] | Mapping[int, np.ndarray]


def numbered(
    frames: Frames, first_frame: int, frame_numbers: Sequence[int] | None
) -> Mapping[int, np.ndarray]:
    """Frames by number: a mapping unchanged, an array (T, H, W[, 3]) along its first axis, a list.

    An array whose last axis of three has 3 or 4 values is one image: no frame is that narrow.

    Raises:
        FrameError: not an array of that shape, or the numbers do not fit it.
    """
    if isinstance(frames, Mapping):
        if frame_numbers is not None:
            raise FrameError(
                "frame_numbers given with a mapping, which already has the number of each frame",
                remedy="Omit frame_numbers, or pass the frames as one array.",
            )
        return frames
    images = isinstance(frames, list | tuple) and all(isinstance(i, np.ndarray) for i in frames)
    if not images and (not isinstance(frames, np.ndarray) or frames.ndim not in (3, 4)):
        raise FrameError(
            f"frames are {_described(frames)}",
            remedy="Pass an array (T, H, W, 3) or (T, H, W), a list of images, or a mapping from "
            "number to image.",
        )
    if isinstance(frames, np.ndarray) and frames.ndim == 3 and frames.shape[2] in (3, 4):
        raise FrameError(
            f"frames are an array of shape {frames.shape}: one image in colour, or grey frames "
            f"of {frames.shape[2]} pixels in width",
            remedy="Pass all frames of the clip, (T, H, W, 3), or grey ones, (T, H, W).",
        )
    given = [first_frame] if frame_numbers is None else list(frame_numbers)
    if wrong := [number for number in given if not isinstance(number, Integral)]:
        raise FrameError(
            f"{wrong[0]!r} is not a frame number", remedy="Give frame numbers as integers."
        )
    if frame_numbers is None:
        return dict(enumerate(frames, start=first_frame))
    numbers = [int(number) for number in frame_numbers]
    if len(numbers) != len(frames) or len(set(numbers)) != len(numbers):
        raise FrameError(
            f"{len(frames)} frames but {len(set(numbers))} different frame numbers "
            f"({len(numbers)} given)",
            remedy="Give each frame one number, and no number twice.",
        )
    return dict(zip(numbers, frames, strict=True))


def gather(
    source: Mapping[int, np.ndarray], windows: Windows, wrap: bool
) -> tuple[dict[int, np.ndarray], tuple[str, ...]]:
    """The candidates' images, each read once and flattened to (H*W*channels,), and notes.

    Missing candidates are left out and noted.

    Raises:
        FrameError: an annotated frame is missing, or images are unusable or differ.
    """
    _require_annotated(source, (window[0] for window in windows))
    wanted = sorted({number for window in windows for number in window})
    images = {number: source[number] for number in wanted if number in source}
    for _ in alike(images, wrap):
        pass
    notes = tuple(
        _missing_note(name, missing)
        for name, window in zip(windows._fields, windows, strict=True)
        if (missing := sorted(number for number in window if number not in images))
    )
    return {number: image.reshape(-1) for number, image in images.items()}, notes


def gather_span(
    source: Mapping[int, np.ndarray], annotated: tuple[int, int, int], span: range
) -> tuple[dict[int, np.ndarray], tuple[str, ...]]:
    """The images of a span, and a note of those missing between onset and offset.

    Raises:
        FrameError: an annotated frame is missing, or images are unusable or differ.
    """
    _require_annotated(source, annotated)
    images = dict(alike({number: source[number] for number in span if number in source}))
    return images, missing_notes(images, annotated)


def missing_notes(present: Container[int], annotated: tuple[int, int, int]) -> tuple[str, ...]:
    """A note of the frames that are missing between onset and offset, if any are."""
    inside = [n for n in range(annotated[0], annotated[2] + 1) if n not in present]
    return (_missing_note("clip", inside),) if inside else ()


def _require_annotated(source: Mapping[int, np.ndarray], annotated: Iterable[int]) -> None:
    for name, number in zip(KEYS, annotated, strict=True):
        if number not in source:
            raise FrameError(
                f"annotated {name}, frame {number}, is missing",
                remedy="Supply the frame, or correct the annotation or the first frame's number.",
            )


def _missing_note(name: str, missing: Sequence[int]) -> str:
    plural = "s" if len(missing) > 1 else ""
    listed = ", ".join(map(str, missing))
    where = "clip" if name == "clip" else f"{name} window"
    return f"frame{plural} {listed} missing inside the {where}: skipped"


def alike(images: Mapping[int, np.ndarray], wrap: bool = False) -> Iterator[tuple[int, np.ndarray]]:
    """Frame numbers, ascending, and their images, each read once and not kept.

    Raises:
        FrameError: an image is unusable, or its size or type differs from the first one's.
    """
    first: tuple[int, tuple[int, ...], np.dtype[Any]] | None = None
    for number in sorted(images):
        image = images[number]
        _check_image(number, image, wrap)
        first = first or (number, image.shape, image.dtype)
        if (image.shape, image.dtype) != first[1:]:
            raise FrameError(
                f"frame {number} is {image.shape} {image.dtype}, "
                f"frame {first[0]} is {first[1]} {first[2]}",
                remedy="Convert the frames of a clip to one size and type.",
            )
        yield number, image


def _described(value: object) -> str:
    return (
        f"an array of shape {value.shape}"
        if isinstance(value, np.ndarray)
        else f"of type {type(value).__name__}"
    )


def _check_image(number: int, image: np.ndarray, wrap: bool) -> None:
    shape: tuple[int, ...] = getattr(image, "shape", ())
    grey, colour = len(shape) == 2, len(shape) == 3 and shape[-1] == 3
    if not isinstance(image, np.ndarray) or not (grey or colour) or image.size == 0:
        raise FrameError(
            f"frame {number} is {_described(image)}",
            remedy="An image is an array (H, W, 3) or (H, W).",
        )
    if image.dtype != np.uint8 and (wrap or not np.issubdtype(image.dtype, np.floating)):
        raise FrameError(
            f"frame {number} has type {image.dtype}",
            remedy="The presets `original-*` subtract modulo 256: pass uint8 images."
            if wrap
            else "Pass uint8 or floating-point images.",
        )
    if image.dtype != np.uint8 and not np.isfinite(image).all():
        raise FrameError(
            f"frame {number} has values that are not finite",
            remedy="Correct the image, or leave the frame out.",
        )
