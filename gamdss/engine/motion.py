"""What a fold's temporal stream is given where that is not the plain difference of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gamdss.config import Config
from gamdss.data.augment import Draw, augment, turn
from gamdss.data.store import Store
from gamdss.features import FEATURES, scale

CHANNELS = 3  # the network's


@dataclass(frozen=True, eq=False)
class FoldMotion:
    """Features of the phases of a fold's clips, on its device.

    `values` is float16 (K, C, S, S), in the units of `gamdss.features.FEATURES`; `training` (N, 2),
    `held_out` (H, 2) and `inner` (M, 2) index it by clip and phase (rising, falling); `scale`
    (C, 1, 1) makes it what the network sees. `is_vector`: the first two channels are a vector.
    """

    values: Tensor
    training: Tensor
    held_out: Tensor
    scale: Tensor
    is_vector: bool
    inner: Tensor | None = None

    def of(self, index: Tensor) -> Tensor:
        """Normalised features (B, 2, 3, S, S) float32 of clips (B, 2): rising, falling."""
        found = self.values.index_select(0, index.flatten()).float() * self.scale
        return found.expand(-1, CHANNELS, -1, -1).unflatten(0, index.shape)

    def augmented(self, frames: Tensor, index: Tensor, drawn: Draw) -> tuple[Tensor, Tensor]:
        """Frames (B, 9, S, S) and features of clips (B, 2), with one draw for both."""
        split = frames.shape[1]
        both = augment(torch.cat((frames, self.of(index).flatten(1, 2)), dim=1), drawn)
        motion = both[:, split:].unflatten(1, (2, CHANNELS))
        return both[:, :split], turn(motion, drawn) if self.is_vector else motion


def load_motion(store: Store, device: torch.device) -> Tensor | None:
    """All features: on the CPU the mapped file itself, else a copy; None if there are none."""
    return None if store.motion is None else torch.from_numpy(store.motion.values).to(device)


def fold_motion(
    store: Store,
    values: Tensor | None,
    config: Config,
    training: Sequence[int],
    held_out: Sequence[int],
    inner: Sequence[int] | None = None,
) -> FoldMotion | None:
    """The features of a fold's clips; those that judge as annotated if the config says so.

    Args:
        store: of the run's dataset.
        values: what `load_motion` gave.
        config: the resolved config.
        training: the clips that are trained on.
        held_out: the clips that are judged.
        inner: the clips that choose the epoch.
    """
    if store.motion is None or values is None:
        return None
    everywhere = config.reselection.clips == "all"
    chosen = store.motion.reselected if everywhere else store.motion.annotated
    factors = scale(config.features.name, config.model.image_size)

    def to(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(values.device)

    return FoldMotion(
        values=values,
        training=to(store.motion.reselected[list(training)]),
        held_out=to(chosen[list(held_out)]),
        scale=to(factors).view(-1, 1, 1),
        is_vector=FEATURES[config.features.name].is_vector,
        inner=None if inner is None else to(chosen[list(inner)]),
    )
