"""All folds of a run: data opened, folds shared among ranks and resumed, results written."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from gamdss.config import Config
from gamdss.config.command_line import Session
from gamdss.data import splits
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.key_frame_table import write_key_frames
from gamdss.data.splits import Fold, check_duplicates, make_folds, matching_fold
from gamdss.errors import CheckpointError, ConfigError
from gamdss.files import cache_folder, write_json
from gamdss.models.two_branch import build_network, check_network, without_start
from gamdss.records import FoldResult
from gamdss.training import device
from gamdss.training.checkpoint import load_result, read_weights
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import Inputs, fold_data, load_inputs
from gamdss.training.initial import find_start, freeze, weights_digests
from gamdss.training.learner import Learner
from gamdss.training.ranks import find_ranks
from gamdss.training.results import RunResults
from gamdss.training.retention_choice import use_fastest
from gamdss.training.run_directory import RunDirectory
from gamdss.training.run_files import identity
from gamdss.training.scoring import results
from gamdss.training.tensorboard import require_tensorboard, write_curves

log = logging.getLogger("gamdss")


@dataclass(frozen=True, eq=False)
class Run:
    """A run: its directory, dataset, finished folds, and the values of `results.json`.

    `missing` has the names of unfinished folds; `results` is None while there are any.
    """

    directory: RunDirectory
    dataset: Dataset
    folds: tuple[FoldResult, ...]
    missing: tuple[str, ...]
    results: RunResults | None


class RunFolds(Session):
    """The unfinished folds of a run, one after another; ranks started by torchrun share them.

    A context manager: from the first fold until it exits, no other process can write to the run
    directory.

    Args:
        config: the settings; `auto` is resolved here.
        output: the run directory.
        only: names of the folds to train now; None for all, an empty list for none.
        progress: show progress bars.

    Raises:
        ConfigError, DeviceError: the device, a package or the network is not available.
        CheckpointError: pretrained weights are unavailable.
    """

    def __init__(
        self,
        config: Config,
        output: Path,
        only: Sequence[str] | None = None,
        progress: bool = True,
    ) -> None:
        super().__init__()
        self.ranks = find_ranks()
        self.progress = progress and self.ranks.rank == 0
        self.config = device.resolve(config)
        self.cache = cache_folder(config.cache)
        self.directory = RunDirectory(output, self.config, trains=only is None or len(only) > 0)
        self._only = only
        if config.tensorboard:
            require_tensorboard()
        threads = self.directory.threads()
        self._device = device.set_up(self.config, self.ranks.local_rank, threads)
        self._folds: tuple[Dataset, tuple[Fold, ...]] | None = None
        self._inputs: tuple[Dataset, Inputs] | None = None
        self._learner: Learner | None = None
        self._opened: Dataset | None = None
        check_network(config.model)
        self._start = find_start(config)
        if config.training.freeze:  # before data is read
            freeze(build_network(without_start(config.model), 2), config.training.freeze)

    def open_dataset(self) -> Dataset:
        """Read annotations, find frames and reselect key frames; cached for the next call.

        Raises:
            DataRootError, AnnotationError, FrameError: data is missing or unusable.
        """
        # The first rank decodes the frames and writes the config before the others continue.
        self.ranks.wait_for_first()
        with self._warned_once():
            return open_dataset(self.config, self.cache, self.progress)

    @contextmanager
    def _warned_once(self) -> Iterator[None]:
        """Warnings about data, which all ranks would repeat, come from the first one alone."""
        logger = logging.getLogger("gamdss")
        level = logger.level
        if self.ranks.rank:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)

    def all_folds(self, dataset: Dataset) -> tuple[Fold, ...]:
        """All folds of the protocol, checked for leaks; made once, with their warnings.

        Raises:
            FoldError: too few subjects, or the same subject, clip or frames on both sides.
        """
        if self._folds is None or self._folds[0] is not dataset:
            with self._warned_once():
                folds = make_folds(self.config.protocol, dataset.labelled, self.config.seed)
                check_duplicates(folds, dataset.annotations.clips, dataset.store.frame_digests)
            self._folds = dataset, folds
        return self._folds[1]

    def folds(self, dataset: Dataset) -> Iterator[Fold]:
        """The unfinished folds, until none is left for any rank.

        Raises:
            RunError: another process holds the directory, it belongs to another config or data, or
                ranks have different ones.
        """
        folds = self.all_folds(dataset)
        wanted, about = choose(folds, self._only), self._about(dataset, folds)
        self._open_directory(dataset, about)
        names = [fold.name for fold in wanted]
        place = str(self.directory.path)
        more: dict[str, Any] = {"output": place, "folds": names}
        if self._device.type == "cpu":
            more["threads of the process"] = torch.get_num_threads()
        self.ranks.agree(identity(self.config, about, **more))
        with tqdm(total=len(wanted), desc="folds", unit="fold", disable=not self.progress) as bar:
            for fold, done in self.ranks.share(wanted):
                bar.update(done - bar.n)
                bar.set_postfix_str(fold.name)
                if not self._is_finished(fold) or not self._is_intact(fold):
                    yield fold
                self._draw_curves(dataset, fold)
            bar.update(len(wanted) - bar.n)

    def _open_directory(self, dataset: Dataset, about: dict[str, Any]) -> None:
        """Hold the directory from now on, once its config and data are known to be these."""
        if self.ranks.rank or self._opened is dataset:
            return
        if self._opened is None:
            self._held.enter_context(self.directory.open(about, self.ranks.count))
            self._held.callback(setattr, self, "_opened", None)
        else:
            self.directory.write_or_compare(about, self.ranks.count)
        write_key_frames(self.directory.path / "keyframes.csv", dataset)
        write_json(self.directory.path / "crops.json", dataset.crops)
        if self._opened is None:
            self.ranks.first_is_ready()
        self._opened = dataset

    def _about(self, dataset: Dataset, folds: Sequence[Fold]) -> dict[str, Any]:
        """What identifies the data, the folds and the initial weights, for `data.json`."""
        if self._start is not None:
            self._start.check(folds, dataset.labelled)
        about = dataset.about() | {"folds": splits.digest(folds, dataset.annotations.clips)}
        return about | weights_digests(self.config, self._start, folds)

    @device.memory_explained()
    def trainer(self, dataset: Dataset, fold: Fold) -> FoldTrainer:
        """The trainer of a fold; it resumes a training that was interrupted.

        With compiled code (`training.compile`) it takes over the network of the trainer before.

        Raises:
            DeviceError: the memory of the GPU does not suffice.
        """
        if self._inputs is None or self._inputs[0] is not dataset:  # once for all folds
            self._learner = self._inputs = None
            if self._device.type == "cuda":
                gc.collect()  # graphs of an earlier run keep its frames
            self._inputs = dataset, load_inputs(dataset.store, self._device)
        data = fold_data(dataset, fold, self._inputs[1], self.config)
        folder = self.directory.fold(fold.name)
        trainer = FoldTrainer(self.config, data, folder, self.progress, self._learner)
        if self._learner is None and self._device.type == "cuda":
            file = self.directory.path / "retention.json"
            use_fastest(trainer.net, self.config, file, self.cache, self.progress)
        if self._start is not None:
            trainer.people = self._start.apply(trainer.net, fold.name, data)
        freeze(trainer.net, self.config.training.freeze)
        self._learner = trainer.learner if self.config.training.compile == "on" else None
        return trainer

    def finish(self, dataset: Dataset) -> Run | None:
        """Read the finished folds, and write `results.json` if none is missing.

        Returns:
            The run; None on ranks other than the first.

        Raises:
            RunError: as `folds`.
            CheckpointError: predictions of a fold are incomplete or corrupt, or of other clips.
        """
        if self.ranks.rank:
            return None
        folds = self.all_folds(dataset)
        self._open_directory(dataset, self._about(dataset, folds))
        done = [fold for fold in folds if self._is_finished(fold)]
        missing = tuple(fold.name for fold in folds if fold not in done)
        finished = tuple(self._load(dataset, fold) for fold in done)
        values = None
        if not missing:
            clips = dataset.annotations.clips
            used = {i for fold in folds for i in fold.held_out or fold.training}
            subjects = {clips[i].subject for i in used}
            about = dataset.title, dataset.synthetic, dataset.annotations.classes
            start = None
            if self._start is not None:
                seen = self._start.seen(folds, dataset.labelled)
                start = self._start.place.name, list(seen)
            values = results(self.config, *about, finished, len(subjects), len(used), start)
            write_json(self.directory.path / "results.json", values.as_dict())
        return Run(self.directory, dataset, finished, missing, values)

    def _is_finished(self, fold: Fold) -> bool:
        """Whether the fold is finished; deletes the training state that a killed process left."""
        folder = self.directory.fold(fold.name)
        if not (folder / "predictions.npz").exists():
            return False
        (folder / "training_state.pt").unlink(missing_ok=True)
        return True

    def _is_intact(self, fold: Fold) -> bool:
        """Whether the files of a finished fold are as they were written; else it is trained again.

        Weights may be missing: results outlive them, and they are large.
        """
        folder = self.directory.fold(fold.name)
        weights, predictions = folder / "checkpoint.safetensors", folder / "predictions.npz"
        try:
            load_result(predictions)
            if weights.exists():
                read_weights(weights)
        except CheckpointError as error:
            log.warning("%s: %s; the fold is trained again", error.file, error.problem)
            predictions.unlink(missing_ok=True)  # it marks the fold as finished
            return False
        return True

    def _load(self, dataset: Dataset, fold: Fold) -> FoldResult:
        file = self.directory.fold(fold.name) / "predictions.npz"
        result = load_result(file)
        if result.clips != tuple(dataset.annotations.clips[i].id for i in fold.held_out):
            raise CheckpointError(
                "the predictions are not for the clips of this fold",
                file=file,
                remedy="Delete the file and start the same command again: it trains the fold.",
            )
        return result

    def _draw_curves(self, dataset: Dataset, fold: Fold) -> None:
        folder = self.directory.path / "tensorboard" / fold.name
        if self.config.tensorboard and not folder.exists():
            write_curves(folder, self._load(dataset, fold))


def choose(folds: Sequence[Fold], only: Sequence[str] | None) -> list[Fold]:
    """The folds of these names; all of them if None.

    Raises:
        ConfigError: a name is not that of a fold.
    """
    if only is None:
        return list(folds)
    known = {fold.name: fold for fold in folds}
    names = {name: matching_fold(name, known) for name in only}
    unknown = [name for name, found in names.items() if found is None]
    if unknown:
        raise ConfigError(
            f"--folds has {', '.join(unknown)}, which is not the name of a fold",
            remedy=f"The folds are {', '.join(known)}.",
        )
    return [known[found] for found in dict.fromkeys(names.values()) if found is not None]


def train(
    config: Config, output: Path, only: Sequence[str] | None = None, progress: bool = True
) -> Run | None:
    """Train the unfinished folds and write the results; arguments as `RunFolds`.

    Returns:
        The run; None on ranks other than the first.
    """
    with RunFolds(config, output, only, progress) as job:
        dataset = job.open_dataset()
        for fold in job.folds(dataset):
            job.trainer(dataset, fold).run()
        return job.finish(dataset)
