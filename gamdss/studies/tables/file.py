"""A table's file as YAML has it, with errors that name the file, the field and its value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gamdss.config.yaml_file import read_yaml
from gamdss.errors import ConfigError, did_you_mean


def read_table(file: Path) -> dict[str, Any]:
    """The fields of a table's file; empty ones are omitted.

    Raises:
        ConfigError: it cannot be read, or has no fields.
    """
    values = read_yaml(file, "the table", "the table's name")
    if not isinstance(values, dict):
        raise ConfigError(
            "not the file of a table",
            file=file,
            remedy="It needs fields such as `title:` and `rows:`.",
        )
    return {name: value for name, value in values.items() if value is not None}


def mapping(value: Any, what: str, example: str, file: Path) -> dict[str, Any]:
    """A field that contains fields; empty if omitted.

    Raises:
        ConfigError: it contains something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(
            f"{what} is {value!r}", file=file, remedy=f"It must have fields such as `{example}`."
        )
    return value


def known(name: Any, allowed: Sequence[str], what: str, file: Path) -> None:
    """Refuse an unknown name, and suggest the nearest one.

    Raises:
        ConfigError: lists the allowed names.
    """
    if name not in allowed:
        hint = did_you_mean(str(name), allowed)
        raise ConfigError(
            f"unknown {what} {name!r}", file=file, remedy=f"{hint}Known: {', '.join(allowed)}."
        )


def as_list(value: Any) -> list[Any]:
    """A list as it is; any other value as its only item."""
    return value if isinstance(value, list) else [value]


def filled(values: Sequence[Any], what: str, file: Path) -> None:
    """Refuse an empty list, or one with an item twice.

    Raises:
        ConfigError: names the item.
    """
    if not values:
        raise ConfigError(f"{what} is empty", file=file, remedy="Add an item, or omit the field.")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ConfigError(f"{what} has {value!r} twice", file=file, remedy="List each once.")
