"""Trains the cells of the study; a file for each, so that an interrupted study resumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gamdss.config import ReselectionConfig
from gamdss.data.splits import make_folds
from gamdss.files import hold_folder, write_record
from gamdss.metrics import Predictions
from gamdss.models.two_branch import check_network
from gamdss.studies.recognition.clips import Clips
from gamdss.studies.recognition.settings import (
    DRAWS,
    TESTED,
    TRAININGS,
    Cell,
    Sizes,
    cells,
)
from gamdss.studies.stored_cell import CELLS, cell_file, read_cell
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.learner import Learner


@dataclass(frozen=True)
class Trained:
    """Held-out predictions of a cell by way; `classes` is the number of classes."""

    predictions: dict[str, Predictions]
    classes: int


def train_cells(
    sizes: Sizes, output: Path, cache: Path, progress: bool = True
) -> dict[Cell, Trained]:
    """Train the cells that are not in `output` yet; all of them by cell.

    Raises:
        RunError: a cell's file is corrupt or has other settings; the folder cannot be written,
            contains other files or is in use.
        ConfigError: the network cannot be built.
    """
    check_network(sizes.config(0, ReselectionConfig()).model)  # before the clips are drawn
    precision = device.resolve(sizes.config(0, ReselectionConfig())).training.precision
    clips = Clips(sizes, cache, progress)
    found = {}
    learner = None
    with hold_folder(output, CELLS):
        bar = tqdm(list(cells(sizes)), desc="recognition", unit="cell", disable=not progress)
        stored = {
            cell: read_cell(cell_file(output, cell.name), cell.about(sizes, precision), _trained)
            for cell in bar.iterable
        }
        for cell in bar:
            bar.set_postfix_str(cell.name)
            trained = stored[cell]
            if trained is None:
                values, learner = _train(cell, sizes, clips, output, learner)
                write_record(
                    cell_file(output, cell.name), {**cell.about(sizes, precision), **values}
                )
                trained = _trained(values)
            found[cell] = trained
    return found


def _train(
    cell: Cell, sizes: Sizes, clips: Clips, output: Path, learner: Learner | None
) -> tuple[dict[str, Any], Learner | None]:
    """Clips, labels and held-out predictions of a cell by way, as plain values.

    Compiled code belongs to a learner, which the folds of all cells share; the other result.
    """
    reselection = sizes.reselection(cell.training)
    dataset = clips.open(cell.level, reselection)
    config = device.resolve(sizes.config(cell.seed, reselection))
    inputs = load_inputs(dataset.store, device.set_up(config))
    names: list[str] = []
    labels: list[int] = []
    predicted: dict[str, list[int]] = {way: [] for way in TRAININGS[cell.training]}
    for fold in make_folds(config.protocol, dataset.labelled, config.seed):
        data = fold_data(dataset, fold, inputs, config)
        trainer = FoldTrainer(config, data, output, learner=learner)
        learner = trainer.learner if config.training.compile == "on" else None
        for epoch in range(sizes.epochs):
            trainer.train_epoch(epoch)
        names += data.held_out_clips
        labels += data.held_out_labels.tolist()
        for way in predicted:
            averaged = way in (TESTED, DRAWS)
            logits = trainer.held_out_logits() if averaged else trainer.logits(data.held_out)
            predicted[way] += logits.argmax(1).tolist()
    values = {
        "classes": len(dataset.annotations.classes),
        "clips": names,
        "labels": labels,
        "predicted": predicted,
    }
    return values, learner


def _trained(values: dict[str, Any]) -> Trained:
    names, labels = tuple(values["clips"]), np.array(values["labels"], np.int64)
    found = {way: np.array(classes, np.int64) for way, classes in values["predicted"].items()}
    if any(len(classes) != len(names) for classes in (labels, *found.values())):
        raise ValueError("as many labels and predictions as clips")
    return Trained(
        {way: Predictions("final", names, labels, p, p) for way, p in found.items()},
        values["classes"],
    )
