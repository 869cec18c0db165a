"""Embeddings of clips: the activations before the classifier of the networks of a run."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gamdss.data.splits import Fold
from gamdss.metrics import chosen_logits
from gamdss.runs.embedding_space import FoldEmbedding
from gamdss.runs.reopened import OpenedRun
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import FoldData

log = logging.getLogger("gamdss")


def embed(
    opened: OpenedRun, folds: Sequence[Fold], most: int | None = None, progress: bool = True
) -> tuple[FoldEmbedding, ...]:
    """Embeddings of the training and held-out clips of each of these folds.

    They are of the phase that predicts (rising, or falling if it is alone), without augmentation,
    for the key frames that the fold used. Clips that were set aside to choose the epoch count as
    training clips: they are not held out, and small datasets need them to compare folds.

    Args:
        opened: a finished run with its data.
        folds: some of its folds.
        most: number of training clips to embed, the same ones in all folds; all of them if None.
        progress: show a progress bar.

    Raises:
        CheckpointError: a checkpoint is missing, incomplete or corrupt, or of another network.
    """
    bar = tqdm(folds, desc="embedding clips", unit="fold", disable=not progress)
    count = len(opened.dataset.annotations.clips)
    chosen = set(np.linspace(0, count - 1, min(most or count, count)).round().astype(int).tolist())
    found = []
    for fold in bar:
        bar.set_postfix_str(fold.name)
        trainer = opened.trained(fold)
        data = trainer.data
        trained = opened.training_clips(fold, data)
        rows = [row for row, clip in enumerate(trained) if clip in chosen]
        training, training_logits = embed_clips(trainer, _training(data, rows))
        held_out, logits = embed_clips(trainer, data.held_out)
        # The run's predictions may be averages over draws of the key frames.
        averaged = logits if data.held_out_draws is None else trainer.held_out_logits().numpy()
        _warn_of_other_predictions(opened, fold, averaged)
        found.append(
            FoldEmbedding(
                name=fold.name,
                training_clips=tuple(trained[row] for row in rows),
                held_out_clips=fold.held_out,
                training=training,
                held_out=held_out,
                training_predicted=training_logits.argmax(1),
                held_out_predicted=logits.argmax(1),
            )
        )
    return tuple(found)


def _training(data: FoldData, rows: Sequence[int]) -> Tensor:
    """Index of training clips; those set aside to choose the epoch come last."""
    index = data.training if data.inner is None else torch.cat((data.training, data.inner))
    return index[list(rows)]


def embed_clips(trainer: FoldTrainer, index: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, D) and logits (N, C), float32, of clips by their index as in `FoldData`."""
    caught: list[Tensor] = []
    classifier = trainer.net.head.classify
    hook = classifier.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    try:
        logits = trainer.logits(index)
    finally:
        hook.remove()
    return torch.cat(caught).float().cpu().numpy(), logits.numpy()


def _warn_of_other_predictions(opened: OpenedRun, fold: Fold, logits: np.ndarray) -> None:
    """Log a warning if the network predicts other classes than the run recorded."""
    result = opened.run.fold(fold.name)
    recorded = chosen_logits(result, opened.run.selection).argmax(1)
    differing = int((logits.argmax(1) != recorded).sum())
    if differing:
        log.warning(
            "fold %s: predictions of %d of %d held-out clips differ from those of the run; another "
            "device or precision rounds differently",
            fold.name,
            differing,
            len(recorded),
        )
