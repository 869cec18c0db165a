"""Retention along rows or columns on a GPU, one kernel for each direction of the pass.

A whole line fits into a multiprocessor, so that its scores are never written to memory: of every
map each pass reads and writes only what goes in and out. A gradient is a sum in a fixed order, the
same bytes each time. The kernels are in Triton, which PyTorch's builds for CUDA contain.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.library import triton_op, wrap_triton

# Triton compiles what follows, and knows neither annotations of tensors nor docstrings' shapes.
# A program does one line of one head: `length` pixels in a block of a power of two.
_EXACT = tl.constexpr("ieee")  # products of float32 would else be rounded to fewer bits


@triton.jit
def _read(line, where, inside):
    return tl.load(line + where, mask=inside, other=0)


@triton.jit
def _weights(q, k, decay, pixel, length):
    """softmax(q k^T + decay * distance), (block, block) float32."""
    scores = tl.dot(q, tl.trans(k), input_precision=_EXACT)
    scores += decay * tl.abs(pixel[:, None] - pixel[None, :]).to(tl.float32)
    scores = tl.where((pixel < length)[None, :], scores, float("-inf"))
    scores = tl.exp(scores - tl.max(scores, 1)[:, None])
    return scores / tl.sum(scores, 1)[:, None]


@triton.jit
def _place(
    across, per_image, per_line, per_pixel, length, block: tl.constexpr, channels: tl.constexpr
):
    """Where the program's line starts, its elements from there, and which of them exist."""
    number, head = tl.program_id(0), tl.program_id(1)
    image, line = (number // across).to(tl.int64), number % across
    pixel = tl.arange(0, block)
    where = pixel[:, None] * per_pixel + tl.arange(0, channels)[None, :]
    return (
        image * per_image + line * per_line + head * channels,
        pixel,
        where,
        (pixel < length)[:, None],
    )


@triton.jit
def _forward(
    q,
    k,
    v,
    decays,
    out,
    across,
    per_image,
    per_line,
    per_pixel,
    length,
    block: tl.constexpr,
    channels: tl.constexpr,
):
    start, pixel, where, inside = _place(
        across, per_image, per_line, per_pixel, length, block, channels
    )
    qs, ks = _read(q + start, where, inside), _read(k + start, where, inside)
    vs = _read(v + start, where, inside)
    weights = _weights(qs, ks, tl.load(decays + tl.program_id(1)), pixel, length)
    mixed = tl.dot(weights.to(vs.dtype), vs, input_precision=_EXACT)
    tl.store(out + start + where, mixed.to(vs.dtype), mask=inside)


@triton.jit
def _backward(
    q,
    k,
    v,
    grad,
    decays,
    dq,
    dk,
    dv,
    across,
    per_image,
    per_line,
    per_pixel,
    length,
    block: tl.constexpr,
    channels: tl.constexpr,
):
    start, pixel, where, inside = _place(
        across, per_image, per_line, per_pixel, length, block, channels
    )
    qs, ks = _read(q + start, where, inside), _read(k + start, where, inside)
    vs, gs = _read(v + start, where, inside), _read(grad + start, where, inside)
    weights = _weights(qs, ks, tl.load(decays + tl.program_id(1)), pixel, length)
    of_v = tl.dot(tl.trans(weights.to(gs.dtype)), gs, input_precision=_EXACT)
    tl.store(dv + start + where, of_v.to(gs.dtype), mask=inside)
    of_weights = tl.dot(gs, tl.trans(vs), input_precision=_EXACT)
    mean = tl.sum(weights * of_weights, 1)[:, None]
    of_scores = (weights * (of_weights - mean)).to(gs.dtype)
    of_q = tl.dot(of_scores, ks, input_precision=_EXACT)
    tl.store(dq + start + where, of_q.to(gs.dtype), mask=inside)
    of_k = tl.dot(tl.trans(of_scores), qs, input_precision=_EXACT)
    tl.store(dk + start + where, of_k.to(gs.dtype), mask=inside)


def _layout(x: Tensor, columns: bool) -> tuple[tuple[int, int], tuple[int, ...], dict[str, Any]]:
    """Grid, numbers and constants of a kernel for maps (B, H, W, heads, D)."""
    images, height, width, heads, channels = x.shape
    pixel = heads * channels
    across, length = (width, height) if columns else (height, width)
    strides = (pixel, width * pixel) if columns else (width * pixel, pixel)
    block = max(16, triton.next_power_of_2(length))
    constants = {
        "block": block,
        "channels": channels,
        "num_warps": 4 if block <= 64 else 8,
    }
    return (images * across, heads), (across, height * width * pixel, *strides, length), constants


@triton_op("gamdss::mix_lines", mutates_args=())
def mix_lines(q: Tensor, k: Tensor, v: Tensor, decays: Tensor, columns: bool) -> Tensor:
    """softmax(q k^T + decay) v of every line; the decay is `decays * |i - j|`.

    Args:
        q, k, v: contiguous (B, H, W, heads, head_dim) of one dtype, q or k already scaled.
        decays: of the heads (heads,) float32, per pixel of distance.
        columns: mix along columns instead of rows.
    """
    grid, numbers, constants = _layout(v, columns)
    out = torch.empty_like(v)
    wrap_triton(_forward)[grid](q, k, v, decays, out, *numbers, **constants)
    return out


@triton_op("gamdss::mix_lines_backward", mutates_args=())
def _mix_lines_backward(
    q: Tensor, k: Tensor, v: Tensor, grad: Tensor, decays: Tensor, columns: bool
) -> tuple[Tensor, Tensor, Tensor]:
    grid, numbers, constants = _layout(v, columns)
    dq, dk, dv = torch.empty_like(q), torch.empty_like(k), torch.empty_like(v)
    wrap_triton(_backward)[grid](q, k, v, grad, decays, dq, dk, dv, *numbers, **constants)
    return dq, dk, dv


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG001
    *tensors, ctx.columns = inputs
    ctx.save_for_backward(*tensors)


def _gradients(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    q, k, v, decays = ctx.saved_tensors
    return *_mix_lines_backward(q, k, v, grad.contiguous(), decays, ctx.columns), None, None


mix_lines.register_autograd(_gradients, setup_context=_keep)
