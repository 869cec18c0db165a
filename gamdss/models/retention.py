"""Manhattan-decay retention: softmax attention whose scores fall off with distance in the image.

Source: Fan et al., "RMT: Retentive Networks Meet Vision Transformers", CVPR 2024
(arXiv 2309.11523), section 3; the token mixer of the temporal stream in GAMDSS (arXiv 2603.04766).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention

from gamdss.models.depthwise import DWConv
from gamdss.models.kernels import can_take, load_kernels, try_loading

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import FlexKernelOptions  # from PyTorch 2.9 on

# Of `mix`: `mix`, `mix_fused`, `mix_by_index`, and of lines alone `line_kernels.mix_lines`.
FORMS = ("written", "fused", "index", "lines")
_KERNELS = "line_kernels"
Mixer = Callable[[Tensor, Tensor, Tensor], Tensor]


def head_decays(heads: int, decay_range: float) -> Tensor:
    """Logarithm of each head's decay per pixel of distance, (heads,), negative.

    Head `n` has the factor `1 - 2^-(2 + decay_range * n / heads)` per pixel.
    """
    exponent = 2 + decay_range * torch.arange(heads, dtype=torch.float64) / heads
    return torch.log1p(-(2.0**-exponent))


def line_decay(length: int, decays: Tensor) -> Tensor:
    """Decay mask along one line of pixels: (heads, length, length), `decay * |i - j|`."""
    position = torch.arange(length, dtype=decays.dtype)
    return decays[:, None, None] * (position[:, None] - position[None, :]).abs()


def manhattan_decay(height: int, width: int, decays: Tensor) -> Tensor:
    """Decay mask of an image's pixels in row-major order: (heads, height*width, height*width).

    Entry `[n, i, j]` is `decay_n * (|row_i - row_j| + |column_i - column_j|)`.
    """
    rows = line_decay(height, decays)[:, :, None, :, None]  # (n, H, 1, H, 1)
    columns = line_decay(width, decays)[:, None, :, None, :]  # (n, 1, W, 1, W)
    return (rows + columns).reshape(len(decays), height * width, height * width)


def rotation_angles(height: int, width: int, head_dim: int) -> Tensor:
    """Angle of every channel pair at every pixel: (height, width, head_dim / 2), radians.

    Pair `m` at row-major pixel index `p` turns by `p * 10000^-(m / (head_dim/2 - 1))`.
    """
    frequency = 10000.0 ** -torch.linspace(0, 1, head_dim // 2, dtype=torch.float64)
    pixel = torch.arange(height * width, dtype=torch.float64).reshape(height, width, 1)
    return pixel * frequency


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Rotate neighbouring channel pairs (a, b) -> (a cos - b sin, b cos + a sin).

    A complex product, 5 to 10 times as fast on the CPU as slicing the pairs. In float32 even under
    autocast, so that large angles stay accurate.

    Args:
        x: (B, H, W, heads, head_dim).
        turns: (H, W, 1, head_dim / 2, 2), cos and sin.
    """
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))  # (B, H, W, n, d/2)
    turned = torch.view_as_real(pairs * torch.view_as_complex(turns.float()))
    return turned.flatten(-2).to(x.dtype)


def rotate_in_reals(x: Tensor, turns: Tensor) -> Tensor:
    """`rotate` without complex numbers, which exported graphs do not support, nor compilers fuse.

    Forward and backward take 4 times as long on the CPU. On a GPU, swapped pairs take a third of
    the time of parts that are put together again.
    """
    pairs = x.float().unflatten(-1, (-1, 2))  # (B, H, W, n, d/2, 2)
    cos, sin = turns.float().split(1, -1)  # (H, W, 1, d/2, 1)
    sign = torch.arange(-1, 2, 2, device=x.device)
    return (pairs * cos + pairs.flip(-1) * (sin * sign)).flatten(-2).to(x.dtype)


