"""Features before the classifier: what a fold's network of the final epoch makes of its clips."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gamdss.analysis.feature_space import FoldFeatures
from gamdss.data.splits import Fold
from gamdss.engine.device import autocast
from gamdss.engine.fold import EVALUATION_BATCH, FoldTrainer
from gamdss.engine.reopened import OpenedRun

log = logging.getLogger("gamdss")


def features(
    opened: OpenedRun, folds: Sequence[Fold], most: int | None = None, progress: bool = True
) -> tuple[FoldFeatures, ...]:
    """Features of the training and the held-out clips of each of these folds.

    They are those of the phase that decides (rising, or falling where it is alone), without
    augmentation, and of the key frames that the fold saw.

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
        rows = [row for row, clip in enumerate(fold.training) if clip in chosen]
        training, training_logits = clip_features(trainer, trainer.data.training[rows])
        held_out, logits = clip_features(trainer, trainer.data.held_out)
        _compare(opened, fold, logits)
        clips = fold.name, tuple(fold.training[row] for row in rows), fold.held_out
        predicted = training_logits.argmax(1), logits.argmax(1)
        found.append(FoldFeatures(*clips, training, held_out, *predicted))
    return tuple(found)


@torch.inference_mode()
def clip_features(trainer: FoldTrainer, index: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) and logits (N, C), float32, of clips whose key frames are `index` (N, 3)."""
    caught: list[Tensor] = []
    classifier = trainer.net.head.classify
    hook = classifier.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    logits = []
    try:
        for batch in index.split(EVALUATION_BATCH):
            frames = trainer.frames(batch)
            with autocast(trainer.config):
                logits.append(trainer.net.predict_logits(*frames.split(3, dim=1)))
    finally:
        hook.remove()
    return torch.cat(caught).float().cpu().numpy(), torch.cat(logits).float().cpu().numpy()


def _compare(opened: OpenedRun, fold: Fold, logits: np.ndarray) -> None:
    """Warn where the network, on this device, does not predict what the run has recorded."""
    recorded = opened.run.fold(fold.name).logits[-1].argmax(1)
    differing = int((logits.argmax(1) != recorded).sum())
    if differing:
        log.warning(
            "fold %s: %d of %d held-out clips are predicted otherwise than in the run; another "
            "device or precision rounds differently",
            fold.name,
            differing,
            len(recorded),
        )
