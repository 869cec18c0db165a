"""What a fold reads: key frames, labels and input features of its clips, on its device."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gamdss.config import Config
from gamdss.data.augment import Draw, augment, turn
from gamdss.data.dataset import Dataset
from gamdss.data.inner import set_aside
from gamdss.data.splits import Fold
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


def stream(seed: int, fold: str, what: str) -> int:
    """A seed of its own for each fold and purpose, the same whatever ran before it."""
    digest = hashlib.blake2b(f"{seed}/{fold}/{what}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")


@dataclass(frozen=True, eq=False)
class FoldData:
    """What the fold called `name` reads, on its device.

    `frames` is uint8 (M, 3, S, S); `training` (N, 3) and `held_out` (H, 3) index it by clip and
    key frame; labels are class indices; `held_out_clips` are ids in the order of `held_out`.
    `inner` (M, 3), with labels and ids, are clips of training subjects set aside to choose the
    epoch on, None where the final one is taken.
    `motion` has the input features where they are not the plain difference of the frames.
    """

    name: str
    classes: tuple[str, ...]
    frames: Tensor
    training: Tensor
    training_labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor
    held_out_clips: tuple[str, ...]
    inner: Tensor | None = None
    inner_labels: Tensor | None = None
    inner_clips: tuple[str, ...] = ()
    motion: FoldMotion | None = None


def load_frames(store: Store, device: torch.device) -> Tensor:
    """All key frames as uint8 (M, 3, S, S): on the CPU the mapped file itself, else a copy."""
    return torch.from_numpy(store.frames).to(device)


def fold_data(
    dataset: Dataset, fold: Fold, frames: Tensor, config: Config, motion: Tensor | None = None
) -> FoldData:
    """The fold's clips; those that judge with annotated frames if the config says so.

    `frames` is what `load_frames` gave, and `motion` what `load_motion` gave: it is loaded where it
    is left out.
    """
    store, annotations = dataset.store, dataset.annotations
    judged = store.reselected if config.reselection.clips == "all" else store.annotated
    labels = np.array(annotations.labels, np.int64)
    training, inner, held_out = list(fold.training), None, list(fold.held_out)
    if config.training.selection == "inner":
        seed = stream(config.seed, fold.name, "inner")
        rest, aside = set_aside(fold, dataset.labelled, config.training.inner_share, seed)
        training, inner = list(rest), list(aside)
    if motion is None:
        motion = load_motion(store, frames.device)

    def to(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(frames.device)

    return FoldData(
        name=fold.name,
        classes=annotations.classes,
        frames=frames,
        training=to(store.reselected[training]),
        training_labels=to(labels[training]),
        held_out=to(judged[held_out]),
        held_out_labels=to(labels[held_out]),
        held_out_clips=tuple(annotations.clips[i].id for i in held_out),
        inner=None if inner is None else to(judged[inner]),
        inner_labels=None if inner is None else to(labels[inner]),
        inner_clips=tuple(annotations.clips[i].id for i in inner or ()),
        motion=fold_motion(store, motion, config, training, held_out, inner),
    )
