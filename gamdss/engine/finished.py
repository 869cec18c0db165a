"""Finished runs, read from their directories alone: no dataset is needed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.engine.checkpoint import load_result, read_about
from gamdss.engine.run import differences, read_config
from gamdss.errors import RunError
from gamdss.metrics import Predictions, Selection, predictions
from gamdss.records import FoldResult


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that has its results: its config, the values of `results.json`, and its folds."""

    path: Path
    config: dict[str, Any]
    results: dict[str, Any]
    folds: tuple[FoldResult, ...]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of their indices."""
        return list(self.results["classes"])

    @property
    def selection(self) -> Selection:
        """The selection that the run is judged by, unless another one is named."""
        chosen: Selection = self.config["training"].get("selection", "final")
        return chosen

    @property
    def parameters(self) -> int | None:
        """Trained parameters of its network; None where the run did not note them."""
        file = self.path / "folds" / self.folds[0].name / "checkpoint.safetensors"
        return read_about(file).get("parameters")

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


def read_run(path: Path) -> FinishedRun:
    """Read a run directory.

    Raises:
        RunError: it is no run, or its folds are not all finished.
        CheckpointError: a fold's predictions are truncated.
    """
    config = read_config(path / "config.yaml")
    file = path / "results.json"
    if not file.exists():
        raise RunError(
            "this run is not finished: it has no results.json",
            file=path,
            remedy="Start the same `gamdss train` command again: it continues.",
        )
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
        names = [fold["held_out"] for fold in results["folds"]]
        results["classes"], config["training"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"these are no results of a run ({type(error).__name__})",
            file=file,
            remedy="Remove the file and start the same `gamdss train` command again.",
        ) from error
    folds = tuple(load_result(path / "folds" / name / "predictions.npz") for name in names)
    return FinishedRun(path, config, results, folds)


def read_seeds(paths: Sequence[Path]) -> list[FinishedRun]:
    """Runs that differ in their seed only.

    Raises:
        RunError: they differ in something else, or two have one seed.
    """
    runs = [read_run(path) for path in paths]
    seeds: dict[int, Path] = {}
    for run in runs:
        for name, (here, there) in differing(runs[0], run).items():
            if name != "seed":
                raise RunError(
                    f"{runs[0].path} has {name} {here!r}, this run {there!r}",
                    file=run.path,
                    remedy="Runs joined by commas may differ in their seed only.",
                )
        if run.config["seed"] in seeds:
            raise RunError(
                f"its seed is {run.config['seed']}, as that of {seeds[run.config['seed']]}",
                file=run.path,
                remedy="Name each seed once.",
            )
        seeds[run.config["seed"]] = run.path
    return runs


def differing(a: FinishedRun, b: FinishedRun) -> dict[str, tuple[object, object]]:
    """Fields of the config in which two runs differ, with both values."""
    return differences(a.config, b.config)


def check_same_data(a: FinishedRun, b: FinishedRun) -> None:
    """Refuse runs on other datasets, tasks or classes.

    Raises:
        RunError: names what differs.
    """
    for what in ("dataset", "task", "classes"):
        here, there = a.results[what], b.results[what]
        if here != there:
            raise RunError(
                f"its {what} is {_plain(there)}, that of {a.path} is {_plain(here)}",
                file=b.path,
                remedy="Compare runs that were judged on the same clips.",
            )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
