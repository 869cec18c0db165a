"""BatchNorm for batches that hold several phases one after another.

The original passes the rising and then the falling phase through its network (GAMDSS,
arXiv 2603.04766): each is normalised by its own statistics, and both move the running ones, in
that order. Here both can pass at once and the numbers stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class PhaseBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d that, in training, takes each of `phases` equal parts of a batch on its own."""

    phases = 1

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        if self.phases == 1 or not self.training:
            return super().forward(x)
        norm = super().forward
        return torch.cat([norm(part) for part in x.chunk(self.phases)])


@contextmanager
def phases_at_once(net: nn.Module, phases: int) -> Iterator[None]:
    """Within it, batches of `net` hold this many phases of equal size."""
    norms = [module for module in net.modules() if isinstance(module, PhaseBatchNorm)]
    for norm in norms:
        norm.phases = phases
    try:
        yield
    finally:
        for norm in norms:
            norm.phases = 1


def keeps_phases_apart(net: nn.Module) -> bool:
    """Whether phases that pass `net` at once do not mix: no other norm has batch statistics."""
    mixing = nn.modules.batchnorm._BatchNorm
    return not any(
        (isinstance(module, mixing) or hasattr(module, "running_var"))
        and not isinstance(module, PhaseBatchNorm)
        for module in net.modules()
    )
