"""Frames as the caller has them -> the candidate images by number, checked, missing ones noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gamdss.errors import FrameError
from gamdss.reselection.presets import Windows

Frames = np.ndarray | Mapping[int, np.ndarray]


def numbered(
    frames: Frames, first_frame: int, frame_numbers: Sequence[int] | None
) -> Mapping[int, np.ndarray]:
    """Frames by number: a mapping as it is, an array (T, H, W[, 3]) numbered along its first axis.

    Raises:
        FrameError: not an array of that shape, or numbers that do not fit it.
    """
    if isinstance(frames, Mapping):
        if frame_numbers is not None:
            raise FrameError(
                "frame_numbers given with a mapping, which already says each frame's number",
                remedy="Leave frame_numbers out, or pass the frames as one array.",
            )
        return frames
    if not isinstance(frames, np.ndarray) or frames.ndim not in (3, 4):
        shape = getattr(frames, "shape", None)
        raise FrameError(
            f"frames are a {type(frames).__name__} of shape {shape}",
            remedy="Pass an array (T, H, W, 3) or (T, H, W), or a mapping from number to image.",
        )
    if frame_numbers is None:
        return dict(enumerate(frames, start=first_frame))
    numbers = [int(number) for number in frame_numbers]
    if len(numbers) != len(frames) or len(set(numbers)) != len(numbers):
        raise FrameError(
            f"{len(frames)} frames but {len(set(numbers))} different frame numbers "
            f"({len(numbers)} given)",
            remedy="Give one number for each frame, none twice.",
        )
    return dict(zip(numbers, frames, strict=True))


def gather(
    source: Mapping[int, np.ndarray], windows: Windows, wrap: bool
) -> tuple[dict[int, np.ndarray], tuple[str, ...]]:
    """Every candidate's image, asked for once and flattened to (H*W*channels,), and the notes.

    Candidates that the source lacks are left out and noted.

    Raises:
        FrameError: an annotated frame is missing; images of other types, sizes or not finite.
    """
    for name, window in zip(windows._fields, windows, strict=True):
        _require(source, name, window[0])
    wanted = sorted({number for window in windows for number in window})
    images = {number: source[number] for number in wanted if number in source}
    check_alike(images, wrap)
    notes = tuple(
        _missing_note(name, missing)
        for name, window in zip(windows._fields, windows, strict=True)
        if (missing := sorted(number for number in window if number not in images))
    )
    return {number: image.reshape(-1) for number, image in images.items()}, notes


def gather_span(
    source: Mapping[int, np.ndarray], annotated: tuple[int, int, int], span: range
) -> tuple[dict[int, np.ndarray], tuple[str, ...]]:
    """The images of a span that are there, and a note of those missing between onset and offset.

    Raises:
        FrameError: an annotated frame is missing; images of other types, sizes or not finite.
    """
    for name, number in zip(Windows._fields, annotated, strict=True):
        _require(source, name, number)
    images = {number: source[number] for number in span if number in source}
    check_alike(images)
    inside = [n for n in range(annotated[0], annotated[2] + 1) if n not in images]
    return images, (_missing_note("clip", inside),) if inside else ()


def _require(source: Mapping[int, np.ndarray], name: str, number: int) -> None:
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


def check_alike(images: Mapping[int, np.ndarray], wrap: bool = False) -> None:
    """Whether images are of one usable size and type; where not, a FrameError."""
    for _ in alike(images, wrap):
        pass


def alike(images: Mapping[int, np.ndarray], wrap: bool = False) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers, rising, and images, each asked for when its turn comes; none is kept.

    Raises:
        FrameError: one is unusable, or of another size or type than the first.
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
                remedy="Resize and convert the frames of a clip to one size and type first.",
            )
        yield number, image


def _check_image(number: int, image: np.ndarray, wrap: bool) -> None:
    shape: tuple[int, ...] = getattr(image, "shape", ())
    grey, colour = len(shape) == 2, len(shape) == 3 and shape[-1] == 3
    if not isinstance(image, np.ndarray) or not (grey or colour) or image.size == 0:
        raise FrameError(
            f"frame {number} is a {type(image).__name__} of shape {shape}",
            remedy="An image is an array (H, W, 3) or (H, W).",
        )
    if image.dtype != np.uint8 and (wrap or not np.issubdtype(image.dtype, np.floating)):
        raise FrameError(
            f"frame {number} has type {image.dtype}",
            remedy="The presets of the original subtract modulo 256: pass uint8 images."
            if wrap
            else "Pass uint8 or floating-point images.",
        )
    if image.dtype != np.uint8 and not np.isfinite(image).all():
        raise FrameError(
            f"frame {number} holds values that are not finite",
            remedy="Mend the image or leave the frame out.",
        )
