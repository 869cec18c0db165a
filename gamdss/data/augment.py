"""Augmentation of a batch of clips on its device: one draw for the three frames of a clip.

Flip, rotation (nearest neighbour) and a crop from a zero border, in the order of the original
(training code of arXiv 2603.04766), done as one look-up: all three are nearest neighbour look-ups,
so composing their coordinates gives the same pixels as three steps. Normalising before or after the
look-up gives the same values. OpenCV looks up on the CPU, with the same result bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from gamdss.config import AugmentationConfig
from gamdss.features.kinds import STD

MEAN = (0.485, 0.456, 0.406)
RGB = 3
_REFERENCE_SIZE = 224


class Draw(NamedTuple):
    """Random values for each clip: (B,) tensors; degrees counter-clockwise, shifts in pixels."""

    flip: Tensor
    degrees: Tensor
    shift_x: Tensor
    shift_y: Tensor


class Source(NamedTuple):
    """Where each pixel of augmented frames comes from.

    Attributes:
        pixel: index (B, S*S) of a pixel of the frame, row by row; 0 for pixels from outside.
        inside: (B, 1, S, S) float32, 1 where the pixel comes from the frame, 0 elsewhere.
    """

    pixel: Tensor
    inside: Tensor


class Coordinates(NamedTuple):
    """`Source` as OpenCV takes it: columns and rows, not rounded, may lie outside of the frame.

    Attributes:
        columns: (B, 1, S) and (B, S, 1), whose difference is the column.
        rows: (B, 1, S) and (B, S, 1), whose sum is the row.
        flip: (B, 1, 1), whether the column counts from the right.
    """

    columns: tuple[Tensor, Tensor]
    rows: tuple[Tensor, Tensor]
    flip: Tensor

    def maps(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Column and row (S, S) of each pixel, clip by clip; the next clip overwrites them."""
        size = self.columns[0].shape[-1]
        column, row = np.empty((2, size, size), np.float32)  # of one clip, to stay in the cache
        parts = (value.numpy() for value in (*self.columns, *self.rows, self.flip.flatten()))
        for across, down, right, below, mirrored in zip(*parts, strict=True):
            np.subtract(across, down, out=column)
            if mirrored:
                np.subtract(size - 1, np.rint(column, out=column), out=column)
            yield column, np.add(right, below, out=row)


def normalise(frames: Tensor) -> Tensor:
    """Convert uint8 frames (..., 3, H, W) to float32, normalised by ImageNet's mean and std."""
    return _normalise(frames.float())


def _normalise(frames: Tensor) -> Tensor:
    """Normalise in place, which is ten times as fast on the CPU as with intermediate frames."""
    factor, shift = _constants(frames.device)
    return frames.mul_(factor).sub_(shift)


@cache
def _constants(device: torch.device) -> tuple[Tensor, Tensor]:
    """Factor and shift (3, 1, 1) that normalise frames.

    Cached, because copying values to a GPU synchronises with it.
    """
    with torch.inference_mode(False):  # else autograd could not use them
        mean = torch.tensor(MEAN, device=device).view(3, 1, 1)
        std = torch.tensor(STD, device=device).view(3, 1, 1)
        return 1 / (255 * std), mean / std


def uniform(count: int, device: torch.device) -> Tensor:
    """Random numbers (4, count) for `draw`, from PyTorch's default generator of the CPU.

    So all devices agree. They reach a GPU without waiting for it.
    """
    drawn = torch.rand(4, count)
    return drawn.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else drawn


def draw(uniform: Tensor, size: int, config: AugmentationConfig) -> Draw:
    """Draws for clips of `size` pixels, from random numbers (4, B) in [0, 1)."""
    padding = round(config.crop_padding * size / _REFERENCE_SIZE)
    steps = 2 * padding + 1
    return Draw(
        flip=uniform[0] < config.flip,
        degrees=(2 * uniform[1] - 1) * config.rotation,
        shift_x=(uniform[2] * steps).long().clamp(max=steps - 1) - padding,
        shift_y=(uniform[3] * steps).long().clamp(max=steps - 1) - padding,
    )


def source(drawn: Draw, size: int) -> Source | Coordinates:
    """Flip, rotate about the centre, then shift frames of `size` pixels: one draw for each clip."""
    flip, degrees, shift_x, shift_y = (value.view(-1, 1, 1) for value in drawn)
    # Position of each output column and row on the rotated canvas: (B, 1, S) and (B, S, 1).
    pixels = torch.arange(size, device=flip.device)
    x, y = pixels.view(1, 1, size) + shift_x, pixels.view(1, size, 1) + shift_y
    # The same before the rotation about the frame's centre: differences and sums of these.
    centre = (size - 1) / 2
    angle = torch.deg2rad(degrees)
    cos, sin = torch.cos(angle), torch.sin(angle)
    column = cos * (x - centre) + centre + _beyond(x, size), sin * (y - centre)
    row = sin * (x - centre) + centre, cos * (y - centre) + _beyond(y, size)
    return (Coordinates if uses_opencv(flip.device) else _indices)(column, row, flip)


