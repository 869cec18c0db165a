"""A config's network, the same wherever it is built: to train, to export, to measure."""

from __future__ import annotations

from dataclasses import asdict, replace

from gamdss.config import ModelConfig
from gamdss.models.two_branch import TwoBranchNet


def build_network(model: ModelConfig, num_classes: int) -> TwoBranchNet:
    """The two-branch network of a config, on the CPU.

    Raises:
        ConfigError: an unknown backbone, or an image size that does not fit it.
        CheckpointError: pretrained weights cannot be had.
    """
    return TwoBranchNet(num_classes, **asdict(model))


def without_start(model: ModelConfig) -> ModelConfig:
    """The same network without the weights that it started from: a checkpoint has all of them."""
    return replace(model, pretrained=False, weights=None)


def check_network(model: ModelConfig) -> None:
    """Raise what `build_network` would, before hours of other work; `rmt` is not built for it."""
    if model.backbone != "rmt":
        build_network(model, 2)
