"""Depthwise convolution on channels-last maps."""

from __future__ import annotations

from torch import Tensor, nn


class DWConv(nn.Conv2d):
    """Depthwise convolution of a channels-last map, (B, H, W, C) -> (B, H, W, C)."""

    def __init__(self, dim: int, kernel_size: int = 3) -> None:
        super().__init__(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, H, W, C)."""
        return super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
