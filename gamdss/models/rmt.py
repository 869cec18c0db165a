"""The paper's temporal stream: RMT on the difference of two key frames.

Source: Fan et al., "RMT: Retentive Networks Meet Vision Transformers", CVPR 2024
(arXiv 2309.11523), section 3; size and head as in GAMDSS (arXiv 2603.04766). Blocks work on maps
(B, H, W, C); convolutions see the same memory as a (B, C, H, W) view in PyTorch's channels-last
format, so neither direction needs a copy.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.layers import DropPath
from timm.models import register_model
from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.models.phase_norm import PhaseBatchNorm
from gamdss.models.retention import DWConv, Retention, RetentionTables
from gamdss.models.temporal import TemporalStream, check_image_size, check_images

DIMS = (64, 128, 256, 512)
DEPTHS = (1, 1, 2, 1)
HEADS = (2, 2, 2, 2)
DECAY_RANGES = (4, 4, 6, 6)
DECOMPOSED = (True, True, False, False)
FFN_RATIO = 3
HEAD_DIM = 1024
REDUCTION = 16  # one pixel of the stage-4 map covers 16 x 16 pixels of the image
LAYER_NORM_EPS = 1e-6


class FFN(nn.Module):
    """Linear, GELU, a residual depthwise 3x3 convolution, Linear."""

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
        """Map (B, H, W, dim) to the same shape, with the stage's tables."""
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


class Stage(nn.Module):
    """Blocks at one resolution with shared tables, then downsampling (not in stage 4).

    Args:
        index: 0 to 3.
        size: height and width of the map, pixels.
        rates: DropPath of each block.
    """

    def __init__(self, index: int, size: int, rates: list[float]) -> None:
        super().__init__()
        dim, heads = DIMS[index], HEADS[index]
        self.tables = RetentionTables(
            (size, size), heads, dim // heads, DECAY_RANGES[index], DECOMPOSED[index]
        )
        self.blocks = nn.ModuleList(RMTBlock(dim, heads, FFN_RATIO, rate) for rate in rates)
        last = index == len(DIMS) - 1
        self.downsample = nn.Identity() if last else Downsample(dim, DIMS[index + 1])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H/2, W/2), or to the same shape in stage 4."""
        x = x.permute(0, 2, 3, 1)  # (B, H, W, C)
        for block in self.blocks:
            x = block(x, self.tables)
        return self.downsample(x.permute(0, 3, 1, 2))


class RMT(TemporalStream):
    """Image classifier, and a temporal stream of the two-branch network.

    Args:
        num_classes: width of the logits; with 0 there is no head, and `forward` returns the
            averaged stage-4 features.
        image_size: height and width of the images, pixels; a multiple of 16.
        drop_path: DropPath of the last block; it grows linearly over the blocks.
        in_chans: channels of the images.

    Raises:
        ConfigError: `image_size` is not a multiple of 16.
    """

    num_features = DIMS[-1]
    reduction = REDUCTION

    def __init__(
        self,
        num_classes: int = 5,
        image_size: int = 224,
        drop_path: float = 0.1,
        in_chans: int = 3,
    ) -> None:
        super().__init__()
        check_image_size(image_size, REDUCTION)
        self.image_size = image_size
        self.num_classes = num_classes
        rates = torch.linspace(0, drop_path, sum(DEPTHS)).split(DEPTHS)
        self.stem = Stem(in_chans, DIMS[0])
        self.stages = nn.Sequential(
            *(Stage(i, image_size // 2 ** (i + 1), rates[i].tolist()) for i in range(len(DIMS)))
        )
        self.head = Head(DIMS[-1], HEAD_DIM, num_classes) if num_classes else None
        self.apply(init_linear)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to stage-4 features (B, 512, S/16, S/16)."""
        return self.stages(self.stem(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, num_classes), or features (B, 512) without a head."""
        check_images(x, self.image_size, "the batch")
        x = self.forward_features(x)
        return x.mean((2, 3)) if self.head is None else self.head(x)


def init_linear(module: nn.Module) -> None:
    """For `nn.Module.apply`: Linear truncated normal (std 0.02) and zero bias.

    LayerNorm and convolutions keep PyTorch's defaults, which are the method's.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@register_model
def gamdss_rmt(pretrained: bool = False, **kwargs: Any) -> RMT:
    """Build `RMT` for `timm.create_model("gamdss_rmt", num_classes=..., ...)`."""
    return RMT(**timm_arguments("gamdss_rmt", pretrained, kwargs))


def timm_arguments(name: str, pretrained: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Drop the arguments that `timm.create_model` adds; refuse `pretrained`."""
    if pretrained:
        raise ConfigError(
            f"{name} has no pretrained weights",
            remedy="Pass pretrained=False, or checkpoint_path=... with your own weights.",
        )
    timm_only = ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
    return {key: value for key, value in kwargs.items() if key not in timm_only}
