"""The shared-parameter two-branch network.

Source: GAMDSS (arXiv 2603.04766): the rising phase (onset to apex) and the falling phase (apex
to offset) pass, one after the other, through the same temporal and spatial streams.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
from timm.models import register_model
from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.layers.blocks import Head, init_linear_and_norm
from gamdss.layers.phase_norm import keeps_phases_apart, phases_at_once
from gamdss.models.rmt import HEAD_DIM, RMT, timm_arguments
from gamdss.models.spatial import SpatialStream
from gamdss.models.temporal import TemporalStream, check_image_size, check_images

Branches = Literal["both", "rising", "falling"]


class TwoBranchNet(nn.Module):
    """Three key frames -> logits of the rising and of the falling phase, from one set of weights.

    Args:
        num_classes: width of the logits.
        image_size: height and width of the frames, pixels; a multiple of 16.
        branches: "both" (the paper), or one of them alone (its ablations).
        antialias: smooth while shrinking frames for the spatial stream; False is the original.
        drop_path: DropPath of the temporal stream's last block.
        in_chans: channels of the frames.
        temporal: another temporal stream; `RMT` with `drop_path` if None.
        one_pass: give both phases to the streams at once in training; None does so on CUDA,
            where it halves the number of kernels. The numbers are the same but for rounding and
            the draws of stochastic depth.

    Raises:
        ConfigError: `branches` is none of the three, or `image_size` does not fit.
    """

    def __init__(
        self,
        num_classes: int,
        image_size: int = 224,
        *,
        branches: Branches = "both",
        antialias: bool = True,
        drop_path: float = 0.1,
        in_chans: int = 3,
        temporal: TemporalStream | None = None,
        one_pass: bool | None = None,
    ) -> None:
        super().__init__()
        if branches not in get_args(Branches):
            raise ConfigError(
                f"branches is {branches!r}", remedy=f"Use one of {', '.join(get_args(Branches))}."
            )
        if temporal is None:
            temporal = RMT(0, image_size, drop_path, in_chans)
        check_image_size(image_size, temporal.reduction)
        self.image_size = image_size
        self.branches = branches
        self.num_classes = num_classes
        width, grid = temporal.num_features, image_size // temporal.reduction
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
        """Logits of a motion image and the face it belongs to, both (B, in_chans, S, S)."""
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


def _phase(motion: Tensor | None, number: int) -> Tensor | None:
    """One phase of (B, 2, C, S, S)."""
    return None if motion is None else motion[:, number]


@register_model
def gamdss_two_branch(
    pretrained: bool = False, num_classes: int = 5, **kwargs: Any
) -> TwoBranchNet:
    """Build `TwoBranchNet` for `timm.create_model("gamdss_two_branch", num_classes=..., ...)`."""
    return TwoBranchNet(num_classes, **timm_arguments("gamdss_two_branch", pretrained, kwargs))
