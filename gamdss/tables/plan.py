"""A table's file -> its plan, checked before anything is trained."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from gamdss.arguments import checked
from gamdss.config import Config, flatten
from gamdss.errors import ConfigError
from gamdss.files import read_yaml
from gamdss.metrics import MEASURES, Selection

COLUMNS = (*MEASURES, "clips", "subjects", "parameters")
_SELECTIONS = get_args(Selection)
_PUBLISHED = (*MEASURES, "source", "selection")


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


@dataclass(frozen=True)
class Plan:
    """A table as its file has it.

    Args:
        title: what the table is about; its caption starts with it.
        rows: the runs.
        seeds: of each row's runs.
        selection: at which epochs runs are judged; columns for each.
        columns: measures, and what else is told of a row.
        names: headers of the rows' groups and names.
        compare_to: row that the others' UF1 is compared with, where they share its clips.
        published: by row, measures that others report, with `source` and `selection`.
        published_columns: the measures that have a column for such figures.
    """

    title: str
    rows: tuple[Row, ...]
    seeds: tuple[int, ...] = (2,)
    selection: tuple[Selection, ...] = ("final",)
    columns: tuple[str, ...] = MEASURES
    names: tuple[str, ...] = ("",)
    compare_to: str | None = None
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published_columns: tuple[str, ...] = ("uf1",)

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets of all rows, each once."""
        names = [name for row in self.rows for name in row.config.dataset.split("+")]
        return list(dict.fromkeys(names))


def is_stress(file: Path) -> bool:
    """Whether the file is a table of key frames' errors, which has no runs."""
    return "factors" in _read(file)


def read_plan(file: Path, demo: Path | None = None) -> Plan:
    """Read a table's file.

    Args:
        file: YAML; paths in it are relative to it.
        demo: settings of a tiny version, which come between a row's config and what it sets; what
            the file itself has under `demo` comes last. Of the seeds the first is taken.

    Raises:
        ConfigError: an unknown field or value, a row that is there twice or that the rest of the
            file does not know, or selections that would be mixed.
    """
    values = _read(file)
    known = {item.name: item for item in fields(Plan)}
    allowed = [*known, "config", "demo"]
    for name in values:
        _known(name, allowed, "field", file)
    for name, item in known.items():
        if item.default is MISSING and item.default_factory is MISSING and not values.get(name):
            raise ConfigError(f"{name} is missing", file=file, remedy=f"Add {name}.")
    between = {} if demo is None else flatten(read_yaml(demo, "the demo", "--demo"))
    last = {} if demo is None else flatten(values.get("demo") or {})
    base = values.get("config")
    rows = tuple(_row(row, base, between, last, file) for row in values["rows"])
    lists = ("seeds", "selection", "columns", "names", "published_columns")
    chosen = {name: tuple(_as_list(values[name])) for name in lists if name in values}
    if demo is not None:
        chosen["seeds"] = chosen.get("seeds", (2,))[:1]
    plan = Plan(
        title=str(values["title"]),
        rows=rows,
        compare_to=values.get("compare_to"),
        published=values.get("published") or {},
        **chosen,
    )
    _check(plan, file)
    return plan


def _read(file: Path) -> dict[str, Any]:
    values = read_yaml(file, "the table", "the table's name")
    if not isinstance(values, dict):
        raise ConfigError(
            "this is no table", file=file, remedy="It needs lines such as `title:` and `rows:`."
        )
    return values


def _row(
    row: Any, base: str | None, between: dict[str, Any], last: dict[str, Any], file: Path
) -> Row:
    if not isinstance(row, dict) or "name" not in row:
        raise ConfigError(f"row {row!r} has no name", file=file, remedy="Add `name:` to it.")
    for name in row:
        _known(name, ("name", "group", "config", "set"), f"field of row {row['name']!r}", file)
    config = row.get("config", base)
    if config is None:
        raise ConfigError(
            f"row {row['name']!r} has no config", file=file, remedy="Add `config:` to the table."
        )
    path = file.parent / config
    values = {
        **flatten(read_yaml(path, "the config", f"row {row['name']!r} of {file}")),
        **between,
        **flatten(row.get("set") or {}),
        **last,
    }
    return Row(str(row["name"]), str(row.get("group", "")), checked(Config, _nested(values), file))


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """What `flatten` makes, turned back."""
    values: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place = values
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = value
    return values


def _as_list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _check(plan: Plan, file: Path) -> None:
    for what, names, allowed in (
        ("selection", plan.selection, _SELECTIONS),
        ("column", plan.columns, COLUMNS),
        ("published column", plan.published_columns, MEASURES),
    ):
        for name in names:
            _known(name, allowed, what, file)
    keys = [row.key for row in plan.rows]
    folders = [row.folder for row in plan.rows]
    for row in plan.rows:
        if folders.count(row.folder) > 1:
            raise ConfigError(
                f"row {row.key!r} is there twice", file=file, remedy="Give each a name of its own."
            )
    for row in plan.rows:
        if row.config.training.selection == "inner" and "inner" not in plan.selection:
            raise ConfigError(
                f"row {row.key!r} is trained for the selection inner, the table is of "
                f"{', '.join(plan.selection)}",
                file=file,
                remedy="Name all of them, such as `selection: [final, inner]`: each gets columns "
                "of its own.",
            )
    if plan.compare_to is not None:
        _known(plan.compare_to, keys, "row", file)
    _check_published(plan, keys, file)


def _check_published(plan: Plan, keys: Sequence[str], file: Path) -> None:
    for key, figures in plan.published.items():
        _known(key, keys, "row", file)
        for name in figures:
            _known(name, _PUBLISHED, "published field", file)
        if not figures.get("source") or figures.get("selection") not in (*_SELECTIONS, "unknown"):
            raise ConfigError(
                f"the published figures of {key!r} lack source or selection",
                file=file,
                remedy="Add `source:` and `selection:` (final, inner, oracle or unknown).",
            )


def _known(name: Any, allowed: Sequence[str], what: str, file: Path) -> None:
    if name not in allowed:
        near = difflib.get_close_matches(str(name), allowed, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise ConfigError(
            f"unknown {what} {name!r}", file=file, remedy=f"{hint}Known: {', '.join(allowed)}."
        )
