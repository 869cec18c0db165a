"""Whether runs may be joined or compared: seeds of one config, runs on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gamdss.data.composite import JOINT
from gamdss.data.specs.plain import PLAIN
from gamdss.errors import RunError
from gamdss.runs.finished import FinishedRun, read_scored_run
from gamdss.training.run_data import DESCRIPTIONS, in_both
from gamdss.training.run_files import differences, read_object

DATA = "data (frames or labels)"
# What else `data.json` has, and the fields of the config that change it.
_CAUSES = {
    "initial_weights": "init_from",
    "model_weights": "model.weights",
    "folds": "protocol.",
}
# Fields that select other frames of the same data.
_CHOOSES_FRAMES = ("reselection.", "features.", "frames.", "model.image_size")


def read_seeds(paths: Sequence[Path]) -> list[FinishedRun]:
    """Runs that differ only in their seed.

    Raises:
        RunError: they differ in something else, or two have the same seed.
    """
    runs = [read_scored_run(path) for path in paths]
    seeds: dict[int, Path] = {}
    for run in runs:
        for name, (here, there) in differing(runs[0], run).items():
            if name != "seed":
                raise RunError(
                    f"{runs[0].path} has {name} {here!r}, this run {there!r}",
                    file=run.path,
                    remedy="Runs joined by commas may only differ in their seed.",
                )
        if run.config.seed in seeds:
            raise RunError(
                f"its seed is {run.config.seed}, the same as that of {seeds[run.config.seed]}",
                file=run.path,
                remedy="Name each seed once.",
            )
        seeds[run.config.seed] = run.path
    return runs


def differing(a: FinishedRun, b: FinishedRun) -> dict[str, tuple[object, object]]:
    """Fields of the config in which two runs differ (and `DATA` for data), with both values."""
    here, there = _data(a), _data(b)
    found = differences(a.config, b.config, identified=in_both(here, there))
    if any(name.startswith(_CHOOSES_FRAMES) for name in found):
        here.pop("frames", None)
    if here.pop("digest", 1) != there.pop(
        "digest", 1
    ):  # an earlier version computed it differently
        here.pop("frames", None)
    if a.config.protocol.name == "kfold" and "seed" in found:  # it divides the subjects
        here.pop("folds", None)
    for name, cause in _CAUSES.items():
        pair = (here.pop(name, None), there.pop(name, None))
        named = any(field.startswith(cause) for field in found)
        if pair[0] != pair[1] and None not in pair and not named:
            found[name.replace("_", " ")] = pair
    names = [name for name in here if name in there and here[name] != there[name]]
    if names:
        both = [", ".join(f"{name} {data[name]}" for name in names) for data in (here, there)]
        found[DATA] = (both[0], both[1])
    return found


def _data(run: FinishedRun) -> dict[str, object]:
    """The run's `data.json`, without what only describes the data."""
    try:
        data = read_object(run.path / "data.json")
    except (RunError, TypeError, ValueError):  # runs of other programs may not have it
        return {}
    identity = {name: value for name, value in data.items() if name not in DESCRIPTIONS}
    return identity | {"dataset": _title(run)}


def _title(run: FinishedRun) -> str:
    """What its dataset is called; a plain table, which is called as its file, by its option."""
    name = run.config.dataset
    return name if PLAIN in name.split(JOINT) else run.results.dataset


def check_same_data(a: FinishedRun, b: FinishedRun) -> None:
    """Refuse runs on other datasets, tasks or classes.

    Raises:
        RunError: names what differs.
    """
    for what in ("dataset", "task", "classes"):
        here, there = (
            _title(run) if what == "dataset" else getattr(run.results, what) for run in (a, b)
        )
        if here != there:
            raise RunError(
                f"its {what} is {_plain(there)}, that of {a.path} is {_plain(here)}",
                file=b.path,
                remedy="Compare runs that were evaluated on the same clips.",
            )


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
