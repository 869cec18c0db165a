"""Finished runs, read from their directories alone: no dataset is needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.config import Config
from gamdss.errors import CheckpointError, ConfigError, RunError
from gamdss.files import inside
from gamdss.metrics import Predictions, Selection, predictions
from gamdss.records import AU_TASK, FoldResult, subject_of
from gamdss.training.checkpoint import load_result, read_about
from gamdss.training.results import RunResults, unscored
from gamdss.training.run_files import GET_A_RUN, broken, read_config, read_json
from gamdss.training.scoring import results

# Types that JSON gives for a value of `results.json`; an interval may be None and is not checked.
_KINDS: dict[type, type | tuple[type, ...]] = {
    **{kind: kind for kind in (dict, list, str)},
    **dict.fromkeys((int, float), (int, float)),
}


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that has its results.

    `results` are those of `results.json`; what an earlier version did not write is computed from
    the folds. `folds` have the held-out logits of every epoch, which
    are of no clips if the protocol is `all`.
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
        CheckpointError: a fold's predictions are incomplete or corrupt.
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
    wrong = _unknowable(stored)
    if wrong:
        raise broken(file, f"{wrong} is missing or broken")
    names = [fold["held_out"] for fold in stored["folds"]]
    folders = [inside(path / "folds", name, "a fold of results.json") for name in names]
    folds = tuple(load_result(folder / "predictions.npz") for folder in folders)
    try:
        values = RunResults.from_dict(_completed(stored, config, folds, file))
        if config.protocol.name != "all":
            _ = values.evaluated
    except (KeyError, TypeError, ValueError) as error:
        raise broken(file, f"{type(error).__name__}: {error}") from error
    return FinishedRun(path, config, values, folds)


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


def _unknowable(stored: Any) -> str | None:
    """A field missing in `results.json` that cannot be computed from predictions; None if none."""
    if not isinstance(stored, dict):
        return "everything"
    for name, kind in (("dataset", str), ("classes", list), ("folds", list)):
        if not stored.get(name) or not isinstance(stored[name], kind):
            return name
    if not all(isinstance(name, str) for name in stored["classes"]):
        return "classes"
    held_out = [isinstance(f, dict) and isinstance(f.get("held_out"), str) for f in stored["folds"]]
    return None if all(held_out) else "folds.held_out"


def _completed(
    stored: dict[str, Any], config: Config, folds: Sequence[FoldResult], file: Path
) -> dict[str, Any]:
    """`stored`, with fields that an earlier version did not write computed from the folds."""

    def computed(folds: Sequence[FoldResult]) -> dict[str, Any]:
        subjects = {subject_of(clip) for fold in folds for clip in fold.clips}
        # Earlier versions stated in the title alone that clips are synthetic.
        about = stored["dataset"], "Synthetic clips" in stored["dataset"], stored["classes"]
        return results(config, *about, folds, len(subjects)).as_dict()

    # The same names and types, in a fraction of the time; one fold does not score every unit.
    like = computed(folds if config.task == AU_TASK else folds[:1])
    if next(_unlike(stored, like), None) is None:
        return stored
    filled: dict[str, Any] = _filled(stored, computed(folds))
    wrong = next(_unlike(filled, like), None)
    if wrong is not None:
        raise broken(file, f"{wrong} has the wrong type")
    return filled


def _unlike(stored: Any, like: Any, name: str = "") -> Iterator[str]:
    """Dotted names of values of `like` that `stored` lacks or has in another type."""
    if isinstance(like, dict) and isinstance(stored, dict):
        for key, value in like.items():
            place = f"{name}.{key}" if name else key
            if key in stored:
                yield from _unlike(stored[key], value, place)
            else:
                yield place
    elif isinstance(like, list) and isinstance(stored, list):
        for item in stored if like else ():
            yield from _unlike(item, like[0], name)
    elif not isinstance(stored, _KINDS.get(type(like), object)):
        yield name


def _filled(stored: Any, now: Any) -> Any:
    """`stored`, with missing values taken from `now`."""
    if isinstance(stored, dict) and isinstance(now, dict):
        added = {name: value for name, value in now.items() if name not in stored}
        return {name: _filled(value, now.get(name)) for name, value in stored.items()} | added
    if isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        return [_filled(*pair) for pair in zip(stored, now, strict=True)]
    return stored
