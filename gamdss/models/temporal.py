"""The interface of a temporal stream, and checks of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from gamdss.errors import ConfigError, is_whole
from gamdss.models.heads import HEAD_DIM, Head, PooledHead

PAPER_WIDTH = 512  # as wide as a ResNet-50's map, the transformer would have 100 million parameters


class TemporalStream(nn.Module, ABC):
    """Base class of networks that map a phase feature to a feature map.

    The phase feature is the difference of two key frames or, for example, their optical flow.

    Attributes:
        num_features: channels of the map.
        reduction: side of a pixel of the map in image pixels; streams without such a number
            override `grid`.
        spatial_width: most channels of the spatial stream's transformer; a wider map is projected
            from it.
    """

    num_features: int
    reduction: int
    spatial_width: int = PAPER_WIDTH

    @abstractmethod
    def forward_features(self, x: Tensor) -> Tensor:
        """Map (B, in_chans, S, S) to (B, num_features, grid(S), grid(S))."""

    def grid(self, image_size: int) -> int:
        """Height and width of the map for images of this size.

        Raises:
            ConfigError: unsupported size.
        """
        check_image_size(image_size, self.reduction)
        return image_size // self.reduction

    def new_head(self, num_classes: int) -> PooledHead:
        """A head for the map after the spatial stream's is added: the paper's by default."""
        return Head(self.num_features, HEAD_DIM, num_classes)

    @property
    def feature_info(self) -> Sequence[Mapping[str, Any]]:
        """timm's description of the maps of `forward_levels`: channels, reduction, module."""
        side = getattr(self, "reduction", 0)
        return [{"num_chs": self.num_features, "reduction": side, "module": ""}]

    def forward_levels(self, x: Tensor) -> list[Tensor]:
        """The maps of all resolutions; the last one is that of `forward_features`."""
        return [self.forward_features(x)]

    def group_matcher(self, coarse: bool = False) -> Any:  # noqa: ARG002
        """timm's groups of parameters: patterns of their names, or a function of a name."""
        return {"stem": r"^$", "blocks": r"^"}

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute activations again in the backward pass, to save memory.

        Raises:
            ConfigError: the stream does not support it.
        """
        if enable:
            raise ConfigError(
                f"{type(self).__name__} has no gradient checkpointing",
                remedy="Override `set_grad_checkpointing`, or train smaller batches.",
            )


def check_integer_size(image_size: int) -> None:
    """Raise ConfigError unless `image_size` is an integer."""
    if not is_whole(image_size, least=None):
        raise ConfigError(f"image_size is {image_size!r}", remedy="Give an integer, such as 224.")


def check_image_size(image_size: int, reduction: int) -> None:
    """Raise ConfigError unless `image_size` is a positive multiple of `reduction`."""
    check_integer_size(image_size)
    if image_size > 0 and image_size % reduction == 0:
        return
    below = max(image_size // reduction, 1) * reduction
    raise ConfigError(
        f"image_size is {image_size}, not a multiple of {reduction}",
        remedy=f"Use image_size={below} or image_size={below + reduction}.",
    )


def check_images(images: Tensor, image_size: int, name: str) -> None:
    """Raise ConfigError unless `images` is floating point, (B, C, image_size, image_size)."""
    if images.ndim != 4 or images.shape[-2:] != (image_size, image_size):
        raise ConfigError(
            f"{name} has shape {tuple(images.shape)}, the network was built for "
            f"(batch, channels, {image_size}, {image_size})",
            remedy="Resize the frames, or build the network with their image_size.",
        )
    check_floating(images, name)


def check_floating(images: Tensor, name: str) -> None:
    """Raise ConfigError for integers, whose differences would wrap around."""
    if not images.is_floating_point():
        raise ConfigError(
            f"{name} has the type {str(images.dtype).removeprefix('torch.')}",
            remedy="Normalise the frames to floating point: the difference of integers wraps.",
        )
