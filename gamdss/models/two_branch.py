"""The two-branch network with shared weights.

Source: GAMDSS (arXiv 2603.04766): the rising phase (onset to apex) and then the falling phase (apex
to offset) pass through the same temporal and spatial streams.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from timm.models import register_model
from torch import Tensor, nn

from gamdss.config import ModelConfig
from gamdss.errors import ConfigError
from gamdss.models.backbones import RMT_NAMES, build_stream
from gamdss.models.phase_norm import PhaseBatchNorm, keeps_phases_apart, phases_at_once
from gamdss.models.rmt import HEAD_DIM, Head, init_linear, timm_arguments
from gamdss.models.spatial import SpatialStream
from gamdss.models.temporal import TemporalStream, check_images

Branches = Literal["both", "rising", "falling"]
InputStatistics = Literal["auto", "raw", "batch"]


class TwoBranchNet(nn.Module):
    """Three key frames -> logits of the rising and of the falling phase, from one set of weights.

    Args:
        num_classes: width of the logits.
        image_size: height and width of the frames, pixels; a multiple of 16 for `rmt`, other
            backbones have other rules.
        backbone: the temporal stream: `rmt` (the paper's), or the name of any timm model with a
            spatial feature map (`gamdss models` lists some).
        pretrained: start the backbone from timm's published weights.
        weights: a file with such weights, instead of a download.
        input_statistics: how phase features (differences or, for example, optical flow) enter
            the temporal stream. "raw": unchanged, as in the paper. "batch": each channel
            normalised to mean 0 and standard deviation 1 over the batch and phase, by a
            BatchNorm without parameters: the statistics of photographs, for which backbones are
            designed and pretrained. "auto": "raw" for `rmt`, "batch" for others.
        branches: "both" (the paper), or only one of them (its ablations).
        antialias: smooth while shrinking frames for the spatial stream; the original did not.
        drop_path: DropPath of the temporal stream's last block.
        in_chans: channels of the frames.
        temporal: a custom temporal stream, instead of `backbone`.
        one_pass: pass both phases through the streams at once; None does so on CUDA, where it
            halves the number of kernels. The numbers are the same except for rounding and the
            draws of stochastic depth.

    Raises:
        ConfigError: unknown `branches`, `input_statistics` or `backbone`, or an `image_size`
            that does not fit.
        CheckpointError: pretrained weights are unavailable.
    """

    def __init__(
        self,
        num_classes: int,
        image_size: int = 224,
        *,
        backbone: str = "rmt",
        pretrained: bool = False,
        weights: str | Path | None = None,
        input_statistics: InputStatistics = "auto",
        branches: Branches = "both",
        antialias: bool = True,
        drop_path: float = 0.1,
        in_chans: int = 3,
        temporal: TemporalStream | None = None,
        one_pass: bool | None = None,
    ) -> None:
        super().__init__()
        _check_choice("branches", branches, get_args(Branches))
        _check_choice("input_statistics", input_statistics, get_args(InputStatistics))
        if input_statistics == "auto":
            plain = temporal is not None or backbone in RMT_NAMES
            input_statistics = "raw" if plain else "batch"
        if temporal is None:
            temporal = build_stream(backbone, image_size, drop_path, in_chans, pretrained, weights)
        self.image_size = image_size
        self.branches = branches
        self.num_classes = num_classes
        width, grid = temporal.num_features, temporal.grid(image_size)
        # It normalises any phase feature; checkpoints use this name.
        self.difference = _difference_norm(in_chans, input_statistics)
        self.temporal = temporal
        self.spatial = SpatialStream(width, grid, antialias=antialias, in_chans=in_chans)
        self.head = Head(width, HEAD_DIM, num_classes)
        self.head.apply(init_linear)
        self.one_pass = one_pass
        self._separable = keeps_phases_apart(self)

    def forward(
        self,
        onset: Tensor | None,
        apex: Tensor,
        offset: Tensor | None,
        features: Tensor | None = None,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return (rising, falling) logits, each (B, num_classes) or None if not in `branches`.

        Args:
            onset, apex, offset: normalised frames (B, in_chans, S, S). branches="falling" does
                not use the onset, branches="rising" not the offset: they may be None.
            features: phase features that replace the differences in the temporal stream,
                (B, 2, in_chans, S, S): from onset to apex and from offset to apex.

        Raises:
            ConfigError: a frame is missing or does not have the network's image size.
        """
        if self.branches == "both" and self._at_once(apex):
            return self._both(onset, apex, offset, features)
        rising = falling = None
        if self.branches != "falling":
            rising = self.rising(onset, apex, features)
        if self.branches != "rising":
            falling = self.falling(apex, offset, features)
        return rising, falling

    def predict_logits(
        self,
        onset: Tensor | None,
        apex: Tensor,
        offset: Tensor | None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Return the logits (B, num_classes) used for predictions.

        They are the rising phase's, or the falling phase's with branches="falling"; only that
        branch runs. Arguments and errors as in `forward`.
        """
        if self.branches == "falling":
            return self.falling(apex, offset, features)
        return self.rising(onset, apex, features)

    def rising(
        self, onset: Tensor | None, apex: Tensor | None, features: Tensor | None = None
    ) -> Tensor:
        """Logits of the rising phase: what appeared since the onset, located on the onset face."""
        onset, apex = self._frames(onset=onset, apex=apex)
        return self.branch(apex - onset if features is None else features[:, 0], onset)

    def falling(
        self, apex: Tensor | None, offset: Tensor | None, features: Tensor | None = None
    ) -> Tensor:
        """Logits of the falling phase: what is gone by the offset, located on the apex face."""
        apex, offset = self._frames(apex=apex, offset=offset)
        return self.branch(apex - offset if features is None else features[:, 1], apex)

    def branch(self, temporal: Tensor, spatial: Tensor) -> Tensor:
        """Logits of one phase.

        Args:
            temporal: the phase feature (B, in_chans, S, S).
            spatial: the normalised frame on which it is located, of the same shape.
        """
        temporal = self.temporal.forward_features(self.difference(temporal))  # (B, C, grid, grid)
        logits: Tensor = self.head(temporal + self.spatial(spatial))
        return logits

    def _at_once(self, frames: Tensor) -> bool:
        """Whether both phases pass together: never if a norm would mix their statistics."""
        wanted = frames.is_cuda if self.one_pass is None else self.one_pass
        return wanted and self._separable

    def _both(
        self, onset: Tensor | None, apex: Tensor, offset: Tensor | None, features: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        onset, apex, offset = self._frames(onset=onset, apex=apex, offset=offset)
        if features is None:
            phases = torch.cat((apex - onset, apex - offset))  # (2B, C, S, S)
        else:
            phases = features.transpose(0, 1).flatten(0, 1)  # (B, 2, C, S, S) -> (2B, C, S, S)
        with phases_at_once(self, 2):
            rising, falling = self.branch(phases, torch.cat((onset, apex))).chunk(2)
        return rising, falling

    def _frames(self, **frames: Tensor | None) -> tuple[Tensor, ...]:
        for name, frame in frames.items():
            if frame is None:
                raise ConfigError(
                    f"{name} is None, but branches={self.branches!r} needs it",
                    remedy=f"Pass the {name} frames.",
                )
            check_images(frame, self.image_size, name)
        return tuple(frame for frame in frames.values() if frame is not None)


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}", remedy=f"Use one of {', '.join(allowed)}.")


def _difference_norm(in_chans: int, input_statistics: InputStatistics) -> nn.Module:
    """The normalisation of phase features, without parameters."""
    if input_statistics == "raw":
        return nn.Identity()
    # momentum=None: the mean over all batches. The inputs do not change during training, and
    # differences are so small that a moving average would take long to reach them.
    return PhaseBatchNorm(in_chans, affine=False, momentum=None)


def build_network(model: ModelConfig, num_classes: int) -> TwoBranchNet:
    """The two-branch network of a config, on the CPU; errors as for `TwoBranchNet`."""
    return TwoBranchNet(num_classes, **asdict(model))


def without_start(model: ModelConfig) -> ModelConfig:
    """The same network without its initial weights, for loading a checkpoint, which has all."""
    return replace(model, pretrained=False, weights=None)


def check_network(model: ModelConfig) -> None:
    """Raise the errors of `build_network` before other work begins; it does not build `rmt`."""
    if model.backbone != "rmt":
        build_network(model, 2)


@register_model
def gamdss_two_branch(
    pretrained: bool = False, num_classes: int = 5, **kwargs: Any
) -> TwoBranchNet:
    """Build `TwoBranchNet` for `timm.create_model("gamdss_two_branch", num_classes=..., ...)`."""
    return TwoBranchNet(num_classes, **timm_arguments("gamdss_two_branch", pretrained, kwargs))
