"""Config and JSON files of a run, read and compared; also those of earlier versions.

A field that is missing in the file takes its default. A field that this version does not know is
an error, since its effect cannot be reproduced.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gamdss.config import Config, flatten
from gamdss.config.load import checked
from gamdss.data.composite import JOINT
from gamdss.data.specs import is_spec_file
from gamdss.errors import ConfigError, RunError, of_type

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
# Fields that name files, with what identifies their content in `data.json`. A run that has it finds
# a file that has changed, wherever it is.
_CONTENT = {
    "dataset": "classes",
    "clip_list": "labels",
    "protocol.split": "folds",
    "init_from": "initial_weights",
    "model.weights": "model_weights",
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
    if not file.exists() and (run / "model.safetensors").exists():
        raise RunError(
            "these are weights as `gamdss export` writes them, not a run",
            file=run,
            remedy="Name the run that they are of, or a folder of `gamdss export --format "
            "predictor`. Weights alone are for `gamdss train --init-from` and "
            "`gamdss.TwoBranchNet.from_pretrained`.",
        )
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
    frames = values.get("frames")
    if isinstance(frames, Mapping) and frames.get("pattern") is not None:
        values["frames"] = {**frames, "layout": None}
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
        raise broken(file, f"it is {of_type(values)}, without names")
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
    first: Config, second: Config, *, machine: bool = True, identified: Container[str] = ()
) -> dict[str, tuple[object, object]]:
    """Fields in which two configs differ as runs, with both values.

    Args:
        first: a config.
        second: another one.
        machine: compare device and threads as well. They matter for a run that resumes, not for
            a finished one.
        identified: names of the values in the `data.json` of both. Where the content of a file is
            among them, its place is not compared.
    """
    before, now = flatten(first.as_dict()), flatten(second.as_dict())
    free = _FREE if machine else _FREE | _MACHINE
    if "motion" not in (first.reselection.preset, second.reselection.preset):
        free = free | {"reselection.prior"}  # no other preset has one
    found = {}
    for name in sorted(before.keys() - free):
        pair = (before[name], now[name])
        if name == "device":  # which one of several GPUs it is changes nothing
            pair = (pair[0].partition(":")[0], pair[1].partition(":")[0])
        is_known = _CONTENT.get(name) in identified and _only_moved(name, *pair)
        if pair[0] != pair[1] and not is_known and not (name in _RESOLVED and "auto" in pair):
            found[name] = pair
    return found


def _only_moved(name: str, before: str | None, now: str | None) -> bool:
    """Whether both values of a field name files; of datasets, the same ones but for their specs."""
    if before is None or now is None:
        return False
    if name != "dataset":
        return True
    names = [["" if is_spec_file(n) else n for n in value.split(JOINT)] for value in (before, now)]
    return names[0] == names[1]


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
