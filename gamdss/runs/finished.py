"""Finished runs, read from their directories alone: no dataset is needed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.config import Config
from gamdss.errors import CheckpointError, ConfigError, RunError
from gamdss.files import inside
from gamdss.metrics import Predictions, Selection, predictions
from gamdss.records import FoldResult, subject_of
from gamdss.training.checkpoint import load_result, read_about
from gamdss.training.results import RunResults, unscored
from gamdss.training.run_files import GET_A_RUN, broken, read_config, read_json
from gamdss.training.scoring import results

log = logging.getLogger("gamdss")
# Measures that differ by less are equal but for rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that has its results.

    `results` are computed from the folds; only what these do not have, such as the names of the
    classes, is from `results.json`. `folds` have the held-out logits of every epoch, which are of
    no clips if the protocol is `all`.
    """

    path: Path
    config: Config
    results: RunResults
    folds: tuple[FoldResult, ...]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in the order of their indices."""
        return list(self.results.classes)

    @property
    def selection(self) -> Selection:
        """The selection that the run is evaluated by unless another one is named."""
        return self.config.training.selection

    @property
    def parameters(self) -> int | None:
        """Trained parameters of its network; None if there is no checkpoint."""
        file = self.path / "folds" / self.folds[0].name / "checkpoint.safetensors"
        try:
            return read_about(file).get("parameters")
        except CheckpointError:  # results outlive the weights, which are large
            return None

    def fold(self, name: str) -> FoldResult:
        """The fold with this name.

        Raises:
            ConfigError: there is none.
        """
        known = {fold.name: fold for fold in self.folds}
        if name not in known:
            raise ConfigError(
                f"--fold is {name!r}, but {self.path} has no such fold",
                remedy=f"The folds are {', '.join(known)}.",
            )
        return known[name]

    def predictions(self, selection: Selection) -> Predictions:
        """Its held-out predictions at a selection.

        Raises:
            RunError: the run holds nothing out, or set no inner subjects aside.
        """
        if not self.results.scored:
            raise unscored(self.path)
        if selection == "inner" and self.selection != "inner":
            raise RunError(
                "this run set no inner subjects aside",
                file=self.path,
                remedy="Train it with --training.selection inner, or name another selection.",
            )
        return predictions(self.folds, len(self.classes), selection)


def read_run(path: str | Path) -> FinishedRun:
    """Read a run directory.

    Args:
        path: the directory; `~` is that of the user.

    Returns:
        Its config, results and held-out predictions. Its data is not needed.

    Raises:
        RunError: not a run directory, or a fold is not finished.
        ConfigError: its config has a field that this version does not know.
        CheckpointError: a fold's predictions are missing, incomplete or corrupt.
        FoldError: a fold's predictions cannot be scored.
    """
    path = Path(path).expanduser()
    config = read_config(path)
    file = path / "results.json"
    if not file.exists():
        done = len(list((path / "folds").glob("*/predictions.npz")))
        raise RunError(
            f"this run is not finished: it has no results.json ({done} folds are done)",
            file=path,
            remedy=GET_A_RUN,
        )
    stored = read_json(file)
    wrong = _wrong_field(stored)
    if wrong:
        raise broken(file, f"{wrong} is missing or broken")
    names = [fold["held_out"] for fold in stored["folds"]]
    folders = [inside(path / "folds", name, "a fold of results.json") for name in names]
    folds = tuple(load_result(folder / "predictions.npz") for folder in folders)
    found = _computed(stored, config, folds, file)
    _warn_if_changed(stored, found, file)
    return FinishedRun(path, config, found, folds)


def read_scored_run(path: Path) -> FinishedRun:
    """Read the directory of a run with held-out clips, for what needs their predictions.

    Raises:
        RunError: as `read_run`, or the run holds nothing out.
        CheckpointError: as `read_run`.
    """
    run = read_run(path)
    if not run.results.scored:
        raise unscored(path)
    return run


def require_classes(run: FinishedRun, what: str) -> None:
    """Raise RunError for a run of action units, which has no class for each clip.

    Args:
        run: the run.
        what: what is done with the class.
    """
    if run.results.of_units:
        raise RunError(
            f"{what} one class for each clip, but this run is of action units",
            file=run.path,
            remedy="Name a run of another task. Emotions learn from action units as well with "
            "--training.au-weight.",
        )


def _wrong_field(stored: Any) -> str | None:
    """The first field of `results.json` that is needed, but missing or broken; None if none is."""
    if not isinstance(stored, dict):
        return "everything"
    dataset, classes, folds = (stored.get(name) for name in ("dataset", "classes", "folds"))
    valid = {
        "dataset": isinstance(dataset, str) and dataset,
        "synthetic": isinstance(stored.get("synthetic", False), bool),
        "classes": _are_names(classes) and classes,
        "folds": isinstance(folds, list) and folds,
        "started_from": isinstance(stored.get("started_from", ""), str),
        "seen": _are_names(stored.get("seen", [])),
    }
    for name, is_valid in valid.items():
        if not is_valid:
            return name
    held_out = [
        fold.get("held_out") if isinstance(fold, dict) else None for fold in stored["folds"]
    ]
    return None if _are_names(held_out) else "folds.held_out"


def _are_names(values: Any) -> bool:
    is_text = isinstance(values, list) and all(isinstance(value, str) for value in values)
    return is_text and len(set(values)) == len(values)


def _computed(
    stored: dict[str, Any], config: Config, folds: Sequence[FoldResult], file: Path
) -> RunResults:
    """The results of the folds; `stored` has what these do not have, checked by `_wrong_field`."""
    classes = stored["classes"]
    number = folds[0].logits.shape[-1]
    if len(classes) != number:
        raise broken(file, f"{len(classes)} classes, but logits of {number}")
    held_out = [clip for fold in folds for clip in fold.clips]
    counts: tuple[Any, Any] = len({subject_of(clip) for clip in held_out}), len(held_out)
    if not held_out:  # those that were trained on
        counts = stored.get("subjects"), stored.get("clips")
        if not all(isinstance(count, int) for count in counts):
            raise broken(file, "subjects or clips is missing or broken")
    # Earlier versions stated in the title alone that clips are synthetic.
    synthetic = stored.get("synthetic", "Synthetic clips" in stored["dataset"])
    start = None
    if "started_from" in stored:
        start = stored["started_from"], stored.get("seen", [])
    return results(config, stored["dataset"], synthetic, classes, folds, *counts, start)


def _warn_if_changed(stored: dict[str, Any], found: RunResults, file: Path) -> None:
    """Log it if measures of `results.json` are others than those of the folds."""
    changed = []
    for selection, by in found.evaluations.items():
        values = stored.get(selection)
        for name, value in by.measures.items():
            before = values.get(name, value) if isinstance(values, dict) else value
            if not isinstance(before, int | float) or not abs(before - value) <= _ROUNDING:
                changed.append(f"{selection}.{name} is {before}, not {value:.6g}")
    if changed:
        log.warning(
            "%s: %s. The file was edited, or an earlier version computed it differently; "
            "results are computed from the predictions.",
            file,
            ", ".join(changed),
        )
