"""The networks of all folds of a run as one classifier of key frames, without its dataset.

Probabilities are averaged over the networks and over draws of the key frames. Their logits are
divided by a temperature (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017),
fitted to the logits that each network gave to the clips that were held out from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.people import person_of_run, shared
from gamdss.errors import RunError
from gamdss.features import scale
from gamdss.metrics import Selection
from gamdss.metrics.calibration import pooled
from gamdss.records import subject_of
from gamdss.runs.finished import FinishedRun, require_classes
from gamdss.runs.trained import PredictingBranch, load_trained
from gamdss.training.checkpoint import load_weights
from gamdss.training.device import resolve_device
from gamdss.training.initial import people_of_fold

NOT_SURE = "not sure"
_BATCH = 32
_LOG_TEMPERATURE = (-3.0, 3.0)  # range of the search


@dataclass(frozen=True, eq=False)
class ClassChances:
    """Probabilities of the classes for one expression.

    Args:
        classes: names of the classes.
        chances: (C,) probabilities, which sum to 1.
        fold_spread: (C,) standard deviation between the networks, of means over draws.
        draw_spread: (C,) standard deviation between draws of the key frames, within networks.
    """

    classes: tuple[str, ...]
    chances: np.ndarray
    fold_spread: np.ndarray
    draw_spread: np.ndarray

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation (C,) over networks and draws."""
        return np.asarray(np.hypot(self.fold_spread, self.draw_spread))

    @property
    def confidence(self) -> float:
        """The largest probability."""
        return float(self.chances.max())

    def label(self, threshold: float) -> str:
        """The most probable class, or `not sure` if its probability is below the threshold."""
        return NOT_SURE if self.confidence < threshold else self.classes[self.chances.argmax()]


