"""The paper's temporal stream: RMT on the difference of two key frames.

Source: Fan et al., "RMT: Retentive Networks Meet Vision Transformers", CVPR 2024
(arXiv 2309.11523), section 3; size and head as in GAMDSS (arXiv 2603.04766). Blocks work on maps
(B, H, W, C); convolutions see the same memory as a (B, C, H, W) view in PyTorch's channels-last
format, so neither direction needs a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from timm.layers import DropPath
from timm.models._features import feature_take_indices
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from gamdss.models.depthwise import DWConv
from gamdss.models.heads import HEAD_DIM, Head, PlainHead, init_linear
from gamdss.models.phase_norm import PhaseBatchNorm
from gamdss.models.retention import Retention, RetentionTables
from gamdss.models.temporal import TemporalStream, check_image_size, check_images
from gamdss.models.timm_api import HasHead, Levels, OutputFormat, check_sizes, chosen_levels

DIMS = (64, 128, 256, 512)
DEPTHS = (1, 1, 2, 1)
HEADS = (2, 2, 2, 2)
DECAY_RANGES = (4, 4, 6, 6)
DECOMPOSED = (True, True, False, False)
FFN_RATIO = 3
REDUCTION = 16  # one pixel of the stage-4 map covers 16 x 16 pixels of the image
LAYER_NORM_EPS = 1e-6


@torch.library.custom_op("gamdss::gelu", mutates_args=())
def stored_gelu(x: Tensor) -> Tensor:
    """GELU as one operator to the compiler, which then stores its result.

    Otherwise it computes GELU twice: for the kernel that follows, and for the backward pass.
    """
    return functional.gelu(x)


@stored_gelu.register_fake
def _of_shape(x: Tensor) -> Tensor:
    return torch.empty_like(x)


def _keep(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ARG001
    ctx.save_for_backward(*inputs)


def _gradient(ctx: Any, grad: Tensor) -> Tensor:
    return torch.ops.aten.gelu_backward(grad, *ctx.saved_tensors)


stored_gelu.register_autograd(_gradient, setup_context=_keep)


class FFN(nn.Module):
    """Linear, GELU, a residual depthwise 3x3 convolution, Linear."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.expand = nn.Linear(dim, hidden_dim)
        self.activation = nn.GELU()
        self.local = DWConv(hidden_dim, added=True)
        self.reduce = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, dim) to the same shape."""
        x = self.expand(x)
        stored = torch.compiler.is_compiling() and self.local.uses_kernels
        return self.reduce(self.local(stored_gelu(x) if stored else self.activation(x)))


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
        self.position = DWConv(dim, added=True)
        self.retention_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.retention = Retention(dim, heads)
        self.ffn_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.ffn = FFN(dim, ffn_ratio * dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, tables: RetentionTables) -> Tensor:
        """Map (B, H, W, dim) to the same shape, with the stage's tables."""
        x = self.position(x)
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


