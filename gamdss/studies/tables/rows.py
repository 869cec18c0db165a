"""A row of a table's file -> the config of its runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.config import Config, flatten
from gamdss.config.load import checked
from gamdss.errors import ConfigError
from gamdss.files import read_yaml
from gamdss.studies.tables.file import known, mapping

# What the table decides for all rows, and how it is told.
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
    """A row: its name, the group it stands in, and the config of its runs (the seed left out)."""

    name: str
    group: str
    config: Config

    @property
    def key(self) -> str:
        """What other parts of the file call it."""
        return f"{self.group} / {self.name}" if self.group else self.name

    @property
    def folder(self) -> str:
        """Its name as the name of a folder."""
        return re.sub(r"[^a-z0-9.]+", "-", self.key.lower()).strip("-.") or "row"


def read_row(row: Any, base: Any, between: dict[str, Any], last: dict[str, Any], file: Path) -> Row:
    """A row of a table's file.

    Args:
        row: as YAML has it.
        base: path of the config of rows that name none, from the file's folder.
        between: fields that come between the row's config and what it sets.
        last: fields that come after that.
        file: the table's.

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
    made = checked(Config, _nested(values, file), file)
    return Row(str(row["name"]), str(row.get("group") or ""), made)


def settings(value: Any, what: str, file: Path) -> dict[str, Any]:
    """Fields of the config that the table's file sets, by dotted names.

    Raises:
        ConfigError: it holds something else, or what the table decides for all rows.
    """
    found = flatten(mapping(value, what, "model.branches: rising", file))
    for name in found:
        if name in _OF_THE_TABLE:
            raise ConfigError(
                f"{what} has {name}: {found[name]!r}",
                file=file,
                remedy=f"Name it for all rows with {_OF_THE_TABLE[name]}.",
            )
    return found


def _nested(flat: dict[str, Any], file: Path) -> dict[str, Any]:
    """What `flatten` makes, turned back."""
    values: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise ConfigError(
                    f"{group} is {place!r}, and {name} is {value!r}",
                    file=file,
                    remedy=f"{group} is a group of fields: leave out its own value.",
                )
        place[last] = value
    return values
