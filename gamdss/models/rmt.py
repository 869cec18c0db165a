"""The temporal stream: RMT over the difference of two key frames.

Source: Fan et al., "RMT: Retentive Networks Meet Vision Transformers", CVPR 2024
(arXiv 2309.11523), in the size that GAMDSS (arXiv 2603.04766) uses.
"""

from __future__ import annotations

from typing import Any

import torch
from timm.models import register_model
from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.models.blocks import Downsample, Head, RMTBlock, Stem, init_linear_and_norm
from gamdss.models.retention import RetentionTables
from gamdss.models.temporal import TemporalStream, check_image_size, check_images

DIMS = (64, 128, 256, 512)
DEPTHS = (1, 1, 2, 1)
HEADS = (2, 2, 2, 2)
DECAY_RANGES = (4, 4, 6, 6)
DECOMPOSED = (True, True, False, False)
FFN_RATIO = 3
HEAD_DIM = 1024
REDUCTION = 16  # one pixel of the stage-4 map covers 16 x 16 pixels of the image


class Stage(nn.Module):
    """Blocks at one resolution that share their tables, then downsampling (not in stage 4)."""

    def __init__(
        self, tables: RetentionTables, blocks: list[RMTBlock], downsample: nn.Module
    ) -> None:
        super().__init__()
        self.tables = tables
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', H/2, W/2), or to the same shape in stage 4."""
        x = x.permute(0, 2, 3, 1)  # (B, H, W, C)
        for block in self.blocks:
            x = block(x, self.tables)
        return self.downsample(x.permute(0, 3, 1, 2))


class RMT(TemporalStream):
    """Image classifier, and feature extractor of the two-branch network.

    Args:
        num_classes: width of the logits; 0 leaves the head out, `forward` then returns the
            averaged stage-4 features.
        image_size: height and width of the images, pixels; a multiple of 16.
        drop_path: DropPath of the last block; the blocks before have linearly less.
        in_chans: channels of the images.

    Raises:
        ConfigError: `image_size` is no multiple of 16.
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
            *(_stage(i, image_size // 2 ** (i + 1), rates[i].tolist()) for i in range(len(DIMS)))
        )
        self.head = Head(DIMS[-1], HEAD_DIM, num_classes) if num_classes else None
        self.apply(init_linear_and_norm)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to stage-4 features (B, 512, S/16, S/16)."""
        return self.stages(self.stem(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, num_classes), or features (B, 512) without a head."""
        check_images(x, self.image_size, "the batch")
        x = self.forward_features(x)
        return x.mean((2, 3)) if self.head is None else self.head(x)


def _stage(index: int, size: int, rates: list[float]) -> Stage:
    dim, heads = DIMS[index], HEADS[index]
    tables = RetentionTables(
        (size, size), heads, dim // heads, DECAY_RANGES[index], DECOMPOSED[index]
    )
    blocks = [RMTBlock(dim, heads, FFN_RATIO, rate) for rate in rates]
    last = index == len(DIMS) - 1
    return Stage(tables, blocks, nn.Identity() if last else Downsample(dim, DIMS[index + 1]))


@register_model
def gamdss_rmt(pretrained: bool = False, **kwargs: Any) -> RMT:
    """Build `RMT` for `timm.create_model("gamdss_rmt", num_classes=..., ...)`."""
    return RMT(**timm_arguments("gamdss_rmt", pretrained, kwargs))


def timm_arguments(name: str, pretrained: bool, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Drop what `timm.create_model` adds of its own; refuse weights that nobody published."""
    if pretrained:
        raise ConfigError(
            f"{name} has no pretrained weights",
            remedy="Pass pretrained=False, or checkpoint_path=... with your own weights.",
        )
    timm_only = ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")
    return {key: value for key, value in kwargs.items() if key not in timm_only}
