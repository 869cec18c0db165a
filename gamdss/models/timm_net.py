"""A temporal stream around a network of timm, without its head."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from timm.models import group_parameters
from torch import Tensor

from gamdss.errors import ConfigError
from gamdss.models.temporal import TemporalStream


class TimmNetStream(TemporalStream):
    """What timm's networks have in common; subclasses build `net`."""

    net: Any

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to (B, num_features, grid, grid).

        Raises:
            ConfigError: in training, the network normalises one value per channel of one image.
        """
        try:
            return last_map(self.net, x)
        except ValueError as error:  # PyTorch's, from a BatchNorm after pooling over the image
            if not self.training or len(x) > 1:
                raise
            raise ConfigError(
                "one clip has no batch statistics to train this backbone with: one of its layers "
                f"normalises the mean over the image ({error})",
                remedy="Use a batch_size that leaves no last batch of one, or another backbone.",
            ) from error

    @property
    def feature_info(self) -> Sequence[Mapping[str, Any]]:
        """timm's."""
        return [{**info, "module": f"net.{info['module']}"} for info in self.net.feature_info]

    def forward_levels(self, x: Tensor) -> list[Tensor]:
        """The maps of all levels of the network, normalised if it ends in a norm."""
        options: dict[str, Any] = {"norm": True, "output_fmt": "NCHW", "intermediates_only": True}
        return list(self.net.forward_intermediates(x, **options))

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:
        """timm's layers of the network, by name of a parameter."""
        layers = group_parameters(self.net, self.net.group_matcher(coarse), reverse=True)
        return lambda name: int(layers[name.removeprefix("net.")])

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations again in the backward pass, to save memory."""
        self.net.set_grad_checkpointing(enable)


def last_map(net: Any, x: Tensor) -> Tensor:
    """The last map of a network of timm, (B, C, H, W), normalised if it ends in a norm."""
    maps: list[Tensor] = net.forward_intermediates(
        x, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
    )
    return maps[-1]
