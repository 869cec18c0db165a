"""Depthwise 3x3 convolution of channels-last maps on a GPU, optionally added to its input.

A program walks down a strip of columns and keeps what the next rows need, so that every map is
read and written once, the sum included. The kernel is in Triton, which PyTorch's builds for CUDA
contain; gradients of weights are cuDNN's.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.library import triton_op, wrap_triton

# Triton compiles what follows, and knows neither annotations of tensors nor docstrings' shapes.
# A strip is `columns` wide and `rows` high and has `block` channels.
SIDE = 3
_STRIP = {"rows": 14, "columns": 16, "block": 64}


@triton.jit
def _strip(number, height, width, rows: tl.constexpr, columns: tl.constexpr):
    """Image, first row and columns of a strip."""
    across = tl.cdiv(width, columns)
    strips = tl.cdiv(height, rows) * across
    place = number % strips
    column = place % across * columns + tl.arange(0, columns)
    return (number // strips).to(tl.int64), place // across * rows, column


@triton.jit
def _read(x, row, column, height, width, channel, channels):
    """Pixels of a row of an image, zeros beyond its edges."""
    row += tl.zeros_like(column)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    where = ((row * width + column) * channels)[:, None] + channel[None, :]
    return tl.load(x + where, mask=inside[:, None] & (channel < channels)[None, :], other=0)


@triton.jit
def _line(x, row, column, height, width, channel, channels):
    """Pixels of a row to the left, in the middle and to the right of the columns."""
    return (
        _read(x, row, column - 1, height, width, channel, channels),
        _read(x, row, column, height, width, channel, channels),
        _read(x, row, column + 1, height, width, channel, channels),
    )


@triton.jit
def _tap(taps, number: tl.constexpr, turned: tl.constexpr, channel, channels):
    place = 8 - number if turned else number
    return tl.load(taps + place * channels + channel, mask=channel < channels, other=0)[None, :]


@triton.jit
def _taps_of(taps, line: tl.constexpr, turned: tl.constexpr, channel, channels):
    return (
        _tap(taps, 3 * line, turned, channel, channels),
        _tap(taps, 3 * line + 1, turned, channel, channels),
        _tap(taps, 3 * line + 2, turned, channel, channels),
    )


@triton.jit
def _convolve(
    x,
    taps,
    bias,
    out,
    height,
    width,
    channels,
    turned: tl.constexpr,
    biased: tl.constexpr,
    added: tl.constexpr,
    rows: tl.constexpr,
    columns: tl.constexpr,
    block: tl.constexpr,
):
    image, first, column = _strip(tl.program_id(0), height, width, rows, columns)
    channel = tl.program_id(1) * block + tl.arange(0, block)
    x += image * height * width * channels
    out += image * height * width * channels
    t0, t1, t2 = _taps_of(taps, 0, turned, channel, channels)
    t3, t4, t5 = _taps_of(taps, 1, turned, channel, channels)
    t6, t7, t8 = _taps_of(taps, 2, turned, channel, channels)
    if added:
        t4 += 1
    start = tl.zeros((1, block), tl.float32)
    if biased:
        start += tl.load(bias + channel, mask=channel < channels, other=0).to(tl.float32)[None, :]
    above = tl.zeros((columns, block), tl.float32)  # the row before, without its last line of taps
    here = above
    # The next row is on its way while a row is used.
    next_left, next_middle, next_right = _line(
        x, first - 1, column, height, width, channel, channels
    )
    for row in range(first - 1, min(first + rows, height) + 1):
        left, middle = next_left.to(tl.float32), next_middle.to(tl.float32)
        right = next_right.to(tl.float32)
        next_left, next_middle, next_right = _line(
            x, row + 1, column, height, width, channel, channels
        )
        done = above + left * t6 + middle * t7 + right * t8
        above = here + left * t3 + middle * t4 + right * t5
        here = start + left * t0 + middle * t1 + right * t2
        finished = row - 1 + tl.zeros_like(column)
        where = ((finished * width + column) * channels)[:, None] + channel[None, :]
        mask = ((column < width) & (finished >= first))[:, None] & (channel < channels)[None, :]
        tl.store(out + where, done.to(out.dtype.element_ty), mask=mask)


def _grid(x: Tensor) -> tuple[int, int]:
    """Strips and parts of the channels."""
    images, height, width, channels = x.shape
    down, across = triton.cdiv(height, _STRIP["rows"]), triton.cdiv(width, _STRIP["columns"])
    return images * down * across, triton.cdiv(channels, _STRIP["block"])


def _run(x: Tensor, weight: Tensor, bias: Tensor | None, turned: bool, added: bool) -> Tensor:
    out, taps = torch.empty_like(x), _taps(weight)
    wrap_triton(_convolve)[_grid(x)](
        x,
        taps,
        taps if bias is None else bias,
        out,
        *x.shape[1:],
        turned=turned,
        biased=bias is not None,
        added=added,
        **_STRIP,
        num_warps=4,
    )
    return out


def _taps(weight: Tensor) -> Tensor:
    """Weights (C, 1, 3, 3) as a table (9, C) float32."""
    return weight.flatten(1).t().float().contiguous()


@triton_op("gamdss::depthwise", mutates_args=())
def depthwise(x: Tensor, weight: Tensor, bias: Tensor, added: bool) -> Tensor:
    """Convolve each channel by its own weights, with zeros around the map.

    Args:
        x: contiguous (B, H, W, C).
        weight: (C, 1, 3, 3).
        bias: (C,).
        added: add `x` to the result.
    """
    return _run(x, weight, bias, False, added)


@triton_op("gamdss::depthwise_backward", mutates_args=())
def _depthwise_backward(grad: Tensor, weight: Tensor, added: bool) -> Tensor:
    """The gradient of x."""
    return _run(grad, weight, None, True, added)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    x, weight, _, ctx.added = inputs
    ctx.save_for_backward(x, weight)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    x, weight = ctx.saved_tensors
    grad = grad.contiguous()
    maps = grad.permute(0, 3, 1, 2), x.permute(0, 3, 1, 2)
    shape = [1, 1], [SIDE // 2, SIDE // 2], [1, 1], False, [0, 0], x.shape[-1]
    _, of_weight, _ = torch.ops.aten.convolution_backward(
        *maps, weight.to(x.dtype), None, *shape, [False, True, False]
    )
    of_bias = grad.sum((0, 1, 2), dtype=torch.float32).to(weight.dtype)
    return _depthwise_backward(grad, weight, ctx.added), of_weight.to(weight.dtype), of_bias, None


depthwise.register_autograd(_gradients, setup_context=_keep)
