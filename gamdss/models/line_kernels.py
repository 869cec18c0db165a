"""Retention along the rows, then the columns of a map on a GPU, one kernel for each pass.

A whole line fits into a multiprocessor, so that its scores are never written to memory. The kernels
read queries, keys and values where the projection left them, rotate them on the way and write their
gradients where it takes them back: of every map each pass reads and writes only what goes in and
out. A gradient is a sum in a fixed order, the same bytes each time. The kernels are in Triton,
which PyTorch's builds for CUDA contain.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.library import triton_op, wrap_triton

# Triton compiles what follows, and knows neither annotations of tensors nor docstrings' shapes.
# A program does one line of one head: `length` pixels in a block of a power of two. Maps of one
# part and of three parts (queries, keys, values) differ in the elements of a pixel.
_EXACT = tl.constexpr("ieee")  # products of float32 would else be rounded to fewer bits


@triton.jit
def _line(across, height, width, columns: tl.constexpr, block: tl.constexpr):
    """Numbers of the line's pixels in all maps and in one, and which of them exist."""
    number, place = tl.program_id(0), tl.arange(0, block)
    image, line = number // across, number % across
    if columns:
        pixel, exists = place * width + line, place < height
    else:
        pixel, exists = line * width + place, place < width
    return image.to(tl.int64) * height * width + pixel, pixel, exists[:, None]


@triton.jit
def _where(pixel, parts: tl.constexpr, part: tl.constexpr, channels: tl.constexpr):
    """Where the head's channels of the pixels lie in a map of so many parts."""
    heads = tl.num_programs(1)
    start = pixel * (parts * heads * channels) + (part * heads + tl.program_id(1)) * channels
    return start[:, None] + tl.arange(0, channels)[None, :]


