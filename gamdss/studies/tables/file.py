"""A table's file as YAML has it, with errors that name the file, the field and what it holds."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gamdss.errors import ConfigError
from gamdss.files import read_yaml


def read_table(file: Path) -> dict[str, Any]:
    """The fields of a table's file; those that are left empty are left out.

    Raises:
        ConfigError: it cannot be read, or holds no fields.
    """
    values = read_yaml(file, "the table", "the table's name")
    if not isinstance(values, dict):
        raise ConfigError(
            "this is no table", file=file, remedy="It needs lines such as `title:` and `rows:`."
        )
    return {name: value for name, value in values.items() if value is not None}


def mapping(value: Any, what: str, example: str, file: Path) -> dict[str, Any]:
    """A field that holds fields, empty where it is left empty.

    Raises:
        ConfigError: it holds something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(
            f"{what} is {value!r}", file=file, remedy=f"It must hold lines such as `{example}`."
        )
    return value


def known(name: Any, allowed: Sequence[str], what: str, file: Path) -> None:
    """Refuse a name that is not allowed, and say which one is near.

    Raises:
        ConfigError: names those that are allowed.
    """
    if name not in allowed:
        near = difflib.get_close_matches(str(name), allowed, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"unknown {what} {name!r}", file=file, remedy=f"{hint}Known: {', '.join(allowed)}."
        )


def as_list(value: Any) -> list[Any]:
    """A list, or the only item of one."""
    return value if isinstance(value, list) else [value]


def filled(values: Sequence[Any], what: str, file: Path) -> None:
    """Refuse a list without items, or with one of them twice.

    Raises:
        ConfigError: names the item.
    """
    if not values:
        raise ConfigError(f"{what} is empty", file=file, remedy="Name one, or leave it out.")
    for place, value in enumerate(values):
        if value in values[:place]:
            raise ConfigError(f"{what} has {value!r} twice", file=file, remedy="Name each once.")