class Ensemble:
    """All folds' networks of a finished run; one at a time is in memory.

    Args:
        run: the run; its dataset is not needed.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.

    Attributes:
        folds: names of the folds.
        classes: names of the classes.
        temperature: divides the logits.
        calibrated: whether held-out logits fitted the temperature; it is 1 otherwise.

    Raises:
        RunError: checkpoints of folds are missing, or the run is of action units.
        CheckpointError: one is incomplete or corrupt, or of another network.
    """

    def __init__(self, run: FinishedRun, device: str = "auto") -> None:
        require_classes(run, "prediction names")
        self.folds = tuple(fold.name for fold in run.folds)
        self.classes = tuple(run.classes)
        _check_folds(run, self.folds)
        self._device = resolve_device(device)
        trained = load_trained(run.path, self.folds[0])
        self._branch = PredictingBranch(trained.net, trained.from_features).eval()
        self._branch.to(self._device)
        self._files = [_checkpoint(run, fold) for fold in self.folds]
        for file in self._files[1:]:  # broken files are reported now, not after the first video
            load_weights(file, self._branch.net)
        config, size = run.config, run.config.model.image_size
        features = config.features if config.features.stored else None
        self._reader = KeyFrameReader(True, size, config.frames, config.reselection, features)
        self._scale = scale(config.features.name, size)[:, None, None]
        self._people = [people_of_fold(run.path, fold) for fold in self.folds]
        # There are no checkpoints of the oracle's epochs.
        selection: Selection = "inner" if run.selection == "inner" else "final"
        scored = run.results.scored  # a run trained on everybody has no held-out logits
        clips: Sequence[str] = ()
        self._held_out, self._labels = np.empty(0), np.empty(0)
        if scored:
            self._held_out, self._labels, clips = pooled(run.folds, selection)
        # Whom each held-out clip shows.
        self._shown = [person_of_run(run.config, subject_of(clip)) for clip in clips]
        self._calibrate(np.ones(len(clips), bool))

    @property
    def reach(self) -> int:
        """Frames beside a key frame that the input features use."""
        return 0 if self._reader.features is None else self._reader.features.config.reach

    def unseen(self, person: str) -> Ensemble:
        """The same with only the networks that have not seen a person; there may be none.

        The temperature is fitted without the person's clips. A network has seen the people of its
        fold and those of its initial weights, if known; else it may have seen anybody.

        Args:
            person: as `gamdss.data.people.person` names people.
        """
        found = copy(self)
        kept = [n for n, seen in enumerate(self._people) if not _met(person, seen)]
        found.folds = tuple(self.folds[n] for n in kept)
        found._files = [self._files[n] for n in kept]
        found._people = [self._people[n] for n in kept]
        found._calibrate(np.array([not shared([person], [shown]) for shown in self._shown], bool))
        return found

    def _calibrate(self, chosen: np.ndarray) -> None:
        """Fit the temperature to some of the held-out clips (N,); it is 1 if there are none."""
        self.calibrated = bool(chosen.any())
        self.temperature = 1.0
        if self.calibrated:
            self.temperature = fit_temperature(self._held_out[chosen], self._labels[chosen])

    def predict(
        self, images: Mapping[int, np.ndarray], keys: Sequence[tuple[int, int, int]]
    ) -> ClassChances:
        """Probabilities, averaged over the networks and over key frames.

        Args:
            images: crops by frame number, uint8 BGR (H, W, 3) of one size: those in `keys`, and
                the neighbours that magnification uses, where they exist.
            keys: equally likely onset, apex and offset; repetition adds weight.
        """
        falling = self._branch.net.branches == "falling"
        pairs = [(offset if falling else onset, apex) for onset, apex, offset in keys]
        distinct = sorted(set(pairs))
        places = np.array([distinct.index(pair) for pair in pairs])
        logits = self._logits(images, distinct)[:, places]  # (F, D, C)
        chances = softmax(logits.astype(np.float64) / self.temperature, axis=2)
        by_fold = chances.mean(axis=1)
        return ClassChances(
            self.classes,
            by_fold.mean(axis=0),
            by_fold.std(axis=0),
            np.sqrt(chances.var(axis=1).mean(axis=0)),
        )

    def _logits(
        self, images: Mapping[int, np.ndarray], pairs: Sequence[tuple[int, int]]
    ) -> np.ndarray:
        """Logits (F, P, C) of phases (weak end, apex)."""
        inputs = [self._inputs(images, *pair) for pair in pairs]
        first, second = (torch.from_numpy(np.stack(side)) for side in zip(*inputs, strict=True))
        batches = [
            (a.to(self._device), b.to(self._device))
            for a, b in zip(first.split(_BATCH), second.split(_BATCH), strict=True)
        ]
        rows = []
        for file in self._files:  # one network at a time: those of 94 folds would take 5 GB
            load_weights(file, self._branch.net)
            with torch.inference_mode():
                rows.append(torch.cat([self._branch(*batch) for batch in batches]).cpu())
        return torch.stack(rows).float().numpy()

    def _inputs(
        self, images: Mapping[int, np.ndarray], weak: int, apex: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `PredictingBranch` takes of a phase, each (3, S, S)."""
        branch, resize = self._branch, self._reader.resize
        falling = branch.net.branches == "falling"
        first, second = (apex, weak) if falling else (weak, apex)
        if self._reader.features is None:
            return resize(images[first]), resize(images[second])
        # Stored features have half precision: so had those of the training.
        feature = self._reader.features.phase(images, weak, apex).astype(np.float16)
        motion = np.broadcast_to(feature.astype(np.float32) * self._scale, (3, *feature.shape[1:]))
        return resize(images[first]), np.ascontiguousarray(motion)


def _met(person: str, seen: Sequence[str] | None) -> bool:
    return seen is None or bool(shared([person], seen))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes held-out labels (N,) most likely, given logits (N, C)."""

    def loss(log: float) -> float:
        chances = log_softmax(logits.astype(np.float64) / np.exp(log), axis=1)
        return -float(chances[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURE, method="bounded").x))


def _checkpoint(run: FinishedRun, fold: str) -> Path:
    return run.path / "folds" / fold / "checkpoint.safetensors"


def _check_folds(run: FinishedRun, folds: Sequence[str]) -> None:
    missing = [fold for fold in folds if not _checkpoint(run, fold).is_file()]
    if missing:
        more = ", ..." if len(missing) > 5 else ""
        raise RunError(
            f"{len(missing)} of the {len(folds)} folds have no checkpoint: "
            f"{', '.join(missing[:5])}{more}",
            file=run.path,
            remedy="Restore folds/*/checkpoint.safetensors, or start the same `gamdss train` "
            "command in an empty folder.",
        )