class Stage(nn.Module):
    """Blocks at one resolution with shared tables, then downsampling (not in stage 4).

    Args:
        index: 0 to 3.
        size: height and width of the map, pixels.
        rates: DropPath of each block.
    """

    grad_checkpointing = False

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
        return self.downsample(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape, by the blocks."""
        x = x.permute(0, 2, 3, 1)  # (B, H, W, C)
        for block in self.blocks:
            if self.grad_checkpointing and self.training:
                x = checkpoint(block, x, self.tables, use_reentrant=False)
            else:
                x = block(x, self.tables)
        return x.permute(0, 3, 1, 2)


class RMTStream(TemporalStream):
    """The temporal stream: stem and stages without a head.

    Args:
        image_size: height and width of the images, pixels; a multiple of 16.
        drop_path: DropPath of the last block; it grows linearly over the blocks.
        in_chans: channels of the images.

    Raises:
        ConfigError: `image_size` is not a multiple of 16.
    """

    num_features: int = DIMS[-1]
    reduction = REDUCTION

    def __init__(self, image_size: int = 224, drop_path: float = 0.1, in_chans: int = 3) -> None:
        super().__init__()
        check_image_size(image_size, REDUCTION)
        self.image_size = image_size
        rates = torch.linspace(0, drop_path, sum(DEPTHS)).split(DEPTHS)
        self.stem = Stem(in_chans, DIMS[0])
        self.stages = nn.Sequential(
            *(Stage(i, image_size // 2 ** (i + 1), rates[i].tolist()) for i in range(len(DIMS)))
        )
        self.apply(init_linear)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to stage-4 features (B, 512, S/16, S/16)."""
        return self.stages(self.stem(x))

    @property
    def feature_info(self) -> Sequence[Mapping[str, Any]]:
        """Channels and reduction of the stages."""
        return [
            {"num_chs": DIMS[i], "reduction": 2 ** (i + 1), "module": f"stages.{i}"}
            for i in range(len(self.stages))
        ]

    def forward_levels(self, x: Tensor) -> list[Tensor]:
        """The maps of the stages, before downsampling."""
        x, maps = self.stem(x), []
        for stage in cast(Iterable[Stage], self.stages):
            maps.append(stage.features(x))
            x = stage.downsample(maps[-1])
        return maps

    def group_matcher(self, coarse: bool = False) -> Any:
        """Stem, then stages (`coarse`) or blocks."""
        blocks = [(r"^stages\.(\d+)\.blocks\.(\d+)", None), (r"^stages\.(\d+)\.downs", (99,))]
        return {"stem": r"^stem", "blocks": r"^stages\.(\d+)" if coarse else blocks}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations of the blocks, which have no BatchNorm, again in backward."""
        for stage in cast(Iterable[Stage], self.stages):
            stage.grad_checkpointing = enable


class RMT(RMTStream, HasHead):
    """RMT as an image classifier, by timm's conventions.

    Args:
        num_classes: width of the logits; with 0 `forward` returns what the classifier would take,
            (B, 1024).
        image_size, drop_path, in_chans: as `RMTStream`.
        global_pool: pooling of the head's map; none (`""`) only without classes.

    Raises:
        ConfigError: `image_size` is not a multiple of 16, or a size that no network can have.
    """

    def __init__(
        self,
        num_classes: int = 5,
        image_size: int = 224,
        drop_path: float = 0.1,
        in_chans: int = 3,
        global_pool: str = "avg",
    ) -> None:
        check_sizes(num_classes, in_chans, drop_path, global_pool)
        super().__init__(image_size, drop_path, in_chans)
        self.num_classes = num_classes
        self.head = Head(DIMS[-1], HEAD_DIM, num_classes, global_pool)
        self.head.apply(init_linear)

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (B, num_classes) of a map (B, 512, H, W), or what they are computed from."""
        return self.head(x, pre_logits)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, num_classes) of images (B, in_chans, S, S)."""
        check_images(x, self.image_size, "the batch")
        return self.forward_head(self.forward_features(x))

    def forward_intermediates(
        self,
        x: Tensor,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,  # noqa: ARG002
        stop_early: bool = False,  # noqa: ARG002
        output_fmt: OutputFormat = "NCHW",
        intermediates_only: bool = False,
    ) -> Levels:
        """timm's: the last map and those of the stages, or only the latter.

        `norm` and `stop_early` have no effect: RMT ends in no norm, and
        `prune_intermediate_layers` removes stages that are not needed.
        """
        maps = self.forward_levels(x)
        chosen = chosen_levels(maps, indices, output_fmt)
        return chosen if intermediates_only else (maps[-1], chosen)

    def prune_intermediate_layers(
        self,
        indices: int | Sequence[int] = 1,
        prune_norm: bool = False,  # noqa: ARG002
        prune_head: bool = True,
    ) -> list[int]:
        """Remove the stages after the last of these, and the head."""
        numbers = indices if isinstance(indices, int) else list(indices)
        places, last = feature_take_indices(len(self.stages), numbers)
        self.stages = self.stages[: last + 1]
        self.stages[-1].downsample = nn.Identity()
        self.num_features = DIMS[last]
        if prune_head:
            self.num_classes = 0
            self.head = PlainHead(DIMS[last], 0)
        return list(places)
