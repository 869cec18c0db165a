"""Augmentation of a batch of clips on its device: one draw for the three frames of a clip.

Flip, rotation (nearest neighbour) and a crop from a zero border, in the order of the original
(training code of arXiv 2603.04766), done as one sampling of the frames: all three are nearest
neighbour look-ups, so composing their coordinates gives the same pixels as three steps. One
sampling of nine channels is eight times as fast as a library's three batched steps.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gamdss.config import AugmentationConfig
from gamdss.features.kinds import STD

MEAN = (0.485, 0.456, 0.406)
_REFERENCE_SIZE = 224


class Draw(NamedTuple):
    """Random values for each clip: (B,) tensors; degrees counter-clockwise, shifts in pixels."""

    flip: Tensor
    degrees: Tensor
    shift_x: Tensor
    shift_y: Tensor


def normalise(frames: Tensor) -> Tensor:
    """Convert uint8 frames (..., 3, H, W) to float32, normalised by ImageNet's mean and std."""
    factor, shift = _constants(frames.device)
    # In place: ten times as fast on the CPU as with intermediate frames.
    return frames.float().mul_(factor).sub_(shift)


@cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """Factor and shift (3, 1, 1) that normalise frames.

    Cached, because copying values to a GPU synchronises with it.
    """
    with torch.inference_mode(False):  # else autograd could not use them
        mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
        std = torch.tensor(STD, device=device).view(3, 1, 1)
        return 1 / (255 * std), mean / std


def draw(count: int, size: int, config: AugmentationConfig, generator: torch.Generator) -> Draw:
    """Draw for `count` clips of `size` pixels, on the CPU so that all devices agree."""
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
    """Flip, rotate about the centre, then shift; pixels from outside the frame are 0.

    Args:
        frames: normalised frames (B, C, S, S), the three frames of a clip stacked in C.
        drawn: one draw for each clip.

    Returns:
        Frames of the same shape.
    """
    size = frames.shape[-1]
    drawn = Draw(*(value.to(frames.device, non_blocking=True) for value in drawn))
    flip, degrees, shift_x, shift_y = (value.view(-1, 1, 1) for value in drawn)
    # Position of each output column and row on the rotated canvas: (B, 1, S) and (B, S, 1).
    pixels = torch.arange(size, device=frames.device)
    x, y = pixels.view(1, 1, size) + shift_x, pixels.view(1, size, 1) + shift_y
    # The same before the rotation about the frame's centre, in whole pixels: (B, S, S).
    centre = (size - 1) / 2
    angle = torch.deg2rad(degrees)
    cos, sin = torch.cos(angle), torch.sin(angle)
    source_x = (cos * (x - centre) + centre - sin * (y - centre)).round_()
    source_y = (sin * (x - centre) + centre + cos * (y - centre)).round_()
    # In the sampler's units pixel p is (2p + 1) / S - 1; a flip changes the sign.
    sign = torch.where(flip, -1.0, 1.0)
    grid_x = (source_x * (sign * 2 / size)).add_(sign * (1 / size - 1) + _beyond(x, size))
    grid_y = (source_y * (2 / size)).add_(1 / size - 1 + _beyond(y, size))
    return functional.grid_sample(
        frames,
        torch.stack((grid_x, grid_y), dim=-1),
        mode="nearest",
        padding_mode="zeros",
        align_corners=False,
    )


def turn(vectors: Tensor, drawn: Draw) -> Tensor:
    """Rotate vectors like `augment` rotated the image they belong to; shifts do not matter.

    A flip changes the sign of u; a rotation by a degrees counter-clockwise turns (u, v), with v
    pointing down, into (u cos a + v sin a, v cos a - u sin a).

    Args:
        vectors: (B, P, C, S, S); channels 0 and 1 of C are u and v, others are scalars that do
            not change (magnitude, strain).
        drawn: one draw for each clip.

    Returns:
        (B, P, C, S, S).
    """
    flip, degrees = (x.to(vectors.device, non_blocking=True) for x in drawn[:2])
    angle = torch.deg2rad(degrees).view(-1, 1, 1, 1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    sign = torch.where(flip, -1.0, 1.0).view(-1, 1, 1, 1)
    u, v = vectors[:, :, 0] * sign, vectors[:, :, 1]
    turned = torch.stack((u * cos + v * sin, v * cos - u * sin), dim=2)
    return torch.cat((turned, vectors[:, :, 2:]), dim=2)


def _beyond(position: Tensor, size: int) -> Tensor:
    """0 on the canvas; off it enough to leave the frame, where the sampler finds zeros."""
    return torch.where((position >= 0) & (position < size), 0.0, 10.0)
