"""Config and JSON files of a run, read and compared; also those of earlier versions.

A field that is missing in the file takes its default. A field that this version does not know is
an error, since its effect cannot be reproduced.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gamdss.config import Config, flatten
from gamdss.config.load import checked
from gamdss.errors import ConfigError, RunError

GET_A_RUN = "Train one with `gamdss train`, or finish this one with the command that started it."
# Where data and results are and how often state is saved: no effect on results. The data itself is
# identified by `data.json`.
_FREE = {
    "data_root",
    "annotations",
    "reselection.annotators",  # what they change is in the digest of the data
    "output",
    "cache",
    "tensorboard",
    "frames.workers",
    "training.checkpoint_every",
}
_MACHINE = {"device", "threads"}
# Fields whose `auto` matches any value.
_RESOLVED = {"device", "training.precision", "training.compile"}
_IDENTITY = ("frames", "labels")
DESCRIPTIONS = frozenset(("grey", "fps"))  # values of `data.json` that identify nothing
# What else results depend on, by its name in `data.json`.
_INPUTS = {
    "folds": "the folds, such as those of the file that --protocol.split names,",
    "initial_weights": "the weights that --init-from names",
    "model_weights": "the weights that --model.weights names",
}
# Fields of the protocol that only one of its names uses; earlier versions ignored them elsewhere.
_ONLY_FOR = {"split": "fixed", "held_out": "hold-out-dataset"}


def read_config(run: Path) -> Config:
    """The config of a run, finished or not; missing fields take their defaults.

    Raises:
        RunError: not a run directory.
        ConfigError: an unknown field (with the nearest valid one), or a value out of range.
    """
    if not run.is_dir():
        raise RunError("there is no such run", file=run, remedy=GET_A_RUN)
    file = run / "config.yaml"
    try:
        values = dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise RunError(
            f"missing, incomplete or corrupt config ({type(error).__name__})",
            file=file,
            remedy="Name a run directory as `gamdss train` writes it.",
        ) from error
    try:
        return checked(Config, _as_it_ran(values), file)
    except ConfigError as error:
        remedy = f"{error.remedy} If a later version of gamdss wrote this run, install it."
        raise ConfigError(error.problem, file=file, remedy=remedy) from error


def _as_it_ran(values: dict[str, Any]) -> dict[str, Any]:
    """Settings as earlier versions understood them: other defaults, and what they ignored."""
    if isinstance(stored := values.get("reselection"), Mapping):
        values["reselection"] = {"prior": "fixed", **stored}
    if isinstance(stored := values.get("protocol"), Mapping):
        name = stored.get("name", "loso")
        unused = {n for n, user in _ONLY_FOR.items() if user != name}
        values["protocol"] = {n: value for n, value in stored.items() if n not in unused}
    return values


def read_json(file: Path) -> Any:
    """The plain values of a JSON file of a run.

    Raises:
        RunError: missing, incomplete or corrupt.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise broken(file, type(error).__name__) from error


def read_object(file: Path) -> dict[str, Any]:
    """The values of a JSON file of a run by name; raises as `read_json`, or if they have none."""
    values = read_json(file)
    if not isinstance(values, dict):
        raise broken(file, f"it is a {type(values).__name__}, without names")
    return values


def read_rows(
    file: Path, columns: Sequence[str], counts: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The rows of a CSV file of a run; it may have more columns than these.

    Args:
        file: the file.
        columns: columns that every row must have.
        counts: those of them with whole numbers.

    Raises:
        RunError: missing, incomplete or corrupt.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, restkey="", restval=None))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise broken(file, type(error).__name__) from error
    for number, row in enumerate(rows, start=2):
        missing = [name for name in {**dict.fromkeys(columns), **row} if row.get(name) is None]
        if missing or "" in row:
            wrong = f"has no {missing[0]}" if missing else "has too many cells"
            raise broken(file, f"row {number} {wrong}")
        for name in counts:
            if not row[name].isdecimal():
                raise broken(file, f"row {number} has {row[name]!r} {name}")
    return rows


def broken(file: Path, why: str) -> RunError:
    """The error for a file of a run that cannot be used."""
    return RunError(
        f"missing, incomplete or corrupt run file ({why})",
        file=file,
        remedy="Delete the file and start the same `gamdss train` command again, to write it.",
    )


def differences(
    first: Config, second: Config, *, machine: bool = True
) -> dict[str, tuple[object, object]]:
    """Fields in which two configs differ as runs, with both values.

    Args:
        first: a config.
        second: another one.
        machine: compare device and threads as well. They matter for a run that resumes, not for
            a finished one.
    """
    before, now = flatten(first.as_dict()), flatten(second.as_dict())
    free = _FREE if machine else _FREE | _MACHINE
    if "motion" not in (first.reselection.preset, second.reselection.preset):
        free = free | {"reselection.prior"}  # no other preset has one
    found = {}
    for name in sorted(before.keys() - free):
        pair = (before[name], now[name])
        if pair[0] != pair[1] and not (name in _RESOLVED and "auto" in pair):
            found[name] = pair
    return found


def identity(config: Config, data: Mapping[str, Any], **more: object) -> dict[str, object]:
    """All that the results of a run depend on, as plain values by name.

    Args:
        config: the resolved config.
        data: the values of `data.json`.
        more: further values.
    """
    fields = flatten(config.as_dict())
    return {
        **{name: value for name, value in fields.items() if name not in _FREE},
        **{f"data, {name}": value for name, value in data.items()},
        **more,
    }


def difference_lines(found: Mapping[str, tuple[object, object]]) -> str:
    """Each field of `differences` with the stored and the current value, on a line of its own."""
    return "".join(
        f"\n  {name}: stored {before!r}, current {now!r}" for name, (before, now) in found.items()
    )


def same_data(first: Any, second: Any) -> bool:
    """Whether the values of two `data.json` describe the same data.

    Both must have digests of frames and labels. Other values are compared if both have them, but
    for descriptions and the dataset's title, which a plain table has from its file. Frames are not
    compared if an earlier version computed their digest in another way; titles are then.
    """
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return False
    shared = (first.keys() & second.keys()) - DESCRIPTIONS
    if first.get("digest", 1) != second.get("digest", 1):
        return "labels" in shared and all(
            first[name] == second[name] for name in shared - {"digest", "frames"}
        )
    return shared.issuperset(_IDENTITY) and all(
        first[name] == second[name] for name in shared - {"dataset"}
    )


def changed_input(first: Any, second: Any) -> str:
    """What alone differs between two `data.json` besides data; blank if nothing or more does."""
    if isinstance(first, Mapping) and isinstance(second, Mapping) and not same_data(first, second):
        for name, what in _INPUTS.items():
            if same_data({**first, name: second.get(name)}, second):
                return what
    return ""


def require_same_data(file: Path, data: Mapping[str, Any]) -> None:
    """Refuse a run on other data, folds or initial weights than `data`.

    Args:
        file: its `data.json`.
        data: the current values of it.

    Raises:
        RunError: says what has changed.
    """
    stored = read_json(file)
    if same_data(stored, data):
        return
    if changed := changed_input(stored, data):
        raise RunError(
            f"{changed} have changed since the run was started",
            file=file,
            remedy="Restore them, or choose another directory with --output.",
        )
    raise RunError(
        "the run was started on other data: the workbook or the frames have changed since",
        file=file,
        remedy="Restore them, and the file of --reselection.annotators if there was one, or choose "
        "another directory with --output.",
    )
