"""Checks of the images and flows that the functions of this package are given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gamdss.errors import FrameError

_OF_FLOATS = "; of floats from 0 to 1, that is np.rint(255 * frame).astype(np.uint8)."


def check_bgr(frames: Mapping[str, object], grey: bool = False) -> None:
    """Check frames by their names in messages.

    Raises:
        FrameError: one is not uint8 BGR (H, W, 3) or, with `grey`, (H, W).
    """
    for name, frame in frames.items():
        shape = _shape(frame, np.uint8)
        if not (len(shape) == 3 and shape[2] == 3) and not (grey and len(shape) == 2):
            form = "uint8 BGR (H, W, 3)" + (" or grey (H, W)" if grey else "")
            raise _unfit(name, frame, f"Pass a frame as OpenCV reads it, {form}{_OF_FLOATS}")


def check_rgb(frames: Mapping[str, object]) -> None:
    """Check frames by their names in messages.

    Raises:
        FrameError: one is not uint8 RGB (3, H, W), or is 3 pixels wide: then it may be BGR
            (H, W, 3) and 3 pixels high.
    """
    for name, frame in frames.items():
        shape = _shape(frame, np.uint8)
        if len(shape) != 3 or shape[0] != 3 or shape[2] == 3:
            remedy = "Pass uint8 RGB (3, H, W): of BGR (H, W, 3), as OpenCV reads it, that is "
            remedy += f"frame[..., ::-1].transpose(2, 0, 1){_OF_FLOATS}"
            raise _unfit(name, frame, remedy)


def check_one_size(frames: Mapping[str, np.ndarray]) -> None:
    """Check frames by their names in messages.

    Raises:
        FrameError: one differs from the first in its shape.
    """
    (first, model), *others = frames.items()
    for name, frame in others:
        if frame.shape != model.shape:
            raise FrameError(
                f"{name} has the shape {frame.shape}, {first} {model.shape}",
                remedy="Pass frames of one size.",
            )


def check_field(flow: object) -> None:
    """Raise FrameError unless a flow is of floats (H, W, 2)."""
    shape = _shape(flow, np.floating)
    if len(shape) != 3 or shape[2] != 2:
        raise _unfit("flow", flow, "Pass a flow as `dense_flow` returns it: floats (H, W, 2).")


def _shape(array: object, kind: type[np.generic]) -> tuple[int, ...]:
    """The shape of an array with values of this kind; () for anything else."""
    if isinstance(array, np.ndarray) and np.issubdtype(array.dtype, kind):
        return array.shape
    return ()


def _unfit(name: str, value: object, remedy: str) -> FrameError:
    what = f"of type {type(value).__name__}"
    if isinstance(value, np.ndarray):
        what = f"{value.dtype} {value.shape}"
    return FrameError(f"{name} is {what}", remedy=remedy)
