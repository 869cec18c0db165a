"""All folds of a run, each trained or found finished, and what they amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.dataset import Dataset, open_dataset, write_key_frames
from gamdss.data.splits import Fold, check_duplicates, make_folds
from gamdss.errors import CheckpointError, ConfigError
from gamdss.files import write_json
from gamdss.models.build import check_network
from gamdss.records import FoldResult
from gamdss.training import device
from gamdss.training.checkpoint import load_result
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import Inputs, fold_data, load_inputs
from gamdss.training.ranks import Ranks, find_ranks
from gamdss.training.results import results
from gamdss.training.run_directory import RunDirectory
from gamdss.training.tensorboard import require_tensorboard, write_curves


@dataclass(frozen=True, eq=False)
class Run:
    """A run: its directory, dataset, finished folds, and the values of `results.json`.

    `missing` are the names of the folds that are not finished; the results wait for them.
    """

    directory: RunDirectory
    dataset: Dataset
    folds: tuple[FoldResult, ...]
    missing: tuple[str, ...]
    results: dict[str, Any]


def train(
    config: Config,
    output: Path,
    cache: Path,
    progress: bool = True,
    only: Sequence[str] | None = None,
) -> Run | None:
    """Train and judge every fold, or what a killed run left of them; write `results.json`.

    Started by torchrun, the ranks of the job share the folds.

    Args:
        config: as it was asked for; `auto` is resolved here.
        output: the run directory.
        cache: folder of decoded frames.
        progress: show progress bars.
        only: names of the folds that are trained now; all where left out, none where empty.

    Returns:
        The run; None on ranks other than the first.

    Raises:
        GamdssError: anything the user can mend.
    """
    ranks = find_ranks(str(output))
    config = device.resolve(config)
    if config.tensorboard:
        require_tensorboard()
    target = device.set_up(config, ranks.local_rank)
    check_network(config.model)
    # The first rank decodes the frames and writes the config; the others find them done.
    ranks.wait_for_first()
    dataset = open_dataset(config, cache, progress and ranks.rank == 0)
    folds = make_folds(config.protocol, dataset.labelled, config.seed)
    check_duplicates(folds, dataset.annotations.clips, dataset.store.contents)
    wanted = choose(folds, only)
    directory = RunDirectory(output, config)
    job = _Job(directory, dataset, target, ranks, progress)
    if ranks.rank:
        job.work(wanted)
        return None
    with directory.open(dataset.about(), ranks.count):
        write_key_frames(directory.path / "keyframes.csv", dataset)
        ranks.first_is_ready()
        job.work(wanted)
        return _summed_up(directory, dataset, folds)


def _summed_up(directory: RunDirectory, dataset: Dataset, folds: Sequence[Fold]) -> Run:
    """The run as the directory has it; `results.json` is written if no fold is missing."""
    done = [fold for fold in folds if _is_finished(directory, fold)]
    missing = tuple(fold.name for fold in folds if fold not in done)
    finished = tuple(load_fold(directory, dataset, fold) for fold in done)
    values: dict[str, Any] = {}
    if not missing:
        classes = dataset.annotations.classes
        judged = {dataset.annotations.clips[i].subject for fold in folds for i in fold.held_out}
        values = results(directory.config, dataset.title, classes, finished, len(judged))
        write_json(directory.path / "results.json", values)
    return Run(directory, dataset, finished, missing, values)


def choose(folds: Sequence[Fold], only: Sequence[str] | None) -> list[Fold]:
    """The folds of these names, all of them for None.

    Raises:
        ConfigError: there is no such fold.
    """
    if only is None:
        return list(folds)
    known = {fold.name: fold for fold in folds}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise ConfigError(
            f"--folds has {', '.join(unknown)}, which no fold is called",
            remedy=f"The folds are {', '.join(known)}.",
        )
    return [known[name] for name in dict.fromkeys(only)]


@dataclass(frozen=True, eq=False)
class _Job:
    """What a process needs in order to work on folds."""

    directory: RunDirectory
    dataset: Dataset
    target: torch.device
    ranks: Ranks
    progress: bool

    def work(self, folds: Sequence[Fold]) -> None:
        """Train the folds that are not finished and that no other rank takes."""
        inputs = load_inputs(self.dataset.store, self.target)
        shown = self.progress and self.ranks.rank == 0
        with tqdm(total=len(folds), desc="folds", unit="fold", disable=not shown) as bar:
            for fold, done in self.ranks.share(folds):
                bar.update(done - bar.n)
                bar.set_postfix_str(f"{fold.name}")
                if not _is_finished(self.directory, fold):
                    self._train(fold, inputs, shown)
                self._draw_curves(fold)
            bar.update(len(folds) - bar.n)

    def _train(self, fold: Fold, inputs: Inputs, shown: bool) -> None:
        config = self.directory.config
        folder = self.directory.fold(fold.name)
        data = fold_data(self.dataset, fold, inputs, config)
        trainer = FoldTrainer(config, data, folder)
        _with_bar(trainer, config.training.epochs, shown)

    def _draw_curves(self, fold: Fold) -> None:
        folder = self.directory.path / "tensorboard" / fold.name
        if self.directory.config.tensorboard and not folder.exists():
            write_curves(folder, load_fold(self.directory, self.dataset, fold))


def _is_finished(directory: RunDirectory, fold: Fold) -> bool:
    """Whether the fold is done; its training state goes, if a killed process left it."""
    folder = directory.fold(fold.name)
    if not (folder / "predictions.npz").exists():
        return False
    (folder / "training_state.pt").unlink(missing_ok=True)
    return True


def load_fold(directory: RunDirectory, dataset: Dataset, fold: Fold) -> FoldResult:
    """The result of a finished fold.

    Raises:
        CheckpointError: it is truncated, or of other clips.
    """
    file = directory.fold(fold.name) / "predictions.npz"
    result = load_result(file)
    expected = tuple(dataset.annotations.clips[i].id for i in fold.held_out)
    if result.clips != expected:
        raise CheckpointError(
            "these predictions are of other clips than the fold's",
            file=file,
            remedy="Remove the file: the fold is trained again.",
        )
    return result


def _with_bar(trainer: FoldTrainer, epochs: int, progress: bool) -> None:
    description = f"{trainer.data.name}: epochs"
    with tqdm(
        total=epochs, desc=description, unit="epoch", leave=False, disable=not progress
    ) as bar:

        def on_epoch(done: int, loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.3f}")
            bar.update(done - bar.n)

        trainer.run(on_epoch)
