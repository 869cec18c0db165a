"""All folds of a run, each trained or found finished, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.splits import Fold, leave_one_subject_out
from gamdss.engine import device
from gamdss.engine.checkpoint import load_result
from gamdss.engine.dataset import (
    Dataset,
    fold_data,
    load_frames,
    open_dataset,
    write_key_frames,
)
from gamdss.engine.fold import FoldTrainer
from gamdss.engine.results import results
from gamdss.engine.run import RunDirectory
from gamdss.engine.tensorboard import require_tensorboard, write_curves
from gamdss.errors import CheckpointError
from gamdss.files import write_json
from gamdss.records import FoldResult


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: its directory, dataset, folds, and the values of `results.json`."""

    directory: RunDirectory
    dataset: Dataset
    folds: tuple[FoldResult, ...]
    results: dict[str, Any]


def train(
    config: Config,
    output: Path,
    cache: Path,
    progress: bool = True,
) -> Run:
    """Train and judge every fold, or what a killed run left of them; write `results.json`.

    Args:
        config: as it was asked for; `auto` is resolved here.
        output: the run directory.
        cache: folder of decoded frames.
        progress: show progress bars.

    Raises:
        GamdssError: anything the user can mend.
    """
    config = device.resolve(config)
    if config.tensorboard:
        require_tensorboard()
    target = device.set_up(config)
    dataset = open_dataset(config, cache, progress)
    clips = dataset.annotations.clips
    folds = leave_one_subject_out(
        [clip.subject for clip in clips], dataset.annotations.labels, dataset.annotations.classes
    )
    directory = RunDirectory(output, config)
    with directory.open(dataset.about()):
        write_key_frames(directory.path / "keyframes.csv", dataset)
        finished = _train_folds(directory, dataset, folds, target, progress)
        values = results(config, dataset.title, dataset.annotations.classes, finished)
        write_json(directory.path / "results.json", values)
    return Run(directory, dataset, tuple(finished), values)


def _train_folds(
    directory: RunDirectory,
    dataset: Dataset,
    folds: Sequence[Fold],
    target: torch.device,
    progress: bool,
) -> list[FoldResult]:
    frames = load_frames(dataset.store, target)
    finished = []
    with tqdm(total=len(folds), desc="folds", unit="fold", disable=not progress) as bar:
        for fold in folds:
            bar.set_postfix_str(f"subject {fold.subject}")
            folder = directory.fold(fold.subject)
            result = _finished(folder, dataset, fold)
            if result is None:
                data = fold_data(dataset, fold, frames, directory.config)
                trainer = FoldTrainer(directory.config, data, folder)
                result = _with_bar(trainer, directory.config.training.epochs, progress)
            if directory.config.tensorboard:
                write_curves(directory.path / "tensorboard" / fold.subject, result)
            finished.append(result)
            bar.update()
    return finished


def _finished(folder: Path, dataset: Dataset, fold: Fold) -> FoldResult | None:
    """The result of a fold that is done; None if it is not."""
    file = folder / "predictions.npz"
    if not file.exists():
        return None
    result = load_result(file)
    expected = tuple(dataset.annotations.clips[i].id for i in fold.held_out)
    if result.clips != expected:
        raise CheckpointError(
            "these predictions are of other clips than the fold's",
            file=file,
            remedy="Remove the file: the fold is trained again.",
        )
    (folder / "training_state.pt").unlink(missing_ok=True)
    return result


def _with_bar(trainer: FoldTrainer, epochs: int, progress: bool) -> FoldResult:
    description = f"subject {trainer.data.subject}: epochs"
    with tqdm(
        total=epochs, desc=description, unit="epoch", leave=False, disable=not progress
    ) as bar:

        def on_epoch(done: int, loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}")
            bar.update(done - bar.n)

        return trainer.run(on_epoch)
