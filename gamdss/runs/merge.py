"""Run directories with different folds of one run -> one directory with all of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gamdss.config import Config
from gamdss.errors import RunError
from gamdss.files import unwritable, write_json
from gamdss.training.checkpoint import load_result
from gamdss.training.run_files import differences, read_config, read_json, same_data


def merge(sources: Sequence[Path], output: Path) -> Config:
    """Copy the finished folds of `sources` to `output`; returns the config that they share.

    The sources are not changed. `environment.json` has the environment of each source.

    Raises:
        RunError: `output` is not empty, a source is not a run, or sources differ in config, data,
            or the predictions of a fold that both have.
    """
    if output.exists() and any(output.iterdir()):
        raise RunError(
            "the directory is not empty", file=output, remedy="Name a new one with --output."
        )
    first = sources[0]
    config, data = read_config(first), read_json(first / "data.json")
    for source in sources[1:]:
        for name, (here, there) in differences(config, read_config(source)).items():
            raise RunError(
                f"{name} is {there!r} in this run and {here!r} in {first}",
                file=source,
                remedy="Merge only runs of the same config.",
            )
        if not same_data(read_json(source / "data.json"), data):
            raise RunError(
                f"{first} was trained on other data than this run",
                file=source,
                remedy="Merge only runs on the same workbook and frames.",
            )
    folds = _finished(sources)
    try:
        _copy(folds, output)
        for name in ("config.yaml", "data.json", "crops.json"):
            if (first / name).is_file():  # earlier versions wrote no crops.json
                shutil.copyfile(first / name, output / name)
    except OSError as error:
        raise unwritable(output, error) from error
    environments = {str(source): read_json(source / "environment.json") for source in sources}
    write_json(output / "environment.json", {"merged": environments})
    return config


def _finished(sources: Sequence[Path]) -> dict[str, Path]:
    """The folder of every finished fold, by name."""
    found: dict[str, Path] = {}
    for source in sources:
        for file in sorted((source / "folds").glob("*/predictions.npz")):
            known = found.setdefault(file.parent.name, file.parent)
            if known != file.parent:
                _check_same(known, file.parent)
    return found


def _copy(folds: Mapping[str, Path], output: Path) -> None:
    unfinished = shutil.ignore_patterns("training_state.pt", ".*")
    (output / "folds").mkdir(parents=True, exist_ok=True)
    for name, folder in folds.items():
        shutil.copytree(folder, output / "folds" / name, ignore=unfinished)


def _check_same(first: Path, second: Path) -> None:
    here, there = (load_result(folder / "predictions.npz") for folder in (first, second))
    if here.clips != there.clips or not np.array_equal(here.logits, there.logits):
        raise RunError(
            f"fold {first.name} of {first.parents[1]} has other numbers",
            file=second,
            remedy="Leave out one of the two runs, or remove the folder of the fold from one.",
        )