@triton.jit
def _angles(turns, pixel, exists, block: tl.constexpr, channels: tl.constexpr):
    where = pixel[:, None] * channels + tl.arange(0, channels)[None, :]
    table = tl.load(turns + where, mask=exists, other=0)
    return tl.split(tl.reshape(table, (block, channels // 2, 2)))


@triton.jit
def _turn(x, cos, sin, block: tl.constexpr, channels: tl.constexpr):
    """Rotate pairs of channels, in float32."""
    first, second = tl.split(tl.reshape(x.to(tl.float32), (block, channels // 2, 2)))
    turned = tl.join(first * cos - second * sin, second * cos + first * sin)
    return tl.reshape(turned, (block, channels))


@triton.jit
def _rotated(qkv, turns, every, pixel, exists, scale, block: tl.constexpr, channels: tl.constexpr):
    """Queries and scaled keys, rotated, with the angles."""
    q = tl.load(qkv + _where(every, 3, 0, channels), mask=exists, other=0)
    k = tl.load(qkv + _where(every, 3, 1, channels), mask=exists, other=0)
    cos, sin = _angles(turns, pixel, exists, block, channels)
    turned_k = _turn(k, cos * scale, sin * scale, block, channels).to(k.dtype)
    return _turn(q, cos, sin, block, channels).to(q.dtype), turned_k, cos, sin


@triton.jit
def _weights(q, k, decays, exists, block: tl.constexpr):
    """softmax(q k^T + decay * distance), (block, block) float32."""
    place = tl.arange(0, block)
    scores = tl.dot(q, tl.trans(k), input_precision=_EXACT)
    distance = tl.abs(place[:, None] - place[None, :]).to(tl.float32)
    scores += tl.load(decays + tl.program_id(1)) * distance
    scores = tl.where(tl.trans(exists), scores, float("-inf"))
    scores = tl.exp(scores - tl.max(scores, 1)[:, None])
    return scores / tl.sum(scores, 1)[:, None]


@triton.jit
def _forward(
    qkv,
    values,
    turns,
    decays,
    out,
    copied,
    across,
    height,
    width,
    scale,
    columns: tl.constexpr,
    block: tl.constexpr,
    channels: tl.constexpr,
):
    """Rows mix the values of `qkv`, and copy them to `copied`; columns mix `values`."""
    every, pixel, exists = _line(across, height, width, columns, block)
    q, k, _, _ = _rotated(qkv, turns, every, pixel, exists, scale, block, channels)
    where = _where(every, 1, 0, channels)
    if columns:
        v = tl.load(values + where, mask=exists, other=0)
    else:
        v = tl.load(qkv + _where(every, 3, 2, channels), mask=exists, other=0)
        tl.store(copied + where, v, mask=exists)
    weights = _weights(q, k, decays, exists, block)
    mixed = tl.dot(weights.to(v.dtype), v, input_precision=_EXACT)
    tl.store(out + where, mixed.to(v.dtype), mask=exists)


@triton.jit
def _backward(
    qkv,
    values,
    turns,
    decays,
    grad,
    of_copied,
    of_qkv,
    of_values,
    across,
    height,
    width,
    scale,
    columns: tl.constexpr,
    block: tl.constexpr,
    channels: tl.constexpr,
):
    """First columns: to `of_values`, and to `of_qkv` before it is turned back. Then rows."""
    every, pixel, exists = _line(across, height, width, columns, block)
    q, k, cos, sin = _rotated(qkv, turns, every, pixel, exists, scale, block, channels)
    where = _where(every, 1, 0, channels)
    of_q, of_k = _where(every, 3, 0, channels), _where(every, 3, 1, channels)
    of_v = _where(every, 3, 2, channels)
    g = tl.load(grad + where, mask=exists, other=0)
    if columns:
        v = tl.load(values + where, mask=exists, other=0)
    else:
        v = tl.load(qkv + of_v, mask=exists, other=0)
    weights = _weights(q, k, decays, exists, block)
    found = tl.dot(tl.trans(weights.to(g.dtype)), g, input_precision=_EXACT)
    if columns:
        tl.store(of_values + where, found.to(g.dtype), mask=exists)
    else:
        found += tl.load(of_copied + where, mask=exists, other=0).to(tl.float32)
        tl.store(of_qkv + of_v, found.to(g.dtype), mask=exists)
    of_weights = tl.dot(g, tl.trans(v), input_precision=_EXACT)
    mean = tl.sum(weights * of_weights, 1)[:, None]
    of_scores = (weights * (of_weights - mean)).to(g.dtype)
    found = tl.dot(of_scores, k, input_precision=_EXACT)
    if not columns:
        found += tl.load(of_qkv + of_q, mask=exists, other=0).to(tl.float32)
        found = _turn(found, cos, -sin, block, channels)
    tl.store(of_qkv + of_q, found.to(g.dtype), mask=exists)
    found = tl.dot(tl.trans(of_scores), q, input_precision=_EXACT)
    if not columns:
        found += tl.load(of_qkv + of_k, mask=exists, other=0).to(tl.float32)
        found = _turn(found, cos * scale, -sin * scale, block, channels)
    tl.store(of_qkv + of_k, found.to(g.dtype), mask=exists)


def _layout(qkv: Tensor, columns: bool) -> tuple[tuple[int, int], tuple[Any, ...], dict[str, Any]]:
    """Grid, numbers and constants of a kernel for maps (B, H, W, 3, heads, D)."""
    images, height, width, _, heads, channels = qkv.shape
    across, length = (width, height) if columns else (height, width)
    block = max(16, triton.next_power_of_2(length))
    constants = {"columns": columns, "block": block, "channels": channels}
    return (images * across, heads), (across, height, width, channels**-0.5), constants


@triton_op("gamdss::mix_lines", mutates_args=())
def mix_lines(qkv: Tensor, turns: Tensor, decays: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """softmax(q k^T + decay) v of every row, and of every column of the result.

    The decay is `decays * |i - j|`; queries and keys are rotated before, and keys scaled.

    Args:
        qkv: contiguous (B, H, W, 3, heads, head_dim): queries, keys, values.
        turns: cos and sin (H, W, 1, head_dim / 2, 2) float32.
        decays: of the heads (heads,) float32, per pixel of distance.

    Returns:
        The result, that of the rows, and a copy of the values, each (B, H, W, heads, head_dim).
    """
    shape = (*qkv.shape[:3], *qkv.shape[4:])
    rows, out, values = (qkv.new_empty(shape) for _ in range(3))
    for columns, target in ((False, rows), (True, out)):
        grid, numbers, constants = _layout(qkv, columns)
        warps = 4 if constants["block"] <= 64 else 8
        wrap_triton(_forward)[grid](
            qkv, rows, turns, decays, target, values, *numbers, **constants, num_warps=warps
        )
    return out, rows, values


@triton_op("gamdss::mix_lines_backward", mutates_args=())
def _mix_lines_backward(
    qkv: Tensor, rows: Tensor, turns: Tensor, decays: Tensor, grad: Tensor, of_values: Tensor
) -> Tensor:
    of_qkv, of_rows = torch.empty_like(qkv), torch.empty_like(rows)
    for columns, upstream in ((True, grad), (False, of_rows)):
        grid, numbers, constants = _layout(qkv, columns)
        wrap_triton(_backward)[grid](
            qkv,
            rows,
            turns,
            decays,
            upstream,
            of_values,
            of_qkv,
            of_rows,
            *numbers,
            **constants,
            num_warps=4,
        )
    return of_qkv


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    qkv, turns, decays = inputs
    ctx.save_for_backward(qkv, output[1], turns, decays)


def _gradients(ctx: Any, grad: Tensor, _: Tensor, of_values: Tensor) -> tuple[Tensor | None, ...]:
    found = _mix_lines_backward(*ctx.saved_tensors, grad.contiguous(), of_values.contiguous())
    return found, None, None


mix_lines.register_autograd(_gradients, setup_context=_keep)