def mix(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    """Return softmax(q k^T + decay) v, written out.

    On the CPU forward and backward take 0.8 to 1.0 of the fused kernel's time in float32, 0.2 to
    0.6 in bfloat16 (torch 2.15; 112 and 224 pixels, batch 8, 1 and 2 threads).

    Args:
        q, k, v: (B, heads, L, head_dim), q or k already scaled.
        decay: (heads, L, L).
    """
    return (q @ k.transpose(-2, -1) + decay.to(q.dtype)).softmax(-1) @ v


def mix_fused(q: Tensor, k: Tensor, v: Tensor, decay: Tensor) -> Tensor:
    """`mix` by PyTorch's fused kernel, which reads the decay as a bias.

    Args:
        q, k, v: (B, heads, L, head_dim).
        decay: (heads, L, L), best in rows padded by `padded_rows`, else the kernel copies it.
    """
    bias = decay[None].to(q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=1.0)


def padded_rows(decay: Tensor) -> Tensor:
    """The same table (heads, L, L) in memory whose rows start at multiples of 16 elements."""
    length = decay.shape[-1]
    return F.pad(decay, (0, -length % 16))[..., :length]


def mix_by_index(q: Tensor, k: Tensor, v: Tensor, decays: Tensor, width: int) -> Tensor:
    """`mix` by FlexAttention, which computes the decay from the pixels' indices.

    Fast when compiled for CUDA; elsewhere PyTorch writes it out.

    Args:
        q, k, v: (B, heads, L, head_dim).
        decays: of the heads (heads,), per pixel of distance.
        width: pixels of a row of the map; L for the pixels of one line.
    """

    def decayed(score: Tensor, _: Tensor, head: Tensor, i: Tensor, j: Tensor) -> Tensor:
        rows, columns = (i // width - j // width).abs(), (i % width - j % width).abs()
        return score + decays[head] * (rows + columns)

    # Without the option, lines shorter than 128 pixels get a kernel for generating text.
    force: FlexKernelOptions = {"FORCE_USE_FLEX_ATTENTION": True}
    options = force if q.is_cuda else None
    mixed: Tensor = flex_attention(q, k, v, score_mod=decayed, scale=1.0, kernel_options=options)
    return mixed


def whole_retention(q: Tensor, k: Tensor, v: Tensor, mix: Mixer) -> Tensor:
    """Retention of every pixel with every other.

    Args:
        q, k, v: (B, H, W, heads, head_dim); q and k already rotated, one of them scaled.
        mix: of all pixels, with a decay from `manhattan_decay`.

    Returns:
        (B, H, W, heads, head_dim).
    """
    height = q.shape[1]
    q, k, v = (t.flatten(1, 2).transpose(1, 2) for t in (q, k, v))  # (B, n, H*W, d)
    return mix(q, k, v).transpose(1, 2).unflatten(1, (height, -1))


def decomposed_retention(
    q: Tensor, k: Tensor, v: Tensor, mix_row: Mixer, mix_column: Mixer
) -> Tensor:
    """Retention along each row, then along each column of the result.

    Args:
        q, k, v: (B, H, W, heads, head_dim); q and k already rotated, one of them scaled.
        mix_row, mix_column: of the pixels of a row and of a column, with decays from `line_decay`.

    Returns:
        (B, H, W, heads, head_dim).
    """
    v = _along_rows(q, k, v, mix_row)
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))  # (B, W, H, n, d)
    return _along_rows(q, k, v, mix_column).transpose(1, 2)


def _along_rows(q: Tensor, k: Tensor, v: Tensor, mix: Mixer) -> Tensor:
    batch = q.shape[0]
    q, k, v = (t.flatten(0, 1).transpose(1, 2) for t in (q, k, v))  # (B*H, n, W, d)
    return mix(q, k, v).transpose(1, 2).unflatten(0, (batch, -1))


