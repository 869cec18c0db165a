"""BatchNorm for batches that contain several phases.

In the original (GAMDSS, arXiv 2603.04766) the rising phase and then the falling phase pass through
the network: each is normalised by its own statistics, and both update the running statistics, in
that order. Here both can pass at once with the same numbers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from gamdss.errors import ConfigError


class PhaseBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d that, in training, normalises each of `phases` equal parts of a batch separately.

    With `momentum=None` the running statistics are the mean over all batches, as in PyTorch. A
    second count of the batches is kept in Python, because reading `num_batches_tracked` back at
    every batch would synchronise the GPU.
    """

    phases = 1
    _batches: int | None = None  # equals `num_batches_tracked`; None until that is read

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W).

        Raises:
            ConfigError: in training, a phase has one value per channel: one clip on one pixel.
        """
        if not self.training:
            return super().forward(x)
        if x.numel() == x.shape[1] * self.phases:
            raise ConfigError(
                "one clip whose map is a single pixel has no batch statistics to train with",
                remedy="Use a larger image_size, or a batch_size that leaves no last batch of one.",
            )
        if self.phases == 1:
            return self._normalise(x)
        return torch.cat([self._normalise(part) for part in x.chunk(self.phases)])

    def _normalise(self, x: Tensor) -> Tensor:
        """Normalise by the batch's own statistics, and update the running ones."""
        if self.momentum is not None or self.num_batches_tracked is None:
            return super().forward(x)
        self._check_input_dim(x)
        if torch.compiler.is_compiling() or x.is_cuda:
            return self._by_device_count(x)
        if self._batches is None:
            self._batches = int(self.num_batches_tracked)
        self._batches += 1
        self.num_batches_tracked.add_(1)
        share, running = 1 / self._batches, (self.running_mean, self.running_var)
        return functional.batch_norm(x, *running, self.weight, self.bias, True, share, self.eps)

    def _by_device_count(self, x: Tensor) -> Tensor:
        """As `_normalise`, with the count on the device, where compiled and captured code see it.

        The numbers differ by rounding.
        """
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        self._batches = None  # a plain batch that follows has to read the count
        with torch.no_grad():
            variance, mean = torch.var_mean(x.float(), (0, 2, 3))
            for running, batch in ((self.running_mean, mean), (self.running_var, variance)):
                assert running is not None
                running.add_((batch - running) / self.num_batches_tracked)
        return functional.batch_norm(x, None, None, self.weight, self.bias, True, 0.0, self.eps)

    def reset_running_stats(self) -> None:
        """Forget all batches."""
        super().reset_running_stats()
        self._batches = None

    def _load_from_state_dict(self, *arguments: Any, **options: Any) -> None:
        super()._load_from_state_dict(*arguments, **options)
        self._batches = None


class PhasesAtOnce:
    """Within this context, batches of `net` contain `phases` phases of equal size.

    A class, since PyTorch 2.5 does not compile contexts that are generators.
    """

    def __init__(self, net: nn.Module, phases: int) -> None:
        self.norms = [module for module in net.modules() if isinstance(module, PhaseBatchNorm)]
        self.phases = phases

    def __enter__(self) -> None:
        for norm in self.norms:
            norm.phases = self.phases

    def __exit__(self, *_: object) -> None:
        for norm in self.norms:
            norm.phases = 1


def keeps_phases_apart(net: nn.Module) -> bool:
    """Whether phases can pass at once without mixing: no other norm has batch statistics."""
    mixing = nn.modules.batchnorm._BatchNorm
    return not any(
        (isinstance(module, mixing) or hasattr(module, "running_var"))
        and not isinstance(module, PhaseBatchNorm)
        for module in net.modules()
    )
