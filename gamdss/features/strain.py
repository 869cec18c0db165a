"""Flow as three channels: its magnitude or its optical strain beside u and v."""

from __future__ import annotations

from typing import Literal

import numpy as np


def strain_magnitude(flow: np.ndarray) -> np.ndarray:
    """How much the face is deformed, whatever moves it as a whole.

    The strain is e = (grad F + grad F^T) / 2 for the flow F = (u, v), with derivatives by central
    differences, one-sided at the border. Its magnitude sqrt(exx^2 + eyy^2 + exy^2 + eyx^2) does
    not change when the frame is flipped or rotated (Liong et al., arXiv 1902.03634).

    Args:
        flow: (H, W, 2) in pixels.

    Returns:
        (H, W) float32, pixels per pixel; 0 for a translation.
    """
    u_y, u_x = np.gradient(flow[..., 0])
    v_y, v_x = np.gradient(flow[..., 1])
    shear = (u_y + v_x) / 2
    return np.sqrt(u_x**2 + v_y**2 + 2 * shear**2).astype(np.float32)


def flow_feature(
    flow: np.ndarray, third: Literal["magnitude", "strain"] = "magnitude"
) -> np.ndarray:
    """Channels u, v and the third one, (3, H, W) float32, of a flow (H, W, 2)."""
    last = strain_magnitude(flow) if third == "strain" else np.hypot(flow[..., 0], flow[..., 1])
    return np.stack((flow[..., 0], flow[..., 1], last)).astype(np.float32)
