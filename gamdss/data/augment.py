"""Augmentation of a batch of clips on its device: one draw for the three frames of a clip.

Flip, rotation (nearest neighbour) and a crop from a zero border, in the order of the original
(method of arXiv 2603.04766, training code), as one sampling of the frames: each is a nearest
neighbour look-up, so composing their coordinates gives the pixels that doing them in turn gives.
One sampling of nine channels takes an eighth of the time of a library's three batched steps.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gamdss.config import AugmentationConfig

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
_REFERENCE_SIZE = 224


class Draw(NamedTuple):
    """What was drawn for each clip: (B,) tensors; degrees counter-clockwise, shifts in pixels."""

    flip: Tensor
    degrees: Tensor
    shift_x: Tensor
    shift_y: Tensor


def normalise(frames: Tensor) -> Tensor:
    """uint8 frames (..., 3, H, W) as float32 with ImageNet's mean 0 and deviation 1."""
    mean = torch.tensor(MEAN, device=frames.device).view(3, 1, 1)
    std = torch.tensor(STD, device=frames.device).view(3, 1, 1)
    return (frames.float() / 255 - mean) / std


def draw(count: int, size: int, config: AugmentationConfig, generator: torch.Generator) -> Draw:
    """Draw for `count` clips of `size` pixels; on the CPU, so that devices agree."""
    uniform = torch.rand(4, count, generator=generator)
    padding = round(config.crop_padding * size / _REFERENCE_SIZE)
    steps = 2 * padding + 1
    return Draw(
        flip=uniform[0] < config.flip,
        degrees=(2 * uniform[1] - 1) * config.rotation,
        shift_x=(uniform[2] * steps).long().clamp(max=steps - 1) - padding,
        shift_y=(uniform[3] * steps).long().clamp(max=steps - 1) - padding,
    )


def augment(frames: Tensor, drawn: Draw) -> Tensor:
    """Flip, rotate about the centre, then shift; what comes from outside is 0.

    Args:
        frames: normalised frames (B, C, S, S), the three frames of a clip stacked in C.
        drawn: one draw for each clip.

    Returns:
        Frames of the same shape.
    """
    batch, _, height, width = frames.shape
    drawn = Draw(*(value.to(frames.device, non_blocking=True) for value in drawn))
    # Where each output pixel lies on the rotated canvas; beyond its edge is the zero border.
    rows = torch.arange(height, device=frames.device).view(1, height, 1)
    columns = torch.arange(width, device=frames.device).view(1, 1, width)
    y = (rows + drawn.shift_y.view(-1, 1, 1)).expand(batch, height, width)
    x = (columns + drawn.shift_x.view(-1, 1, 1)).expand(batch, height, width)
    on_canvas = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    # Where that lay before the rotation, about the centre of the frame.
    angle = torch.deg2rad(drawn.degrees).view(-1, 1, 1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    dy, dx = y - (height - 1) / 2, x - (width - 1) / 2
    source_x = torch.round(cos * dx - sin * dy + (width - 1) / 2)
    source_y = torch.round(sin * dx + cos * dy + (height - 1) / 2)
    source_x = torch.where(drawn.flip.view(-1, 1, 1), width - 1 - source_x, source_x)
    # Whole coordinates in the sampler's units; 2 lies outside, where it returns 0.
    grid = torch.stack(((2 * source_x + 1) / width - 1, (2 * source_y + 1) / height - 1), dim=-1)
    grid = torch.where(on_canvas.unsqueeze(-1), grid, 2.0)
    return functional.grid_sample(
        frames, grid, mode="nearest", padding_mode="zeros", align_corners=False
    )
