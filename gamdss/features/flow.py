"""Dense optical flow between two frames, by OpenCV's methods."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

from gamdss.errors import ConfigError, FrameError

FlowMethod = Literal["dis", "farneback", "tvl1"]
LEAST = 16  # pixels: smaller frames leave no patch to follow

# The numbers of OpenCV's own example of Farnebäck's method: a pyramid that halves, windows of
# 15 pixels, three rounds, polynomials over 5 pixels.
_FARNEBACK = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}


def check_flow(method: FlowMethod) -> None:
    """Say what to install where this OpenCV lacks the method.

    Raises:
        ConfigError: TV-L1 is asked for, and OpenCV came without its contributed modules.
    """
    if method == "tvl1" and not hasattr(cv2, "optflow"):
        raise ConfigError(
            f"TV-L1 flow is asked for, but OpenCV {cv2.__version__} here has no cv2.optflow",
            remedy="Run: pip uninstall opencv-python-headless; pip install "
            "opencv-contrib-python-headless\nor choose flow by DIS or Farneback, such as "
            "--features.name flow-dis.",
        )


def dense_flow(start: np.ndarray, end: np.ndarray, method: FlowMethod = "dis") -> np.ndarray:
    """Where each pixel of `start` has gone in `end`: start(x, y) looks like end(x + u, y + v).

    Args:
        start: uint8 BGR (H, W, 3) or grey (H, W).
        end: the same size.
        method: how it is computed; "dis" is OpenCV's preset medium.

    Returns:
        (H, W, 2) float32: u to the right, v downwards, in pixels.

    Raises:
        ConfigError: this OpenCV lacks the method.
        FrameError: the frames are too small, or differ in size.
    """
    check_flow(method)
    if start.shape != end.shape or min(start.shape[:2]) < LEAST:
        raise FrameError(
            f"no optical flow between frames of {start.shape[1]}x{start.shape[0]} and "
            f"{end.shape[1]}x{end.shape[0]} pixels",
            remedy=f"Both must have one size, of {LEAST}x{LEAST} pixels or more.",
        )
    first, second = _grey(start), _grey(end)
    # The type stubs of OpenCV leave out or misname all three.
    opencv: Any = cv2
    if method == "farneback":
        flow = opencv.calcOpticalFlowFarneback(first, second, None, **_FARNEBACK)
    elif method == "tvl1":
        flow = opencv.optflow.createOptFlow_DualTVL1().calc(first, second, None)
    else:
        dis = opencv.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flow = dis.calc(first, second, None)
    return np.asarray(flow, np.float32)


def resize_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A flow (H, W, 2) for frames of `size` (height, width): its vectors shrink with the frames."""
    (height, width), (new_height, new_width) = flow.shape[:2], size
    if (height, width) == size:
        return flow
    # Averaging areas smooths while it shrinks, as the frames are smoothed.
    shrinks = new_height < height and new_width < width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(flow, (new_width, new_height), interpolation=method)
    ratio = np.array([new_width / width, new_height / height], np.float32)
    return np.asarray(resized * ratio)


def _grey(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
