"""Run directories with different folds of one run -> one directory with all of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.config import Config
from gamdss.errors import RunError
from gamdss.files import hold_folder, unwritable, write_atomic, write_json
from gamdss.training.checkpoint import load_result
from gamdss.training.run_data import changed_input, in_both, other_version, same_data
from gamdss.training.run_files import differences, read_config, read_json


def merge(sources: Sequence[Path], output: Path) -> Config:
    """Copy the finished folds of `sources` to `output`; returns the config that they share.

    The sources are not changed. `environment.json` has the environment of each source. If
    interrupted, the same call resumes.

    Raises:
        RunError: `output` contains something else, a source is not a run, or sources differ in
            config, data, or the predictions of a fold that both have.
        CheckpointError: predictions of a source are corrupt.
    """
    first = sources[0]
    config, data = read_config(first), read_json(first / "data.json")
    for source in sources[1:]:
        own = read_json(source / "data.json")
        found = differences(config, read_config(source), identified=in_both(own, data))
        for name, (here, there) in found.items():
            raise RunError(
                f"{name} is {there!r} in this run and {here!r} in {first}",
                file=source,
                remedy="Merge only runs of the same config.",
            )
        if not same_data(own, data):
            what = changed_input(own, data)
            if other_version(own, data):
                what = "the key frames, which another version of gamdss found,"
            raise RunError(
                f"{what} differ from those of {first}"
                if what
                else f"{first} was trained on other data than this run",
                file=source,
                remedy="Merge only runs on the same workbook, frames, folds and initial weights.",
            )
    folds = _finished(sources)
    environments = {str(source): read_json(source / "environment.json") for source in sources}
    with hold_folder(output):
        # First of all: it shows that a later call resumes this one.
        _mark(output, {"merged": environments})
        try:
            for name in ("config.yaml", "data.json", "crops.json", "retention.json"):
                # Earlier versions wrote no crops.json; forms of retention are those of a GPU.
                file = next((s / name for s in sources if (s / name).is_file()), None)
                if file is not None:
                    write_atomic(output / name, partial(shutil.copyfile, file))
            _copy(folds, output)
        except OSError as error:
            raise unwritable(output, error) from error
    return config


def _mark(output: Path, merged: dict[str, Any]) -> None:
    """Write `environment.json` to an empty folder; in another one, it must be there."""
    file = output / "environment.json"
    if not any(path for path in output.iterdir() if not path.name.startswith(".")):
        write_json(file, merged)
    elif not file.is_file() or read_json(file) != merged:
        raise RunError(
            "the directory is not empty, and is not an unfinished merge of these runs",
            file=output,
            remedy="Name a new one with --output.",
        )


def _finished(sources: Sequence[Path]) -> dict[str, Path]:
    """The folder of every finished fold, by name."""
    found: dict[str, Path] = {}
    for source in sources:
        for file in sorted((source / "folds").glob("*/predictions.npz")):
            known = found.setdefault(file.parent.name, file.parent)
            if known != file.parent:
                _check_same(known, file.parent)
            load_result(file)  # a corrupt one is refused
    return found


def _copy(folds: Mapping[str, Path], output: Path) -> None:
    unfinished = shutil.ignore_patterns("training_state.pt", ".*")
    part = output / "folds" / ".part"
    for name, folder in folds.items():
        target = output / "folds" / name
        if not (target / "predictions.npz").is_file():
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(folder, part, ignore=unfinished)
            os.replace(part, target)


def _check_same(first: Path, second: Path) -> None:
    here, there = (load_result(folder / "predictions.npz") for folder in (first, second))
    if here.clips != there.clips or not np.array_equal(here.logits, there.logits):
        raise RunError(
            f"its predictions differ from those of fold {first.name} of {first.parents[1]}",
            file=second,
            remedy="Leave out one of the two runs, or remove the folder of the fold from one.",
        )
