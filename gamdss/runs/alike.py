"""What runs have in common: seeds of one run, runs on the same data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from gamdss.errors import RunError
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.training.run_files import differences, read_json

DATA = "data (frames or labels)"
# Fields by which the store holds other frames of the same data.
_CHOOSES_FRAMES = ("reselection.", "features.", "frames.", "model.image_size")


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
        if run.config.seed in seeds:
            raise RunError(
                f"its seed is {run.config.seed}, as that of {seeds[run.config.seed]}",
                file=run.path,
                remedy="Name each seed once.",
            )
        seeds[run.config.seed] = run.path
    return runs


def differing(a: FinishedRun, b: FinishedRun) -> dict[str, tuple[object, object]]:
    """Fields of the config in which two runs differ, and `DATA` if that does, with both values."""
    found = differences(a.config, b.config)
    here, there = _data(a, found), _data(b, found)
    if here.pop("digest", 1) != there.pop("digest", 1):  # an earlier version made it otherwise
        here.pop("frames", None)
    names = [name for name in here if name in there and here[name] != there[name]]
    if names:
        told = [", ".join(f"{name} {data[name]}" for name in names) for data in (here, there)]
        found[DATA] = (told[0], told[1])
    return found


def _data(run: FinishedRun, varied: Iterable[str]) -> dict[str, object]:
    """What the run says of its data, less the frames where a field that varies chooses them."""
    try:
        data = dict(read_json(run.path / "data.json"))
    except (RunError, TypeError, ValueError):  # runs of others may not say it
        return {}
    if any(name.startswith(_CHOOSES_FRAMES) for name in varied):
        data.pop("frames", None)
    return data


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
