"""Settings of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gamdss.errors import is_between, is_whole, require


@dataclass
class ModelConfig:
    """The two-branch network.

    Args:
        backbone: the temporal stream: `rmt`, the paper's; `release_resnet`, `release_convnext_t`
            or `release_efficientmod_xxs`, those of its release; or any model of timm with a
            spatial feature map (`gamdss models` lists some).
        pretrained: start the backbone from timm's weights, which are downloaded once.
        weights: a file of such weights, in place of a download.
        input_statistics: how frame differences enter the temporal stream: `raw` unchanged, `batch`
            with mean 0 and standard deviation 1 per channel over the batch and phase, `auto`
            raw for `rmt` and those of the release, batch for timm's. It adds no parameters.
        image_size: height and width in pixels of the frames that the network sees; a multiple
            of 16 for `rmt`, other backbones have other rules.
        branches: both phases, or only the rising or falling one (BDRT, DRT, ADRT in the release).
        antialias: antialias the resize of the spatial stream; the release did not with the
            torchvision it pinned.
        drop_path: largest rate of stochastic depth, which grows linearly over the blocks.

    Raises:
        ConfigError: a value is out of its range.
    """

    backbone: str = "rmt"
    pretrained: bool = False
    weights: str | None = None
    input_statistics: Literal["auto", "raw", "batch"] = "auto"
    image_size: int = 224
    branches: Literal["both", "rising", "falling"] = "both"
    antialias: bool = True
    drop_path: float = 0.1

    def __post_init__(self) -> None:
        size = self.image_size
        # Sizes of other backbones are checked when they are built.
        require(is_whole(size, 1), "model.image_size", size, "an integer above 0")
        low = max(16, size // 16 * 16)
        near = f"a multiple of 16, such as {low} or {low + 16}, for the backbone rmt"
        fits = size % 16 == 0 or self.backbone != "rmt"
        require(fits, "model.image_size", size, near)
        require(bool(self.backbone), "model.backbone", self.backbone, "`rmt` or a model of timm")
        mine = self.backbone == "rmt" and (self.pretrained or self.weights)
        backbone = "a backbone of timm if weights are given: `rmt` has none"
        require(not mine, "model.backbone", self.backbone, backbone)
        ok = is_between(self.drop_path, 0, 1) and self.drop_path < 1
        require(ok, "model.drop_path", self.drop_path, "in [0, 1)")
