"""Parts of the RMT stream: stem, feed-forward network, block, downsampling, head.

Source: Fan et al., CVPR 2024 (arXiv 2309.11523), section 3; head of GAMDSS (arXiv 2603.04766).
Blocks work on maps (B, H, W, C); convolutions see the same memory as a (B, C, H, W) view in
PyTorch's channels-last format, so that no copy is made in either direction.
"""

from __future__ import annotations

import torch
from timm.layers import DropPath
from torch import Tensor, nn

from gamdss.models.dwconv import DWConv
from gamdss.models.phase_norm import PhaseBatchNorm
from gamdss.models.retention import Retention, RetentionTables

LAYER_NORM_EPS = 1e-6


class FFN(nn.Module):
    """Linear, GELU, a residual depthwise 3x3 convolution, Linear; on (B, H, W, dim)."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden_dim)
        self.activation = nn.GELU()
        self.local = DWConv(hidden_dim)
        self.reduce = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, dim) to the same shape."""
        x = self.activation(self.expand(x))
        return self.reduce(x + self.local(x))


class RMTBlock(nn.Module):
    """Conditional position encoding, retention, feed-forward; each added to its input.

    Args:
        dim: channels.
        heads: retention heads.
        ffn_ratio: hidden width of the feed-forward network over `dim`.
        drop_path: probability that a sample skips a residual branch in training.
    """

    def __init__(self, dim: int, heads: int, ffn_ratio: int, drop_path: float) -> None:
        super().__init__()
        self.position = DWConv(dim)
        self.retention_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.retention = Retention(dim, heads)
        self.ffn_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.ffn = FFN(dim, ffn_ratio * dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, tables: RetentionTables) -> Tensor:
        """Map (B, H, W, dim) to the same shape; `tables` belong to the stage."""
        x = x + self.position(x)
        x = x + self.drop_path(self.retention(self.retention_norm(x), tables))
        return x + self.drop_path(self.ffn(self.ffn_norm(x)))


class Stem(nn.Sequential):
    """Four 3x3 convolutions with BatchNorm, the first of stride 2: (B, in, H, W) -> H/2, W/2."""

    def __init__(self, in_chans: int, dim: int) -> None:
        half = dim // 2
        super().__init__(
            nn.Conv2d(in_chans, half, 3, stride=2, padding=1),
            PhaseBatchNorm(half),
            nn.GELU(),
            nn.Conv2d(half, half, 3, padding=1),
            PhaseBatchNorm(half),
            nn.GELU(),
            nn.Conv2d(half, dim, 3, padding=1),
            PhaseBatchNorm(dim),
            nn.GELU(),
            nn.Conv2d(dim, dim, 3, padding=1),
            PhaseBatchNorm(dim),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_chans, H, W) to (B, dim, H/2, W/2), channels last in memory."""
        return super().forward(x.contiguous(memory_format=torch.channels_last))


class Downsample(nn.Sequential):
    """Convolution 3x3 of stride 2 and BatchNorm: (B, C, H, W) -> (B, out_dim, H/2, W/2)."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__(nn.Conv2d(dim, out_dim, 3, stride=2, padding=1), PhaseBatchNorm(out_dim))


class Head(nn.Module):
    """Linear, BatchNorm, Swish, global average and classifier: (B, dim, H, W) -> (B, classes)."""

    def __init__(self, dim: int, hidden_dim: int, num_classes: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden_dim)
        self.norm = PhaseBatchNorm(hidden_dim)
        self.activation = nn.SiLU()
        self.classify = nn.Linear(hidden_dim, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, num_classes) of a feature map (B, dim, H, W)."""
        x = self.expand(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, hidden, H, W)
        x = self.activation(self.norm(x)).mean((2, 3))
        return self.classify(x)


def init_linear_and_norm(module: nn.Module) -> None:
    """For `nn.Module.apply`: Linear truncated normal (std 0.02) and zero bias.

    LayerNorm (1, 0) and convolutions already have what the method asks for, PyTorch's default.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
