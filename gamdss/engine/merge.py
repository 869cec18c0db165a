"""Run directories that hold different folds of one run -> one directory with all of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gamdss.arguments import checked
from gamdss.config import Config
from gamdss.engine.checkpoint import load_result
from gamdss.engine.run import differences, read_config, same_data
from gamdss.errors import RunError
from gamdss.files import unwritable, write_json


def merge(sources: Sequence[Path], output: Path) -> Config:
    """Copy the finished folds of `sources` to `output`; the config that they share.

    The sources stay as they are. `environment.json` keeps each source's environment.

    Raises:
        RunError: a source is no run, they differ in config or data, or a fold that two of them
            have does not hold the same numbers.
    """
    if output.exists() and any(output.iterdir()):
        raise RunError(
            "this directory is not empty", file=output, remedy="Name a new one with --output."
        )
    first = sources[0]
    config, data = read_config(first / "config.yaml"), _read(first / "data.json")
    for source in sources[1:]:
        other = read_config(source / "config.yaml")
        for name, (here, there) in differences(config, other).items():
            raise RunError(
                f"{first} has {name} {here!r}, this run {there!r}",
                file=source,
                remedy="Only runs of the same config can be merged.",
            )
        if not same_data(_read(source / "data.json"), data):
            raise RunError(
                f"{first} was trained on other data than this run",
                file=source,
                remedy="Only runs on the same workbook and frames can be merged.",
            )
    folds = _finished(sources)
    try:
        _copy(folds, output)
        for name in ("config.yaml", "data.json"):
            shutil.copyfile(first / name, output / name)
    except OSError as error:
        raise unwritable(output, error) from error
    environments = {str(source): _read(source / "environment.json") for source in sources}
    write_json(output / "environment.json", {"merged": environments})
    return checked(Config, config, first / "config.yaml")


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
            f"fold {first.name} is in {first.parents[1]} too, with other numbers",
            file=second,
            remedy="Leave one of the two runs out, or remove the fold's folder from one.",
        )


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"this is no whole file of a run ({type(error).__name__})",
            file=file,
            remedy="Name directories that `gamdss train` has left.",
        ) from error
