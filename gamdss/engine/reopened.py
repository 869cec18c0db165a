"""A finished run, opened again: its results alone, or with its data and trained networks.

The checkpoints hold the networks of the final epoch; there are none of the oracle's epochs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gamdss.config import Config, from_dict
from gamdss.data.splits import Fold, make_folds
from gamdss.engine import device
from gamdss.engine.checkpoint import load_result, load_weights
from gamdss.engine.dataset import Dataset, fold_data, load_frames, open_dataset
from gamdss.engine.fold import FoldTrainer
from gamdss.engine.run import read_config
from gamdss.errors import ConfigError, RunError
from gamdss.records import FoldResult

_GET_ONE = "Train one with `gamdss train`, or finish this one with the command that started it."


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """What a run directory holds, without its data.

    `results` are the values of `results.json`; `folds` have every epoch's held-out logits.
    """

    path: Path
    config: Config
    results: Mapping[str, Any]
    folds: tuple[FoldResult, ...]

    def fold(self, name: str) -> FoldResult:
        """The fold of this name.

        Raises:
            ConfigError: there is none.
        """
        known = {fold.name: fold for fold in self.folds}
        if name not in known:
            raise ConfigError(
                f"--fold is {name!r}, which no fold of {self.path} is called",
                remedy=f"The folds are {', '.join(known)}.",
            )
        return known[name]


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """A finished run with its dataset and folds; networks are loaded fold by fold."""

    run: RecordedRun
    config: Config
    dataset: Dataset
    folds: tuple[Fold, ...]
    frames: Tensor

    def trained(self, fold: Fold) -> FoldTrainer:
        """The fold's network of the final epoch, in evaluation mode, with the fold's clips.

        Raises:
            CheckpointError: the checkpoint is missing, truncated or of another architecture.
        """
        folder = self.run.path / "folds" / fold.name
        data = fold_data(self.dataset, fold, self.frames, self.config)
        trainer = FoldTrainer(self.config, data, folder)
        load_weights(folder / "checkpoint.safetensors", trainer.net)
        trainer.net.eval()
        return trainer


def read_record(path: Path) -> RecordedRun:
    """Read the directory of a finished run.

    Raises:
        RunError: there is no run, it is not finished, or its epochs were chosen otherwise.
        CheckpointError: a fold's predictions are truncated.
    """
    if not path.is_dir():
        raise RunError("there is no such run", file=path, remedy=_GET_ONE)
    config = from_dict(read_config(path / "config.yaml"))
    file = path / "results.json"
    if not file.is_file():
        done = len(list((path / "folds").glob("*/predictions.npz")))
        raise RunError(
            f"the run is not finished: it has no results.json ({done} folds are done)",
            file=path,
            remedy=_GET_ONE,
        )
    results = read_json(file)
    # Every picture says "final epoch": none may be drawn of other weights.
    chosen = results.get("selection", "final")
    if chosen != "final":
        raise RunError(
            f"its checkpoints hold epochs chosen by {chosen!r}, not the final ones",
            file=path,
            remedy="Name a run that is judged at the final epoch.",
        )
    names = [fold["held_out"] for fold in results["folds"]]
    folds = tuple(load_result(path / "folds" / name / "predictions.npz") for name in names)
    return RecordedRun(path, config, results, folds)


def read_json(file: Path) -> Any:
    """The plain values of a file that a run has left.

    Raises:
        RunError: it is missing or not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"this is no whole file of a run ({type(error).__name__})",
            file=file,
            remedy="Start the run again: it writes what is missing.",
        ) from error


def open_run(
    run: RecordedRun,
    cache: Path,
    data_root: str | None = None,
    device_name: str = "auto",
    progress: bool = True,
) -> OpenedRun:
    """Find the run's data again, and check that it is what the run was trained on.

    Args:
        run: the finished run.
        cache: folder of decoded frames; they are decoded again if they are not there.
        data_root: the dataset's folder, if it lies elsewhere now.
        device_name: where networks compute: `auto`, `cpu`, `cuda` or `cuda:N`.
        progress: show progress bars.

    Raises:
        DataRootError, AnnotationError, FrameError: the data is gone or broken.
        RunError: it is other data than the run's.
    """
    config = replace(run.config, device=device_name, data_root=data_root or run.config.data_root)
    config = device.resolve(config)
    target = device.set_up(config)
    dataset = open_dataset(config, cache, progress)
    if read_json(run.path / "data.json") != dataset.about():
        raise RunError(
            f"the data in {config.data_root} is not what the run was trained on: the workbook or "
            "the frames have changed since",
            file=run.path / "data.json",
            remedy="Restore them, or name their folder with --data-root.",
        )
    folds = make_folds(config.protocol, dataset.labelled, config.seed)
    return OpenedRun(run, config, dataset, folds, load_frames(dataset.store, target))
