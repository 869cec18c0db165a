"""Dense optical flow between two frames by OpenCV, and the optical strain of a flow."""

from __future__ import annotations

from typing import Any, Literal, get_args

import cv2
import numpy as np

from gamdss.errors import ConfigError, FrameError, require_choice
from gamdss.features.checks import check_bgr, check_field

FlowMethod = Literal["dis", "farneback", "tvl1"]
ThirdChannel = Literal["magnitude", "strain"]
LEAST = 16  # pixels: smaller frames have no patch to follow

# As in OpenCV's own example: a pyramid that halves, windows of 15 pixels, three iterations,
# polynomials over 5 pixels.
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
    """Check that there is such a method, and that this OpenCV has it.

    Raises:
        ConfigError: unknown method, or TV-L1 without OpenCV's contributed modules; the error says
            what to install.
    """
    require_choice("method", method, get_args(FlowMethod))
    if method == "tvl1" and not hasattr(cv2, "optflow"):
        raise ConfigError(
            f"TV-L1 flow needs cv2.optflow, which this OpenCV {cv2.__version__} lacks",
            remedy="Run: pip uninstall opencv-python-headless; pip install "
            "opencv-contrib-python-headless\nor choose another, such as --features.name flow-dis.",
        )


def dense_flow(start: np.ndarray, end: np.ndarray, method: FlowMethod = "dis") -> np.ndarray:
    """Where each pixel of `start` is in `end`: start(x, y) looks like end(x + u, y + v).

    Args:
        start: uint8 BGR (H, W, 3) or grey (H, W).
        end: the same size.
        method: of OpenCV; "dis" with the preset medium.

    Returns:
        (H, W, 2) float32: u to the right, v downwards, in pixels.

    Raises:
        ConfigError: unknown method, or this OpenCV lacks it.
        FrameError: the frames are too small, differ in size, or have another type or layout.
    """
    check_flow(method)
    check_bgr({"start": start, "end": end}, grey=True)
    if start.shape != end.shape or min(start.shape[:2]) < LEAST:
        raise FrameError(
            f"no optical flow between frames of {start.shape[1]}x{start.shape[0]} and "
            f"{end.shape[1]}x{end.shape[0]} pixels",
            remedy=f"Both must have one size, {LEAST}x{LEAST} pixels or more.",
        )
    first, second = (
        image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        for image in (start, end)
    )
    opencv: Any = cv2  # its type stubs lack or misname all three methods
    if method == "farneback":
        flow = opencv.calcOpticalFlowFarneback(first, second, None, **_FARNEBACK)
    elif method == "tvl1":
        flow = opencv.optflow.createOptFlow_DualTVL1().calc(first, second, None)
    else:
        dis = opencv.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flow = dis.calc(first, second, None)
    return np.asarray(flow, np.float32)


def resize_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A flow (H, W, 2) for frames of `size` (height, width): its vectors scale with the frames.

    Raises:
        FrameError: the flow has another type or layout.
    """
    check_field(flow)
    (height, width), (new_height, new_width) = flow.shape[:2], size
    if (height, width) == size:
        return flow
    # Area averaging smooths while it shrinks, as for the frames.
    shrinks = new_height < height and new_width < width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = cv2.resize(flow, (new_width, new_height), interpolation=method)
    ratio = np.array([new_width / width, new_height / height], np.float32)
    return np.asarray(resized * ratio)


def strain_magnitude(flow: np.ndarray) -> np.ndarray:
    """How much the face is deformed; a translation deforms nothing.

    The strain of the flow F = (u, v) is e = (grad F + grad F^T) / 2, with derivatives by central
    differences, one-sided at the border. Its magnitude sqrt(exx^2 + eyy^2 + exy^2 + eyx^2) does
    not change when the frame is flipped or rotated (Liong et al., arXiv 1902.03634).

    Args:
        flow: (H, W, 2) in pixels.

    Returns:
        (H, W) float32, pixels per pixel.

    Raises:
        FrameError: the flow has another type or layout.
    """
    check_field(flow)
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    shear = (u_y + v_x) / 2
    return np.sqrt(u_x**2 + v_y**2 + 2 * shear**2).astype(np.float32)


def flow_feature(flow: np.ndarray, third: ThirdChannel = "magnitude") -> np.ndarray:
    """Channels u, v and the third one, (3, H, W) float32, of a flow (H, W, 2).

    Raises:
        ConfigError: unknown third channel.
        FrameError: the flow has another type or layout.
    """
    require_choice("third", third, get_args(ThirdChannel))
    check_field(flow)
    last = strain_magnitude(flow) if third == "strain" else np.hypot(flow[..., 0], flow[..., 1])
    return np.stack((flow[..., 0], flow[..., 1], last)).astype(np.float32)
