"""The shared-parameter two-branch network.

Source: GAMDSS (arXiv 2603.04766): the rising phase (onset to apex) and the falling phase (apex
to offset) pass, one after the other, through the same temporal and spatial streams.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import torch
from timm.models import register_model
from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.models.backbones import RMT_NAMES, build_stream
from gamdss.models.blocks import Head, init_linear_and_norm
from gamdss.models.phase_norm import PhaseBatchNorm, keeps_phases_apart, phases_at_once
from gamdss.models.rmt import HEAD_DIM, timm_arguments
from gamdss.models.spatial import SpatialStream
from gamdss.models.temporal import TemporalStream, check_images

Branches = Literal["both", "rising", "falling"]
InputStatistics = Literal["auto", "raw", "batch"]


class TwoBranchNet(nn.Module):
    """Three key frames -> logits of the rising and of the falling phase, from one set of weights.

    Args:
        num_classes: width of the logits.
        image_size: height and width of the frames, pixels; a multiple of 16 for `rmt`, others
            have their own rules.
        backbone: the temporal stream: `rmt` (the paper's), or any timm model with a spatial
            feature map by name (`gamdss models` lists some).
        pretrained: start the backbone from the weights that timm publishes.
        weights: a file of such weights, in place of a download.
        input_statistics: how the temporal stream's input (differences of frames, or the feature
            in their place) enters it. "raw": as it is, like the paper; a grey level is 0.017.
            "batch": each channel with mean 0 and deviation 1 over the batch and phase, by a
            BatchNorm without parameters, which are the statistics of the photographs that
            backbones were designed and trained for.
            "auto": "raw" for `rmt`, "batch" for others.
        branches: "both" (the paper), or one of them alone (its ablations).
        antialias: smooth while shrinking frames for the spatial stream; False is the original.
        drop_path: DropPath of the temporal stream's last block.
        in_chans: channels of the frames.
        temporal: a temporal stream of one's own, in place of `backbone`.
        one_pass: give both phases to the streams at once in training; None does so on CUDA,
            where it halves the number of kernels. The numbers are the same but for rounding and
            the draws of stochastic depth.

    Raises:
        ConfigError: `branches`, `input_statistics` or `backbone` is unknown, or `image_size`
            does not fit.
        CheckpointError: pretrained weights cannot be had.
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
        # Of whatever the temporal stream is given: the name is that of checkpoints' keys.
        self.difference = _difference_norm(in_chans, input_statistics)
        self.temporal = temporal
        self.spatial = SpatialStream(width, grid, antialias=antialias, in_chans=in_chans)
        self.head = Head(width, HEAD_DIM, num_classes)
        self.head.apply(init_linear_and_norm)
        self.one_pass = one_pass
        self._separable = keeps_phases_apart(self)

    def forward(
        self,
        onset: Tensor | None,
        apex: Tensor,
        offset: Tensor | None,
        motion: Tensor | None = None,
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return (rising, falling) logits, each (B, num_classes) or None if not in `branches`.

        Args:
            onset, apex, offset: normalised frames (B, in_chans, S, S). The onset is not looked
                at by branches="falling", the offset not by branches="rising": None will do.
            motion: what the temporal stream sees of the phases in place of the differences,
                (B, 2, in_chans, S, S): from onset to apex and from offset to apex, such as
                optical flow.

        Raises:
            ConfigError: a frame is missing or not of the size the network was built for.
        """
        if self.branches == "both" and self._at_once(apex):
            return self._both(onset, apex, offset, motion)
        rising = falling = None
        if self.branches != "falling":
            rising = self.rising(onset, apex, _phase(motion, 0))
        if self.branches != "rising":
            falling = self.falling(apex, offset, _phase(motion, 1))
        return rising, falling

    def predict_logits(
        self,
        onset: Tensor | None,
        apex: Tensor,
        offset: Tensor | None,
        motion: Tensor | None = None,
    ) -> Tensor:
        """Return the logits (B, num_classes) that decide: rising, or falling if alone.

        Runs only that branch; arguments and errors as in `forward`.
        """
        if self.branches == "falling":
            return self.falling(apex, offset, _phase(motion, 1))
        return self.rising(onset, apex, _phase(motion, 0))

    def rising(
        self, onset: Tensor | None, apex: Tensor | None, motion: Tensor | None = None
    ) -> Tensor:
        """Logits of the rising phase: what appeared since the onset, placed on the onset face."""
        onset, apex = self._frames(onset=onset, apex=apex)
        return self.branch(temporal=apex - onset if motion is None else motion, spatial=onset)

    def falling(
        self, apex: Tensor | None, offset: Tensor | None, motion: Tensor | None = None
    ) -> Tensor:
        """Logits of the falling phase: what is gone by the offset, placed on the apex face."""
        apex, offset = self._frames(apex=apex, offset=offset)
        return self.branch(temporal=apex - offset if motion is None else motion, spatial=apex)

    def branch(self, temporal: Tensor, spatial: Tensor) -> Tensor:
        """Logits of the temporal stream's input and of the face it belongs to.

        Args:
            temporal: a phase's difference of frames or another feature, (B, in_chans, S, S).
            spatial: the normalised frame that the phase is placed on, of the same shape.
        """
        temporal = self.difference(temporal)  # (B, in_chans, S, S)
        motion = self.temporal.forward_features(temporal)  # (B, C, grid, grid)
        logits: Tensor = self.head(motion + self.spatial(spatial))
        return logits

    def _at_once(self, frames: Tensor) -> bool:
        """Whether both phases pass together: never where a norm would mix their statistics."""
        wanted = frames.is_cuda if self.one_pass is None else self.one_pass
        return wanted and self._separable

    def _both(
        self, onset: Tensor | None, apex: Tensor, offset: Tensor | None, motion: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        onset, apex, offset = self._frames(onset=onset, apex=apex, offset=offset)
        if motion is None:
            phases = torch.cat((apex - onset, apex - offset))  # (2B, C, S, S)
        else:
            phases = motion.transpose(0, 1).flatten(0, 1)  # (B, 2, C, S, S) -> (2B, C, S, S)
        with phases_at_once(self, 2):
            rising, falling = self.branch(phases, torch.cat((onset, apex))).chunk(2)
        return rising, falling

    def _frames(self, **frames: Tensor | None) -> tuple[Tensor, ...]:
        for name, frame in frames.items():
            if frame is None:
                raise ConfigError(
                    f"{name} is None, branches={self.branches!r} needs it",
                    remedy=f"Pass the {name} frames.",
                )
            check_images(frame, self.image_size, name)
        return tuple(frame for frame in frames.values() if frame is not None)


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {value!r}", remedy=f"Use one of {', '.join(allowed)}.")


def _difference_norm(in_chans: int, input_statistics: InputStatistics) -> nn.Module:
    """What the temporal stream's input passes before it; it has no parameters."""
    if input_statistics == "raw":
        return nn.Identity()
    # momentum=None: the mean over all batches. What comes in does not change as the network
    # learns, and differences are so small that a moving average would long be far off.
    return PhaseBatchNorm(in_chans, affine=False, momentum=None)


def _phase(motion: Tensor | None, number: int) -> Tensor | None:
    """One phase of (B, 2, C, S, S)."""
    return None if motion is None else motion[:, number]


@register_model
def gamdss_two_branch(
    pretrained: bool = False, num_classes: int = 5, **kwargs: Any
) -> TwoBranchNet:
    """Build `TwoBranchNet` for `timm.create_model("gamdss_two_branch", num_classes=..., ...)`."""
    return TwoBranchNet(num_classes, **timm_arguments("gamdss_two_branch", pretrained, kwargs))
