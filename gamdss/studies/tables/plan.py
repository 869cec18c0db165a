"""A table's file -> its plan, which is checked before training starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from gamdss.config import flatten
from gamdss.config.load import checked
from gamdss.config.yaml_file import read_yaml
from gamdss.data.composite import JOINT
from gamdss.errors import ConfigError
from gamdss.metrics import MEASURES, Selection
from gamdss.studies.tables.file import as_list, filled, known, mapping, read_table
from gamdss.studies.tables.rows import Row, read_row, settings

COUNTS = ("clips", "subjects", "parameters")
COLUMNS = (*MEASURES, *COUNTS)
_SELECTIONS = get_args(Selection)
_PUBLISHED = (*MEASURES, "source", "selection")
_LISTS = ("seeds", "selection", "columns", "names", "published_columns")


@dataclass(frozen=True)
class Heading:
    """The fields of a table's file that apply to the whole table.

    Args:
        title: what the table is about; its caption starts with it.
        seeds: of each row's runs.
        selection: at which epochs runs are evaluated; each has its own columns.
        columns: measures, and counts of a row.
        names: headers of the rows' groups and names.
        compare_to: row with which the UF1 of rows on the same clips is compared.
        published_columns: measures with a column for published figures, even if none is filled
            in under `published`.
    """

    title: str
    seeds: tuple[int, ...] = (2,)
    selection: tuple[Selection, ...] = ("final",)
    columns: tuple[str, ...] = tuple(MEASURES)
    names: tuple[str, ...] = ("",)
    compare_to: str | None = None
    published_columns: tuple[str, ...] = ("uf1",)


@dataclass(frozen=True, kw_only=True)
class Plan(Heading):
    """A table as its file describes it.

    Args:
        rows: the runs.
        published: by row, published measures with their `source` and `selection`.
    """

    rows: tuple[Row, ...]
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def datasets(self) -> list[str]:
        """Names of the datasets of all rows, each once."""
        names = [name for row in self.rows for name in row.config.dataset.split(JOINT)]
        return list(dict.fromkeys(names))


def is_stress(file: Path) -> bool:
    """Whether the file is a table of errors of key frames, which has no runs."""
    return "factors" in read_table(file)


def read_plan(file: Path, demo: Path | None = None) -> Plan:
    """Read a table's file.

    Args:
        file: YAML; paths of configs in it are relative to it.
        demo: settings of the tiny version; they override a row's config, the row's `set` overrides
            them, and the file's own `demo` overrides all. Only the first seed is used.

    Raises:
        ConfigError: an unknown field, value or row, a row that occurs twice, or selections that
            would be mixed.
    """
    values = read_table(file)
    of_heading = [item.name for item in fields(Heading)]
    for name in values:
        known(name, (*of_heading, "rows", "published", "config", "demo"), "field", file)
    for name in ("title", "rows"):
        if not values.get(name):
            raise ConfigError(f"{name} is missing", file=file, remedy=f"Add {name}.")
    heading = _heading({n: v for n, v in values.items() if n in of_heading}, file)
    last = settings(values.get("demo"), "demo", file)
    between = {}
    if demo is None:
        last = {}
    else:
        between = flatten(read_yaml(demo, "the demo", "--demo"))
    base = values.get("config")
    rows = tuple(read_row(row, base, between, last, file) for row in as_list(values["rows"]))
    published = mapping(values.get("published"), "published", "ROW: {uf1: 0.5, ...}", file)
    _check_rows(rows, heading, file)
    _check_published(published, [row.key for row in rows], file)
    filled_in = {name for figures in published.values() for name in figures}
    added = [n for n in MEASURES if n in filled_in and n not in heading.published_columns]
    of_table = {
        **vars(heading),
        "seeds": heading.seeds if demo is None else heading.seeds[:1],
        "published_columns": (*heading.published_columns, *added),
    }
    return Plan(**of_table, rows=rows, published=published)


def _heading(values: dict[str, Any], file: Path) -> Heading:
    values = {name: as_list(v) if name in _LISTS else v for name, v in values.items()}
    for name, allowed, what in (
        ("selection", _SELECTIONS, "selection"),
        ("columns", COLUMNS, "column"),
        ("published_columns", tuple(MEASURES), "published column"),
    ):
        for item in values.get(name, ()):
            known(item, allowed, what, file)
    heading = checked(Heading, values, file)
    for name in ("seeds", "selection", "columns"):
        filled(getattr(heading, name), name, file)
    if min(heading.seeds) < 0:
        raise ConfigError(
            f"seeds has {min(heading.seeds)}", file=file, remedy="Seeds are 0 or more."
        )
    return heading


def _check_rows(rows: Sequence[Row], heading: Heading, file: Path) -> None:
    folders = [row.folder for row in rows]
    for row in rows:
        if folders.count(row.folder) > 1:
            raise ConfigError(
                f"row {row.key!r} occurs twice", file=file, remedy="Give each row its own name."
            )
        if row.config.protocol.name == "all":
            raise ConfigError(
                f"row {row.key!r} has the protocol all, whose held-out score is unknown",
                file=file,
                remedy="Give the row a protocol that holds clips out, such as loso.",
            )
        if row.config.training.selection == "inner" and "inner" not in heading.selection:
            raise ConfigError(
                f"row {row.key!r} is trained for the selection inner, the table has "
                f"{', '.join(heading.selection)}",
                file=file,
                remedy="List all of them, such as `selection: [final, inner]`: each has its own "
                "columns.",
            )
    if heading.compare_to is not None:
        known(heading.compare_to, [row.key for row in rows], "row", file)


def _check_published(published: Mapping[str, Any], keys: Sequence[str], file: Path) -> None:
    for key, value in published.items():
        known(key, keys, "row", file)
        figures = mapping(value, f"published of {key!r}", "uf1: 0.5", file)
        for name, figure in figures.items():
            known(name, _PUBLISHED, "published field", file)
            number = isinstance(figure, (int, float)) and not isinstance(figure, bool)
            if name in MEASURES and not (number and 0 <= figure <= 1):
                raise ConfigError(
                    f"the published {name} of {key!r} is {figure!r}",
                    file=file,
                    remedy="Write it as a number between 0 and 1, such as 0.58.",
                )
        if not figures.get("source") or figures.get("selection") not in (*_SELECTIONS, "unknown"):
            raise ConfigError(
                f"the published figures of {key!r} lack source or selection",
                file=file,
                remedy="Add `source:` and `selection:` (final, inner, oracle or unknown).",
            )
