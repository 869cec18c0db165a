"""EfficientMod-XXS, one of the temporal streams in the release's `backbone/` folder.

Source: Ma et al., "Efficient Modulation for Vision Networks", ICLR 2024 (arXiv 2403.19963), with
the sizes of the release of GAMDSS (arXiv 2603.04766, v1.0.1). Blocks work on maps (B, H, W, C).
"""

from __future__ import annotations

import torch
from timm.layers import DropPath
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from gamdss.models.depthwise import DWConv

DIMS = (64, 128, 256, 512)
DEPTHS = (2, 2, 6, 2)  # modulation blocks of each stage
ATTENTION_DEPTHS = (0, 0, 1, 2)  # attention blocks after them
EXPANSIONS = (1, 6)  # of the modulation blocks, in turn
HEADS = 8
LAYER_SCALE = 1e-4


class Embed(nn.Module):
    """Strided convolution and LayerNorm: (B, H, W, in_dim) -> (B, H/2, W/2, dim)."""

    def __init__(self, in_dim: int, dim: int, kernel_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_dim, dim, kernel_size, stride=2, padding=kernel_size // 2)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        """Halve height and width of (B, H, W, in_dim)."""
        return self.norm(self.proj(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))


class Modulation(nn.Module):
    """An MLP whose hidden layer is multiplied by a convolved context.

    Args:
        dim: channels.
        expansion: hidden width over `dim`; with 1 the hidden layer is linear.
    """

    def __init__(self, dim: int, expansion: int) -> None:
        super().__init__()
        self.expansion = expansion
        self.context = nn.Sequential(
            nn.Linear(dim, dim), DWConv(dim, 7), nn.GELU(), nn.Linear(dim, dim)
        )
        self.fc1 = nn.Linear(dim, expansion * dim)
        self.activation = nn.GELU() if expansion > 1 else nn.Identity()
        self.fc2 = nn.Linear(expansion * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, dim) to the same shape."""
        context = self.context(x).repeat(1, 1, 1, self.expansion)  # (B, H, W, expansion * dim)
        return self.fc2(self.activation(self.fc1(x)) * context)


class ModulationBlock(nn.Module):
    """LayerNorm, modulation, layer scale; added to the input."""

    def __init__(self, dim: int, expansion: int, drop_path: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.mlp = Modulation(dim, expansion)
        self.gamma = nn.Parameter(torch.full((dim,), LAYER_SCALE))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, H, W, dim) to the same shape."""
        return x + self.drop_path(self.gamma * self.mlp(self.norm(x)))


class AttentionBlock(Block):
    """timm's transformer block on the pixels of a map (B, H, W, dim)."""

    def __init__(self, dim: int, drop_path: float) -> None:
        super().__init__(dim, HEADS, drop_path=drop_path, norm_layer=nn.LayerNorm)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Map (B, H, W, dim) to the same shape."""
        return super().forward(x.flatten(1, 2)).view(x.shape)


class EfficientMod(nn.Module):
    """Images (B, in_chans, S, S) -> maps (B, 512, S/16, S/16).

    Args:
        drop_path: DropPath of the last block; it grows linearly over the blocks.
        in_chans: channels of the images.
    """

    def __init__(self, drop_path: float = 0.0, in_chans: int = 3) -> None:
        super().__init__()
        depths = [a + b for a, b in zip(DEPTHS, ATTENTION_DEPTHS, strict=True)]
        rates = torch.linspace(0, drop_path, sum(depths)).split(depths)
        dims = (in_chans, *DIMS)
        self.embeds = nn.ModuleList(
            Embed(dims[i], dims[i + 1], 3 if i else 7) for i in range(len(DIMS))
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*_blocks(DIMS[i], DEPTHS[i], rates[i].tolist())) for i in range(len(DIMS))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """The maps of all stages, (B, C, H, W) each."""
        maps = []
        x = x.permute(0, 2, 3, 1)
        for embed, stage in zip(self.embeds, self.stages, strict=True):
            x = stage(embed(x))
            maps.append(x.permute(0, 3, 1, 2))
        return maps


def _blocks(dim: int, modulations: int, rates: list[float]) -> list[nn.Module]:
    """The blocks of a stage, one for each rate: modulation first, then attention."""
    return [
        ModulationBlock(dim, EXPANSIONS[i % len(EXPANSIONS)], rate)
        if i < modulations
        else AttentionBlock(dim, rate)
        for i, rate in enumerate(rates)
    ]
