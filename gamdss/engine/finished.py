"""Finished runs, read from their directories alone: no dataset is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.arguments import checked
from gamdss.config import Config
from gamdss.engine.checkpoint import load_result, read_about
from gamdss.engine.run import read_config
from gamdss.errors import CheckpointError, ConfigError, RunError
from gamdss.metrics import MEASURES, Predictions, Selection, predictions
from gamdss.records import FoldResult

# What everybody reads of `results.json`.
_FIELDS = {
    **dict.fromkeys(("dataset", "task", "protocol", "selection"), str),
    **dict.fromkeys(("subjects", "clips", "epochs", "seed"), int),
    **dict.fromkeys(("classes", "folds"), list),
    "synthetic": bool,
}
_GET_ONE = "Train one with `gamdss train`, or finish this one with the command that started it."


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that has its results.

    `results` are the values of `results.json`; `folds` have every epoch's held-out logits.
    """

    path: Path
    config: Config
    results: Mapping[str, Any]
    folds: tuple[FoldResult, ...]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of their indices."""
        return list(self.results["classes"])

    @property
    def selection(self) -> Selection:
        """The selection that the run is judged by, unless another one is named."""
        return self.config.training.selection

    @property
    def parameters(self) -> int | None:
        """Trained parameters of its network; None where no checkpoint says."""
        file = self.path / "folds" / self.folds[0].name / "checkpoint.safetensors"
        try:
            return read_about(file).get("parameters")
        except CheckpointError:  # results outlive the weights, which are large
            return None

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

    def predictions(self, selection: Selection) -> Predictions:
        """What it predicts at a selection.

        Raises:
            RunError: the run does not know this selection.
        """
        if selection == "inner" and self.selection != "inner":
            raise RunError(
                "this run set no inner subjects aside",
                file=self.path,
                remedy="Train it with --training.selection inner, or name another selection.",
            )
        return predictions(self.folds, len(self.classes), selection)


def read_settings(path: Path) -> Config:
    """The config of a run, which need not be finished.

    Raises:
        RunError: there is no run.
        ConfigError: its config is of another version.
    """
    if not path.is_dir():
        raise RunError("there is no such run", file=path, remedy=_GET_ONE)
    file = path / "config.yaml"
    return checked(Config, read_config(file), file)


def read_run(path: Path) -> FinishedRun:
    """Read a run directory.

    Raises:
        RunError: there is no run, or its folds are not all finished.
        CheckpointError: a fold's predictions are truncated.
    """
    config = read_settings(path)
    file = path / "results.json"
    if not file.exists():
        done = len(list((path / "folds").glob("*/predictions.npz")))
        raise RunError(
            f"this run is not finished: it has no results.json ({done} folds are done)",
            file=path,
            remedy=_GET_ONE,
        )
    results = read_json(file)
    if isinstance(results, dict):
        results = _with_later_keys(results, config)
    missing = _missing(results)
    if missing:
        raise _broken(file, f"{missing} is missing or broken")
    names = [fold["held_out"] for fold in results["folds"]]
    folds = tuple(load_result(path / "folds" / name / "predictions.npz") for name in names)
    return FinishedRun(path, config, results, folds)


def _with_later_keys(results: dict[str, Any], config: Config) -> dict[str, Any]:
    """The values with keys that runs of earlier versions lack."""
    later = {
        "selection": config.training.selection,
        # Earlier versions stated this in the title alone.
        "synthetic": "Synthetic clips" in str(results.get("dataset")),
    }
    return {**later, **results}


def _missing(results: Any) -> str | None:
    """What a `results.json` lacks of what is read of it; None where it lacks nothing."""
    if not isinstance(results, dict):
        return "everything"
    for name, kind in _FIELDS.items():
        if not isinstance(results.get(name), kind):
            return name
    if not results["folds"] or not all(
        isinstance(fold, dict) and isinstance(fold.get("held_out"), str)
        for fold in results["folds"]
    ):
        return "folds.held_out"
    for selection in dict.fromkeys(("final", "oracle", results["selection"])):
        judged = results.get(selection)
        for name in MEASURES:
            if not isinstance(judged, dict) or not isinstance(judged.get(name), (int, float)):
                return f"{selection}.{name}"
    return None


def read_json(file: Path) -> Any:
    """The plain values of a file that a run has left.

    Raises:
        RunError: it is missing or not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(file, type(error).__name__) from error


def _broken(file: Path, why: str) -> RunError:
    return RunError(
        f"this is no whole file of a run ({why})",
        file=file,
        remedy="Remove the file and start the same `gamdss train` command again: it writes it.",
    )
