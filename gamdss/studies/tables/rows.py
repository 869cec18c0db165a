"""A row of a table's file -> the config of its runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.config import Config, flatten
from gamdss.config.load import checked
from gamdss.config.yaml_file import read_yaml
from gamdss.errors import ConfigError
from gamdss.studies.tables.file import known, mapping

# What is the same for all rows, and where it is set.
_OF_THE_TABLE = {
    "seed": "`seeds:`",
    "data_root": "--data-root",
    "output": "--output",
    "cache": "--cache",
    "device": "--device",
    "threads": "--threads",
}


@dataclass(frozen=True)
class Row:
    """A row: its name, its group, and the config of its runs (apart from the seed)."""

    name: str
    group: str
    config: Config

    @property
    def key(self) -> str:
        """Its name in other parts of the file."""
        return f"{self.group} / {self.name}" if self.group else self.name

    @property
    def folder(self) -> str:
        """Its name as the name of a folder."""
        return re.sub(r"[^a-z0-9.]+", "-", self.key.lower()).strip("-.") or "row"


def read_row(row: Any, base: Any, between: dict[str, Any], last: dict[str, Any], file: Path) -> Row:
    """A row of a table's file.

    Args:
        row: its value in the YAML file.
        base: the config of rows without one, relative to the file's folder.
        between: fields that override the row's config and are overridden by its `set`.
        last: fields that override both.
        file: the table's file.

    Raises:
        ConfigError: an unknown field, or a value that is not allowed.
    """
    if not isinstance(row, dict) or row.get("name") is None:
        raise ConfigError(f"row {row!r} has no name", file=file, remedy="Add `name:` to it.")
    what = f"row {row['name']!r}"
    for name in row:
        known(name, ("name", "group", "config", "set"), f"field of {what}", file)
    config = row.get("config", base)
    if not isinstance(config, str):
        raise ConfigError(
            f"{what} has no config" if config is None else f"the config of {what} is {config!r}",
            file=file,
            remedy="Add `config:` to the table: the path of a config, such as ../cas2_c5.yaml.",
        )
    path = file.parent / config
    read = read_yaml(path, "the config", f"{what} of {file}")
    if read is None:
        raise ConfigError("the config is empty", file=path, remedy=f"Check {what} of {file}.")
    values = {
        **flatten(mapping(read, "the config", "task: c5", path)),
        **between,
        **settings(row.get("set"), f"set of {what}", file),
        **last,
    }
    found = checked(Config, _nested(values, file), file)
    return Row(str(row["name"]), str(row.get("group") or ""), found)


def settings(value: Any, what: str, file: Path) -> dict[str, Any]:
    """Fields of the config that a table's file sets, by dotted names.

    Raises:
        ConfigError: it contains something else, or a field that is the same for all rows.
    """
    found = flatten(mapping(value, what, "model.branches: rising", file))
    for name in found:
        if name in _OF_THE_TABLE:
            raise ConfigError(
                f"{what} has {name}: {found[name]!r}",
                file=file,
                remedy=f"Set it for all rows with {_OF_THE_TABLE[name]}.",
            )
    return found


def _nested(flat: dict[str, Any], file: Path) -> dict[str, Any]:
    """The inverse of `flatten`."""
    values: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = values
        for group in groups:
            if place.get(group) is None:  # or a group without fields
                place[group] = {}
            place = place[group]
            if not isinstance(place, dict):
                raise ConfigError(
                    f"{group} is {place!r}, and {name} is {value!r}",
                    file=file,
                    remedy=f"{group} is a group of fields: omit its value.",
                )
        if value is not None or not isinstance(place.get(last), dict):
            place[last] = value
    return values
