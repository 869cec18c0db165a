"""The spatial stream: a small ViT that encodes where on the face the motion is.

Source: GAMDSS (arXiv 2603.04766), position calibration; transformer blocks from timm.
"""

from __future__ import annotations

from math import gcd

import torch
import torch.nn.functional as F
from timm.layers import LayerNorm
from timm.models.vision_transformer import Block
from torch import Tensor, nn

from gamdss.models.heads import init_linear
from gamdss.models.temporal import PAPER_WIDTH

DEPTH = 2  # transformer blocks
HEADS = 4  # of attention, at most: fewer if they do not divide the width


class SpatialStream(nn.Module):
    """One key frame -> a map that is added to the temporal stream's features.

    Args:
        width: channels of the temporal features and of this map.
        grid: height and width of the temporal features and of this map.
        antialias: smooth while shrinking the frame to the grid; the original did not.
        in_chans: channels of the frame.
        widest: most channels of the transformer; wider maps are projected from them.
    """

    def __init__(
        self,
        width: int = 512,
        grid: int = 14,
        *,
        antialias: bool = True,
        in_chans: int = 3,
        widest: int = PAPER_WIDTH,
    ) -> None:
        super().__init__()
        self.grid = grid
        self.antialias = antialias
        inner = min(width, widest)
        heads = gcd(inner, HEADS)
        self.embed = nn.Conv2d(in_chans, inner, 1)
        self.position = nn.Parameter(torch.empty(1, grid * grid, inner))
        self.blocks = nn.Sequential(
            *(Block(inner, heads, qkv_bias=True, norm_layer=LayerNorm) for _ in range(DEPTH))
        )
        self.norm = LayerNorm(inner)  # like the blocks', eps 1e-6
        self.widen = nn.Identity() if inner == width else nn.Linear(inner, width)
        self.apply(init_linear)
        nn.init.trunc_normal_(self.position, std=0.02)

    def forward(self, frame: Tensor) -> Tensor:
        """Map a frame (B, in_chans, S, S) to (B, width, grid, grid)."""
        small = F.interpolate(
            frame, (self.grid, self.grid), mode="bilinear", antialias=self.antialias
        )
        x = self.embed(small).flatten(2).transpose(1, 2)  # (B, grid*grid, inner)
        x = self.widen(self.norm(self.blocks(x + self.position)))  # (B, grid*grid, width)
        return x.transpose(1, 2).unflatten(2, (self.grid, self.grid))
