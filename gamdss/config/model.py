"""Settings of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gamdss.config.checks import require as _require


@dataclass
class ModelConfig:
    """The two-branch network.

    Args:
        backbone: the temporal stream: `rmt`, the paper's, or any model of timm with a spatial
            feature map (`gamdss models` lists some).
        pretrained: start the backbone from the weights that timm publishes; they are downloaded
            once.
        weights: a file of such weights, in place of a download.
        input_statistics: how differences of frames enter the temporal stream: `raw` as they are,
            `batch` each channel with mean 0 and deviation 1 over the batch and phase, `auto`
            raw for `rmt` and batch for other backbones. It adds no parameter.
        image_size: height and width in pixels of the frames that the network sees; a multiple
            of 16 for `rmt`, others have their own rules.
        branches: both phases, the rising or the falling one alone (BDRT, DRT, ADRT in the
            release).
        antialias: antialias the spatial stream's resize; the release ran without.
        drop_path: largest rate of stochastic depth; it grows linearly over the blocks.
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
        # Which sizes fit another backbone is known where it is built.
        _require(size > 0, "model.image_size", size, "above 0")
        low = max(16, size // 16 * 16)
        near = f"a multiple of 16, such as {low} or {low + 16}, for the backbone rmt"
        fits = size % 16 == 0 or self.backbone != "rmt"
        _require(fits, "model.image_size", size, near)
        _require(bool(self.backbone), "model.backbone", self.backbone, "`rmt` or a name of timm's")
        mine = self.backbone == "rmt" and (self.pretrained or self.weights)
        backbone = "a backbone of timm where weights are given: `rmt` has none"
        _require(not mine, "model.backbone", self.backbone, backbone)
        _require(0 <= self.drop_path < 1, "model.drop_path", self.drop_path, "in [0, 1)")
