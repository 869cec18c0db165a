"""The interface of a temporal stream, and checks of image sizes."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from gamdss.errors import ConfigError


class TemporalStream(nn.Module, ABC):
    """Base class of networks that map a phase feature to a feature map.

    The phase feature is the difference of two key frames or, for example, their optical flow.

    Attributes:
        num_features: channels of the map.
        reduction: side of a pixel of the map in image pixels; streams without such a number
            override `grid`.
    """

    num_features: int
    reduction: int

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


def check_image_size(image_size: int, reduction: int) -> None:
    """Raise ConfigError unless `image_size` is a positive multiple of `reduction`."""
    if image_size > 0 and image_size % reduction == 0:
        return
    below = max(image_size // reduction, 1) * reduction
    raise ConfigError(
        f"image_size is {image_size}, not a multiple of {reduction}",
        remedy=f"Use image_size={below} or image_size={below + reduction}.",
    )


def check_images(images: Tensor, image_size: int, name: str) -> None:
    """Raise ConfigError unless `images` is (B, C, image_size, image_size)."""
    if images.ndim == 4 and images.shape[-2:] == (image_size, image_size):
        return
    raise ConfigError(
        f"{name} has shape {tuple(images.shape)}, the network was built for "
        f"(batch, channels, {image_size}, {image_size})",
        remedy="Resize the frames, or build the network with their image_size.",
    )
