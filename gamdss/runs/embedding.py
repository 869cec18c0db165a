"""Features before the classifier: what a fold's network makes of its clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gamdss.data.splits import Fold
from gamdss.metrics import chosen_logits
from gamdss.runs.embedding_space import FoldFeatures
from gamdss.runs.reopened import OpenedRun
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import FoldData

log = logging.getLogger("gamdss")


def features(
    opened: OpenedRun, folds: Sequence[Fold], most: int | None = None, progress: bool = True
) -> tuple[FoldFeatures, ...]:
    """Features of the training and the held-out clips of each of these folds.

    They are those of the phase that decides (rising, or falling where it is alone), without
    augmentation, and of the key frames that the fold saw. Clips set aside to choose the epoch count
    as training clips: they are not held out, and small datasets need them to compare folds.

    Args:
        opened: a finished run with its data.
        folds: some of its folds.
        most: training clips to look at, the same ones in all folds; all of them if None.
        progress: show a progress bar.

    Raises:
        CheckpointError: a fold's checkpoint is missing, truncated or of another architecture.
    """
    bar = tqdm(folds, desc="features of folds", unit="fold", disable=not progress)
    count = len(opened.dataset.annotations.clips)
    chosen = set(np.linspace(0, count - 1, min(most or count, count)).round().astype(int).tolist())
    found = []
    for fold in bar:
        bar.set_postfix_str(fold.name)
        trainer = opened.trained(fold)
        data = trainer.data
        learnt = opened.training_clips(fold, data)
        rows = [row for row, clip in enumerate(learnt) if clip in chosen]
        training, training_logits = clip_features(trainer, _training(data, rows))
        held_out, logits = clip_features(trainer, data.held_out)
        _compare(opened, fold, logits)
        clips = fold.name, tuple(learnt[row] for row in rows), fold.held_out
        predicted = training_logits.argmax(1), logits.argmax(1)
        found.append(FoldFeatures(*clips, training, held_out, *predicted))
    return tuple(found)


def _training(data: FoldData, rows: Sequence[int]) -> Tensor:
    """Index of training clips, those set aside for the epoch last."""
    index = data.training if data.inner is None else torch.cat((data.training, data.inner))
    return index[list(rows)]


def clip_features(trainer: FoldTrainer, index: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) and logits (N, C), float32, of clips by their index as in `FoldData`."""
    caught: list[Tensor] = []
    classifier = trainer.net.head.classify
    hook = classifier.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        logits = trainer.logits(index)
    finally:
        hook.remove()
    return torch.cat(caught).float().cpu().numpy(), logits.numpy()


def _compare(opened: OpenedRun, fold: Fold, logits: np.ndarray) -> None:
    """Warn where the network, on this device, does not predict what the run has recorded."""
    result = opened.run.fold(fold.name)
    recorded = chosen_logits(result, opened.run.selection).argmax(1)
    differing = int((logits.argmax(1) != recorded).sum())
    if differing:
        log.warning(
            "fold %s: %d of %d held-out clips are predicted otherwise than in the run; another "
            "device or precision rounds differently",
            fold.name,
            differing,
            len(recorded),
        )
