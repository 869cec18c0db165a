"""Trains the cells of the study; a file for each, so that an interrupted study resumes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gamdss.config import ReselectionConfig
from gamdss.config.changes import changes
from gamdss.data.splits import make_folds
from gamdss.errors import RunError
from gamdss.files import hold_folder, read_record, write_record
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
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.learner import Learner

CELLS = "cells"  # folder of the cells' files


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
    clips = Clips(sizes, cache, progress)
    found = {}
    learner = None
    with hold_folder(output, CELLS):
        bar = tqdm(list(cells(sizes)), desc="recognition", unit="cell", disable=not progress)
        stored = {cell: _read(_file(output, cell), cell.about(sizes)) for cell in bar.iterable}
        for cell in bar:
            bar.set_postfix_str(cell.name)
            values = stored[cell]
            if values is None:
                values, learner = _train(cell, sizes, clips, output, learner)
                values = {**cell.about(sizes), **values}
                write_record(_file(output, cell), values)
            found[cell] = _trained(values)
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


def _file(output: Path, cell: Cell) -> Path:
    return output / CELLS / f"{cell.name}.json"


def _read(file: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """The values of a finished cell; None if there is no file yet."""
    if not file.exists():
        return None
    try:
        stored: dict[str, Any] = read_record(file)  # empty if it is corrupt
        changed = changes({name: stored[name] for name in about}, about)
        _trained(stored)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            "incomplete or corrupt cell of the study", file=file, remedy="Remove the file."
        ) from error
    if changed:
        raise RunError(
            f"the cell was trained otherwise ({changed})",
            file=file,
            remedy="Choose another --output, or remove the folder to train again.",
        )
    return stored
