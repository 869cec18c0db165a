"""The two-branch network with shared weights.

Source: GAMDSS (arXiv 2603.04766): the rising phase (onset to apex) and then the falling phase (apex
to offset) pass through the same temporal and spatial streams.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from gamdss.config import ModelConfig
from gamdss.errors import ConfigError, require_choice
from gamdss.models.backbones import build_stream, is_own
from gamdss.models.heads import init_linear
from gamdss.models.hub import HubWeights
from gamdss.models.phase_norm import PhaseBatchNorm, PhasesAtOnce, keeps_phases_apart
from gamdss.models.spatial import SpatialStream
from gamdss.models.temporal import TemporalStream, check_floating, check_images
from gamdss.models.timm_api import HasHead, Levels, OutputFormat, check_sizes, chosen_levels

Branches = Literal["both", "rising", "falling"]
InputStatistics = Literal["auto", "raw", "batch"]
Pair = tuple[Tensor | None, Tensor | None]  # of the rising and of the falling phase


class TwoBranchNet(HasHead, HubWeights):
    """Three key frames -> logits of the rising and of the falling phase, from one set of weights.

    Its methods follow timm's conventions, with a pair (rising, falling) for what timm's have one
    of.

    Args:
        num_classes: width of the logits; 0 gives what the classifier would take.
        image_size: height and width of the frames, pixels; a multiple of 16 for `rmt`, other
            backbones have other rules.
        backbone: the temporal stream: `rmt` (the paper's), one of its release (`release_resnet`,
            `release_convnext_t`, `release_efficientmod_xxs`), or the name of any timm model with a
            spatial feature map (`gamdss models` lists some).
        pretrained: start the backbone from timm's published weights.
        weights: a file with such weights, instead of a download.
        input_statistics: how phase features (differences or, for example, optical flow) enter
            the temporal stream. "raw": unchanged, as in the paper. "batch": each channel
            normalised to mean 0 and standard deviation 1 over the batch and phase, by a
            BatchNorm without parameters: the statistics of photographs, for which backbones are
            designed and pretrained. "auto": "raw" for `rmt` and those of the release, "batch"
            for timm's.
        branches: "both" (the paper), or only one of them (its ablations).
        antialias: smooth while shrinking frames for the spatial stream; the original did not.
        drop_path: DropPath of the temporal stream's last block.
        in_chans: channels of the frames.
        temporal: a custom temporal stream, instead of `backbone`.
        one_pass: pass both phases through the streams at once; None does so on CUDA, where it
            halves the number of kernels. The numbers are the same except for rounding and the
            draws of stochastic depth.
        global_pool: pooling of the head's map; none (`""`) only without classes.

    Raises:
        ConfigError: unknown `branches`, `input_statistics` or `backbone`, an `image_size` that
            does not fit, or a size that no network can have.
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
        global_pool: str = "avg",
    ) -> None:
        super().__init__()
        require_choice("branches", branches, get_args(Branches))
        check_sizes(num_classes, in_chans, drop_path, global_pool)
        require_choice("input_statistics", input_statistics, get_args(InputStatistics))
        if input_statistics == "auto":
            plain = temporal is not None or is_own(backbone)
            input_statistics = "raw" if plain else "batch"
        self.about = {}
        self.custom_stream = None if temporal is None else type(temporal).__name__
        if temporal is None:
            temporal = build_stream(backbone, image_size, drop_path, in_chans, pretrained, weights)
        self.image_size = image_size
        self.branches = branches
        self.num_classes = num_classes
        self.in_chans = in_chans
        width, grid = temporal.num_features, temporal.grid(image_size)
        # It normalises any phase feature; checkpoints use this name.
        self.difference = _difference_norm(in_chans, input_statistics)
        self.temporal = temporal
        self.spatial = SpatialStream(
            width, grid, antialias=antialias, in_chans=in_chans, widest=temporal.spatial_width
        )
        self.head = temporal.new_head(num_classes)
        if global_pool != "avg":
            self.head.reset(num_classes, global_pool)
        self.head.apply(init_linear)
        self.one_pass = one_pass
        self._separable = keeps_phases_apart(self)

    def forward(
        self,
        onset: Tensor | None,
        apex: Tensor | None = None,
        offset: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Pair:
        """Return (rising, falling) logits, each (B, num_classes) or None if not in `branches`.

        Args:
            onset, apex, offset: normalised frames (B, in_chans, S, S). branches="falling" does
                not use the onset, branches="rising" not the offset: they may be None. Or all
                three as one tensor (B, 3, in_chans, S, S).
            features: phase features that replace the differences in the temporal stream,
                (B, 2, in_chans, S, S): from onset to apex and from offset to apex. A single
                branch takes both, too, and uses its own.

        Raises:
            ConfigError: a frame is missing, the inputs differ in their batch or do not have the
                network's image size and channels, or they are integers.
        """
        return self.forward_head(self.forward_features(onset, apex, offset, features))

    def forward_features(
        self,
        onset: Tensor | None,
        apex: Tensor | None = None,
        offset: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Pair:
        """The maps where the streams meet, (B, num_features, grid, grid), of each phase.

        Arguments and errors as in `forward`.
        """
        onset, apex, offset = _separate(onset, apex, offset)
        rising = falling = None
        if self.branches == "both" and self._at_once(apex):
            onset, apex, offset = self._frames(features, onset=onset, apex=apex, offset=offset)
            if features is None:
                phases = torch.cat((apex - onset, apex - offset))  # (2B, C, S, S)
            else:
                phases = features.transpose(0, 1).flatten(0, 1)  # (B, 2, C, S, S) -> (2B, C, S, S)
            with PhasesAtOnce(self, 2):
                rising, falling = self._map(phases, torch.cat((onset, apex))).chunk(2)
            return rising, falling
        if self.branches != "falling":
            rising = self._map(*self._rising(onset, apex, features))
        if self.branches != "rising":
            falling = self._map(*self._falling(apex, offset, features))
        return rising, falling

    def forward_head(self, maps: Pair, pre_logits: bool = False) -> Pair:
        """Logits (B, num_classes) of the maps of each phase, or what they are computed from."""
        rising, falling = maps
        if rising is not None and falling is not None and self._at_once(rising):
            with PhasesAtOnce(self.head, 2):
                rising, falling = self.head(torch.cat((rising, falling)), pre_logits).chunk(2)
            return rising, falling
        return (
            None if rising is None else self.head(rising, pre_logits),
            None if falling is None else self.head(falling, pre_logits),
        )

    def predict_logits(
        self,
        onset: Tensor | None,
        apex: Tensor | None = None,
        offset: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """Return the logits (B, num_classes) used for predictions.

        They are the rising phase's, or the falling phase's with branches="falling"; only that
        branch runs. Arguments and errors as in `forward`.
        """
        onset, apex, offset = _separate(onset, apex, offset)
        if self.branches == "falling":
            return self.falling(apex, offset, features)
        return self.rising(onset, apex, features)

    def rising(
        self, onset: Tensor | None, apex: Tensor | None, features: Tensor | None = None
    ) -> Tensor:
        """Logits of the rising phase: what appeared since the onset, located on the onset face."""
        return self.branch(*self._rising(onset, apex, features))

    def falling(
        self, apex: Tensor | None, offset: Tensor | None, features: Tensor | None = None
    ) -> Tensor:
        """Logits of the falling phase: what is gone by the offset, located on the apex face."""
        return self.branch(*self._falling(apex, offset, features))

    def branch(self, temporal: Tensor, spatial: Tensor) -> Tensor:
        """Logits of one phase.

        Args:
            temporal: the phase feature (B, in_chans, S, S).
            spatial: the normalised frame on which it is located, of the same shape.
        """
        logits: Tensor = self.head(self._map(temporal, spatial))
        return logits

    @property
    def num_features(self) -> int:
        """Channels of the maps where the streams meet."""
        return self.temporal.num_features

    @property
    def feature_info(self) -> Sequence[Mapping[str, Any]]:
        """timm's description of the maps of `forward_intermediates`."""
        infos = self.temporal.feature_info
        return [{**info, "module": f"temporal.{info['module']}"} for info in infos]

    def forward_intermediates(
        self,
        onset: Tensor | None,
        apex: Tensor | None = None,
        offset: Tensor | None = None,
        features: Tensor | None = None,
        *,
        indices: int | Sequence[int] | None = None,
        norm: bool = False,  # noqa: ARG002
        stop_early: bool = False,  # noqa: ARG002
        output_fmt: OutputFormat = "NCHW",
        intermediates_only: bool = False,
    ) -> Levels:
        """timm's: the map where the streams meet, and those of the temporal stream's levels.

        They are of the phase used for predictions. `norm` and `stop_early` have no effect.
        """
        onset, apex, offset = _separate(onset, apex, offset)
        falling = self.branches == "falling"
        rest = offset if falling else onset
        motion, face = (self._falling if falling else self._rising)(
            *((apex, rest) if falling else (rest, apex)), features
        )
        maps = self.temporal.forward_levels(self.difference(motion))
        chosen = chosen_levels(maps, indices, output_fmt)
        return chosen if intermediates_only else (maps[-1] + self.spatial(face), chosen)

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """Layers by name of a parameter: the temporal stream's, between them the spatial stream's.

        The spatial stream's embedding is in the first layer and its blocks in the last one.
        """
        layers = group_parameters(self.temporal, self.temporal.group_matcher(coarse), reverse=True)
        last = max(layers.values(), default=0)

        def layer(name: str) -> float:
            stream, _, rest = name.partition(".")
            if stream == "temporal":
                return float(layers[rest])
            if stream == "spatial":
                return 0.0 if rest.startswith(("embed", "position")) else float(last)
            return math.inf

        return layer

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Compute the temporal stream's activations again in the backward pass.

        Raises:
            ConfigError: the stream does not support it.
        """
        self.temporal.set_grad_checkpointing(enable)

    def _map(self, temporal: Tensor, spatial: Tensor) -> Tensor:
        """The sum of both streams' maps (B, num_features, grid, grid)."""
        temporal = self.temporal.forward_features(self.difference(temporal))
        return temporal + self.spatial(spatial)

    def _at_once(self, frames: Tensor | None) -> bool:
        """Whether both phases pass together: never if a norm would mix their statistics."""
        on_cuda = frames is not None and frames.is_cuda
        wanted = on_cuda if self.one_pass is None else self.one_pass
        return wanted and self._separable

    def _rising(
        self, onset: Tensor | None, apex: Tensor | None, features: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What the streams take of the rising phase."""
        onset, apex = self._frames(features, onset=onset, apex=apex)
        return apex - onset if features is None else features[:, 0], onset

    def _falling(
        self, apex: Tensor | None, offset: Tensor | None, features: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """What the streams take of the falling phase."""
        apex, offset = self._frames(features, apex=apex, offset=offset)
        return apex - offset if features is None else features[:, 1], apex

    def _frames(self, features: Tensor | None, **frames: Tensor | None) -> tuple[Tensor, ...]:
        """The frames, checked."""
        for name, frame in frames.items():
            if frame is None:
                raise ConfigError(
                    f"{name} is None, but branches={self.branches!r} needs it",
                    remedy=f"Pass the {name} frames.",
                )
            check_images(frame, self.image_size, name)
        found = {name: frame for name, frame in frames.items() if frame is not None}
        first, frame = next(iter(found.items()))
        for name, values in found.items():
            # Not `len`, which would fix the batch of an exported graph.
            if values.shape[0] != frame.shape[0] or values.shape[1] != self.in_chans:
                raise ConfigError(
                    f"{name} has shape {tuple(values.shape)}, {first} "
                    f"{tuple(frame.shape)}; the network takes {self.in_chans} channels",
                    remedy="Pass inputs of one batch with the network's channels.",
                )
        if features is not None:
            self._check_features(features, frame)
        return tuple(found.values())

    def _check_features(self, features: Tensor, frame: Tensor) -> None:
        """Refuse phase features that are not of both phases, or do not fit a frame (B, C, S, S)."""
        each = (2, self.in_chans, self.image_size, self.image_size)
        if (
            features.ndim != 5
            or tuple(features.shape[1:]) != each
            or features.shape[0] != frame.shape[0]
        ):
            raise ConfigError(
                f"features has shape {tuple(features.shape)}, the frames {tuple(frame.shape)}; the "
                f"network takes (batch, {', '.join(map(str, each))})",
                remedy="Pass the features of both phases, rising first, for as many clips as there "
                "are frames, and of their size.",
            )
        check_floating(features, "features")


def _separate(
    onset: Tensor | None, apex: Tensor | None, offset: Tensor | None
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The key frames, given one by one or as one tensor (B, 3, C, S, S)."""
    if onset is not None and onset.ndim == 5 and apex is None and offset is None:
        if onset.shape[1] != 3:
            raise ConfigError(
                f"the key frames have shape {tuple(onset.shape)}",
                remedy="Pass onset, apex and offset as (batch, 3, channels, height, width).",
            )
        onset, apex, offset = onset.unbind(1)
    return onset, apex, offset


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