def uses_opencv(device: torch.device) -> bool:
    """Whether OpenCV augments, which takes three quarters of the time of PyTorch on the CPU."""
    return device.type == "cpu"


_Pair = tuple[Tensor, Tensor]


def _indices(columns: _Pair, rows: _Pair, flip: Tensor) -> Source:
    size = columns[0].shape[-1]
    column, row = (columns[0] - columns[1]).round_(), (rows[0] + rows[1]).round_()  # (B, S, S)
    outside = (_excess(column, size) + _excess(row, size)).clamp_(max=1)
    inside = outside.neg_().add_(1)
    column.mul_(torch.where(flip, -1.0, 1.0)).add_(torch.where(flip, size - 1.0, 0.0))
    pixel = row.mul_(size).add_(column).mul_(inside).long()
    return Source(pixel.flatten(1), inside.unsqueeze(1))


def stack(images: Tensor, index: Tensor) -> Tensor:
    """The images (M, C, S, S) that an index (B, K) names, (B, K, C, S, S)."""
    # Whole images are copied: indexing with `[index]` copies pixel by pixel, 18 times slower.
    return images.index_select(0, index.flatten()).unflatten(0, index.shape)


def augment(
    images: Tensor,
    where: Source | Coordinates,
    stacked: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Augmented images; pixels from outside the image are 0.

    Args:
        images: (B, C, S, S), the frames of a clip stacked in C; float32, or uint8 RGB frames, which
            are normalised.
        where: from `source`.
        stacked: (B, K) index of images (M, C, S, S) whose channels are stacked, of each clip.
        out: memory for the result, which the CPU uses.

    Returns:
        Float32 images (B, C or K * C, S, S).
    """
    if isinstance(where, Coordinates):
        return _remapped(images, where, stacked, out)
    if stacked is not None:
        images = stack(images, stacked).flatten(1, 2)
    pixels = where.pixel.unsqueeze(1).expand(-1, images.shape[1], -1)
    out = images.flatten(2).gather(2, pixels).view_as(images).float()
    if images.dtype == torch.uint8:
        _normalise(out.unflatten(1, (-1, RGB)))
    return out.mul_(where.inside)


def _remapped(
    images: Tensor, where: Coordinates, stacked: Tensor | None, out: Tensor | None
) -> Tensor:
    """As `augment`, image by image, without a copy of those that are stacked."""
    chosen = torch.arange(len(images)).unsqueeze(1) if stacked is None else stacked
    channels, size = images.shape[1:3]
    if out is None:
        out = torch.empty(len(chosen), chosen.shape[1] * channels, size, size)
    plane = np.empty((size, size), np.float32)  # stays in the cache
    tables = _tables() if images.dtype == torch.uint8 else None
    every = images.numpy()
    for numbers, (column, row), target in zip(chosen, where.maps(), out.numpy(), strict=True):
        shown = chain.from_iterable(every[number] for number in numbers.tolist())
        for channel, image in enumerate(shown):
            values = image if tables is None else cv2.LUT(image, tables[channel % RGB], plane)
            cv2.remap(values, column, row, cv2.INTER_NEAREST, target[channel])
    return out


@cache
def _tables() -> np.ndarray:
    """Normalised values (3, 1, 256) of all bytes in each channel."""
    every = torch.arange(256, dtype=torch.uint8).expand(RGB, 1, 256)
    return normalise(every).numpy()


def turn(vectors: Tensor, drawn: Draw) -> Tensor:
    """Rotate vectors like `augment` rotates the image they belong to; shifts do not matter.

    A flip changes the sign of u; a rotation by a degrees counter-clockwise turns (u, v), with v
    pointing down, into (u cos a + v sin a, v cos a - u sin a).

    Args:
        vectors: (B, P, C, S, S); channels 0 and 1 of C are u and v, others are scalars that do
            not change (magnitude, strain).
        drawn: one draw for each clip.

    Returns:
        (B, P, C, S, S).
    """
    angle = torch.deg2rad(drawn.degrees).view(-1, 1, 1, 1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    sign = torch.where(drawn.flip, -1.0, 1.0).view(-1, 1, 1, 1)
    u, v = vectors[:, :, 0] * sign, vectors[:, :, 1]
    turned = torch.stack((u * cos + v * sin, v * cos - u * sin), dim=2)
    return torch.cat((turned, vectors[:, :, 2:]), dim=2)


def _beyond(position: Tensor, size: int) -> Tensor:
    """0 on the canvas; off it enough to leave the frame."""
    return torch.where((position >= 0) & (position < size), 0.0, 10.0 * size)


def _excess(position: Tensor, size: int) -> Tensor:
    """How far positions lie outside of the frame, 0 inside."""
    return position.clamp(0, size - 1).sub_(position).abs_()
