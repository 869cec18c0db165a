"""Depthwise convolution of channels-last maps, by PyTorch or by this package's kernel."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class DWConv(nn.Conv2d):
    """Depthwise convolution of a channels-last map, (B, H, W, C) -> (B, H, W, C).

    Args:
        dim: channels.
        kernel_size: side of the kernel, odd.
        added: add the map to its convolution.
    """

    _kernels: Callable[[Tensor, Tensor, Tensor, bool], Tensor] | None = None

    def __init__(self, dim: int, kernel_size: int = 3, added: bool = False) -> None:
        super().__init__(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.added = added

    @property
    def uses_kernels(self) -> bool:
        """Whether the convolution is this package's kernel."""
        return self._kernels is not None

    def use_kernels(self) -> None:
        """Convolve by this package's kernels from now on if they are for this size.

        The numbers are equal but for rounding.

        Raises:
            ImportError: Triton is missing, or PyTorch is older than 2.6.
        """
        from gamdss.models.depthwise_kernels import SIDE, depthwise  # noqa: PLC0415  (needs Triton)

        if self.kernel_size == (SIDE, SIDE):
            self._kernels = depthwise

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (B, H, W, C)."""
        if self._kernels is not None:
            assert self.bias is not None
            return self._kernels(x.contiguous(), self.weight, self.bias, self.added)
        convolved = super().forward(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return x + convolved if self.added else convolved
