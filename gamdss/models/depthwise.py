"""Depthwise convolution of channels-last maps, by PyTorch or by this package's kernel."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gamdss.models.kernels import can_take, load_kernels, try_loading

_KERNELS = "depthwise_kernels"
_SIDE = 3  # of the kernels that they are for


class DWConv(nn.Conv2d):
    """Depthwise convolution of a channels-last map, (B, H, W, C) -> (B, H, W, C).

    Args:
        dim: channels.
        kernel_size: side of the kernel, odd.
        added: add the map to its convolution.

    Attributes:
        uses_kernels: whether maps on a GPU are convolved by this package's kernel.
    """

    uses_kernels = False

    def __init__(self, dim: int, kernel_size: int = 3, added: bool = False) -> None:
        super().__init__(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.added = added

    def use_kernels(self) -> None:
        """Convolve by this package's kernels from now on if they are for this size.

        The numbers are equal but for rounding.

        Raises:
            ImportError: Triton is missing, or PyTorch is older than 2.6.
        """
        if self.kernel_size == (_SIDE, _SIDE):
            load_kernels(_KERNELS)
            self.uses_kernels = True

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self.uses_kernels:
            self.uses_kernels = try_loading(_KERNELS)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, H, W, C)."""
        if self.uses_kernels and can_take(x):
            map_, weight = x.contiguous(), self.weight
            found: Tensor = torch.ops.gamdss.depthwise(map_, weight, self.bias, self.added)
            return found
        convolved = super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + convolved if self.added else convolved
