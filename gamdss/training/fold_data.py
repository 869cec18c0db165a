"""What a fold trains on: key frames, phase features and labels of its clips, on its device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gamdss.config import AugmentationConfig, Config
from gamdss.data.augment import Draw, augment, draw, normalise, source, stack, turn, uniform
from gamdss.data.dataset import Dataset
from gamdss.data.draws import draw_of_epoch
from gamdss.data.inner_subjects import set_aside
from gamdss.data.people import people
from gamdss.data.splits import Fold
from gamdss.data.store import Store
from gamdss.data.store_writer import KEY_FRAMES
from gamdss.features import FEATURES, scale

CHANNELS = 3  # the network's


class Inputs(NamedTuple):
    """All key frames uint8 (M, 3, S, S) and phase features float16 (K, C, S, S) of a store."""

    frames: Tensor
    phase_features: Tensor | None


class Batch(NamedTuple):
    """What the network takes: key frames (B, 3, S, S), phase features (B, 2, 3, S, S) or None."""

    onset: Tensor
    apex: Tensor
    offset: Tensor
    phase_features: Tensor | None


@dataclass(frozen=True, eq=False)
class FoldData:
    """Inputs and labels of the fold called `name`, on its device.

    Attributes:
        frames: all key frames, uint8 (M, 3, S, S).
        training, held_out, inner: index of clips as in `Store`: rows of (onset, apex, offset) in
            `frames` and, with phase features, (rising, falling) in `phase_features`. `inner` are
            clips of training subjects set aside to choose the epoch; None for the final epoch.
        training_draws, held_out_draws, inner_draws: index of their draws (N, D, 3 or 5), as many
            as an epoch chooses from or an evaluation averages over; None for the key frames found.
        training_labels, held_out_labels, inner_labels: class index of each clip (N,); or action
            units (N, C), 1 for those that move.
        training_units: action units (N, U) for an auxiliary loss, -1 where unknown; None without.
        held_out_clips, inner_clips: ids in the order of `held_out` and `inner`.
        phase_features: float16 (K, C, S, S), in the units of `gamdss.features.FEATURES`; None if
            the network needs only the frames.
        scale: (C, 1, 1), turns phase features into what the network sees.
        is_vector: whether their first two channels are a vector.
        people: who is in the training clips and those set aside.
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
    phase_features: Tensor | None = None
    scale: Tensor | None = None
    is_vector: bool = False
    training_draws: Tensor | None = None
    held_out_draws: Tensor | None = None
    inner_draws: Tensor | None = None
    people: tuple[str, ...] = ()
    training_units: Tensor | None = None

    def of_epoch(self, epoch: int, seed: int) -> Tensor:
        """Index (N, 3 or 5) of the training clips in an epoch, each at another of its draws.

        The draw follows from the run's seed, the fold, the epoch and the clip's place among the
        training clips alone, and leaves PyTorch's default generator as it is.
        """
        if self.training_draws is None:
            return self.training
        clips, draws = self.training_draws.shape[:2]
        own = draw_of_epoch(clips, draws, epoch, stream(seed, self.name, "draws"))
        places = torch.from_numpy(np.arange(clips) * draws + own).to(self.training.device)
        return self.training_draws.flatten(0, 1)[places]

    def batch(
        self,
        index: Tensor,
        augmentation: AugmentationConfig | None = None,
        drawn: Tensor | None = None,
        out: Tensor | None = None,
    ) -> Batch:
        """Normalised network inputs of clips by their index (B, 3 or 5).

        With `augmentation`, one draw per clip transforms its frames and phase features alike;
        it follows from the numbers (4, B) of `augment.uniform`, by default new ones. On the CPU
        the augmented frames are written into `out` (B, 9, S, S), if there is one.
        """
        keys, features = index[:, :KEY_FRAMES], self._phases(index)
        if augmentation is None:
            frames = normalise(stack(self.frames, keys)).flatten(1, 2)
        else:
            numbers = uniform(len(index), self.frames.device) if drawn is None else drawn
            draws = draw(numbers, self.frames.shape[-1], augmentation)
            frames, features = self._augmented(keys, features, draws, out)
        onset, apex, offset = frames.split(CHANNELS, dim=1)
        return Batch(onset, apex, offset, features)

    def _phases(self, index: Tensor) -> Tensor | None:
        """Scaled phase features (B, 2, 3, S, S) float32: rising, falling."""
        if self.phase_features is None or self.scale is None:
            return None
        pairs = index[:, KEY_FRAMES:]
        values = self.phase_features.index_select(0, pairs.flatten()).float() * self.scale
        return values.expand(-1, CHANNELS, -1, -1).unflatten(0, pairs.shape)

    def _augmented(
        self, keys: Tensor, features: Tensor | None, drawn: Draw, out: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        where = source(drawn, self.frames.shape[-1])
        if features is not None:
            features = augment(features.flatten(1, 2), where).unflatten(1, (2, CHANNELS))
            features = turn(features, drawn) if self.is_vector else features
        return augment(self.frames, where, keys, out), features

    def order(self, sampling: Literal["shuffle", "balanced"]) -> Tensor:
        """Training clips of an epoch in the order they are shown, (N,) int64 on the CPU.

        `shuffle` is a permutation; `balanced` draws with replacement, every class equally often.
        """
        count = len(self.training)
        if sampling == "shuffle":
            return torch.randperm(count)
        weights = self.class_weights().cpu()
        return torch.multinomial(weights[self.training_labels.cpu()], count, replacement=True)

    def class_weights(self) -> Tensor:
        """Weights (C,), inversely proportional to the number of training clips of each class.

        Their mean over the training clips is 1; a class without training clips has weight 0. Of
        action units, the clips without a unit over those with it; 1 for a unit without clips.
        """
        if self.training_labels.ndim == 2:
            with_it = self.training_labels.sum(0)
            ratio = (len(self.training) - with_it) / with_it.clamp(min=1)
            return torch.where(with_it > 0, ratio, 1.0)
        count = torch.bincount(self.training_labels, minlength=len(self.classes)).float()
        weights = len(self.training) / ((count > 0).sum() * count.clamp(min=1))
        return weights * (count > 0)


def load_inputs(store: Store, device: torch.device) -> Inputs:
    """All frames and phase features: on the CPU the mapped files themselves, else a copy."""
    features = store.phase_features
    return Inputs(
        torch.from_numpy(store.frames).to(device),
        None if features is None else torch.from_numpy(features).to(device),
    )


def stream(seed: int, fold: str, purpose: str) -> int:
    """A random seed for each fold and purpose, independent of the order of folds."""
    digest = hashlib.blake2b(f"{seed}/{fold}/{purpose}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def fold_data(dataset: Dataset, fold: Fold, inputs: Inputs, config: Config) -> FoldData:
    """The fold's clips; those evaluated use annotated key frames if the config says so.

    `inputs` is what `load_inputs` returned for the dataset's store.
    """
    store, annotations = dataset.store, dataset.annotations
    everywhere = config.reselection.clips == "all"
    evaluated = store.reselected_index if everywhere else store.annotated_index
    labels = annotations.targets
    training, inner, held_out = list(fold.training), None, list(fold.held_out)
    if config.training.selection == "inner":
        seed = stream(config.seed, fold.name, "inner")
        rest, aside = set_aside(fold, dataset.labelled, config.training.inner_share, seed)
        training, inner = list(rest), list(aside)
    has_features = inputs.phase_features is not None
    feature = FEATURES[config.features.name]
    factors = scale(config.features.name, config.model.image_size)

    def to(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values).to(inputs.frames.device)

    def draws(clips: list[int] | None, count: int | None) -> Tensor | None:
        index = store.draws_index
        return None if index is None or clips is None or count == 0 else to(index[clips, :count])

    auxiliary, tested = config.training.au_weight > 0, config.reselection.test_draws
    return FoldData(
        name=fold.name,
        classes=annotations.classes,
        frames=inputs.frames,
        training=to(store.reselected_index[training]),
        training_labels=to(labels[training]),
        held_out=to(evaluated[held_out]),
        held_out_labels=to(labels[held_out]),
        held_out_clips=tuple(annotations.clips[i].id for i in held_out),
        inner=None if inner is None else to(evaluated[inner]),
        inner_labels=None if inner is None else to(labels[inner]),
        inner_clips=tuple(annotations.clips[i].id for i in inner or ()),
        phase_features=inputs.phase_features,
        scale=to(factors).view(-1, 1, 1) if has_features else None,
        is_vector=has_features and feature.is_vector,
        training_draws=draws(training, None) if config.reselection.train_draws else None,
        held_out_draws=draws(held_out, tested),
        inner_draws=draws(inner, tested),
        people=people(annotations.clips[i] for i in fold.training),
        training_units=to(annotations.unit_labels[training]) if auxiliary else None,
    )