class RetentionTables(nn.Module):
    """Rotation and decay tables of one stage, computed once for its resolution.

    They are buffers, so they move with the model, but are not saved: they depend only on the
    architecture.

    Args:
        resolution: height and width of the stage's map, pixels.
        heads, head_dim: retention heads of the stage, and channels of each.
        decay_range: spread of the heads' decays, see `head_decays`.
        decomposed: rows, then columns (stages 1 and 2), instead of all pixels with all.

    Attributes:
        in_reals: rotate without complex numbers; set for export.
        form: one of `FORMS`, how to mix; equal but for rounding.
    """

    in_reals = False
    form = "written"
    turns: Tensor
    scaled_turns: Tensor
    decays: Tensor
    row_decay: Tensor
    column_decay: Tensor
    decay: Tensor

    def __init__(
        self,
        resolution: tuple[int, int],
        heads: int,
        head_dim: int,
        decay_range: float,
        decomposed: bool,
    ) -> None:
        super().__init__()
        self.decomposed = decomposed
        height, width = self.resolution = resolution
        angles = rotation_angles(height, width, head_dim)[:, :, None, :]  # (H, W, 1, d/2)
        self._keep("turns", torch.stack((angles.cos(), angles.sin()), dim=-1))
        self._keep("scaled_turns", self.turns * head_dim**-0.5)
        decays = head_decays(heads, decay_range)
        self._keep("decays", decays)
        if decomposed:
            self._keep("row_decay", line_decay(width, decays))
            self._keep("column_decay", line_decay(height, decays))
        else:
            self._keep("decay", manhattan_decay(height, width, decays))

    @property
    def forms(self) -> tuple[str, ...]:
        """The forms that this stage can have."""
        return FORMS if self.decomposed else tuple(form for form in FORMS if form != "lines")

    def _keep(self, name: str, table: Tensor) -> None:
        self.register_buffer(name, table.float(), persistent=False)

    def use(self, form: str, dtype: torch.dtype) -> None:
        """Mix by `form` from now on, with decays in the dtype of the scores.

        Else they would be cast in every step.

        Raises:
            ImportError: Triton is missing, which `lines` needs.
        """
        if form == "lines":
            load_kernels(_KERNELS)
        self.form = form
        for name in ("row_decay", "column_decay") if self.decomposed else ("decay",):
            self.register_buffer(name, padded_rows(getattr(self, name).to(dtype)), persistent=False)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.form == "lines" and not try_loading(_KERNELS):
            self.form = FORMS[0]

    def packed(self, qkv: Tensor) -> tuple[Tensor, Tensor]:
        """Mix queries, keys and values (B, H, W, 3, heads, head_dim) from one projection.

        Returns:
            The result and the values, (B, H, W, heads, head_dim).
        """
        if self.form == "lines" and can_take(qkv):
            mixed, _, v = torch.ops.gamdss.mix_lines(qkv, self.turns, self.decays)
            return mixed, v
        q, k, v = qkv.unbind(3)
        return self(q, k, v), v

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Mix v by retention between q and k before rotation; all (B, H, W, heads, head_dim).

        For the form `lines` use `packed`; this computes the written-out form.
        """
        in_reals = self.in_reals or torch.compiler.is_compiling()
        turn = rotate_in_reals if in_reals else rotate
        q, k = turn(q, self.turns), turn(k, self.scaled_turns)
        height, width = self.resolution
        if self.decomposed:
            rows, columns = self._mixer("row_decay", width), self._mixer("column_decay", height)
            return decomposed_retention(q, k, v, rows, columns)
        return whole_retention(q, k, v, self._mixer("decay", width))

    def _mixer(self, name: str, width: int) -> Mixer:
        if self.form == "index":
            return partial(mix_by_index, decays=self.decays, width=width)
        return partial(mix_fused if self.form == "fused" else mix, decay=getattr(self, name))


class Retention(nn.Module):
    """Projections around the token mixer, plus LEPE, a depthwise 5x5 convolution of v.

    Args:
        dim: channels, divisible by `heads`.
        heads: number of retention heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(dim, dim)
        self.k_proj = nn.Linear(dim, dim)
        self.v_proj = nn.Linear(dim, dim)
        self.lepe = DWConv(dim, 5)
        self.out_proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, tables: RetentionTables) -> Tensor:
        """Map (B, H, W, dim) to the same shape."""
        layers = (self.q_proj, self.k_proj, self.v_proj)
        if torch.compiler.is_compiling() or tables.form == "lines":
            # One product in place of three: fewer kernels and reads.
            weight = torch.cat([layer.weight for layer in layers])
            bias = torch.cat([layer.bias for layer in layers])
            qkv = F.linear(x, weight, bias).unflatten(-1, (3, self.heads, -1))
            mixed, v = tables.packed(qkv)
            v = v.contiguous()  # else it is copied for each gradient of the convolution
        else:  # each (B, H, W, n, d)
            q, k, v = (layer(x).unflatten(-1, (self.heads, -1)) for layer in layers)
            mixed = tables(q, k, v)
        return self.out_proj(mixed.flatten(-2) + self.lepe(v.flatten(-2)))
