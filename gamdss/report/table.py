"""A table: figures with intervals, for terminal, Markdown, HTML, CSV (LaTeX: `table_files.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from markupsafe import Markup, escape
from tabulate import tabulate

from gamdss.errors import printable
from gamdss.files import without_formula

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
Plain = str | int | float | None


@dataclass(frozen=True)
class Cell:
    """A value with its 95% interval and its standard deviation over seeds, where it has them."""

    value: Plain
    interval: tuple[float, float] | None = None
    spread: float | None = None
    bold: bool = False


Row = Sequence[Cell | Plain]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        title: its header.
        kind: `label` for what names a row, `figure` for numbers, `text` for remarks.
        key: its name in the CSV file; the title if omitted.
        group: the part of the header that neighbouring columns share, such as a selection.
        form: format of floats; integers and texts are shown as they are.
        wrap: whether long texts are wrapped in HTML.
    """

    title: str
    kind: Literal["label", "figure", "text"] = "figure"
    key: str = ""
    group: str = ""
    form: str = ".3f"
    wrap: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under columns; a plain value in a row is a cell with nothing else.

    `caption` stands above it and `notes` below it; `name` is that of its files, and `minus` the
    minus sign of its numbers.
    """

    columns: Sequence[Column]
    rows: Sequence[Row]
    caption: str = ""
    name: str = ""
    notes: Sequence[str] = ()
    minus: str = "-"

    @property
    def cells(self) -> list[list[Cell]]:
        """The cells of each row."""
        return [[_cell(value) for value in row] for row in self.rows]

    def number(self, value: Plain, column: Column) -> str:
        """A value in the format of its column; empty for None."""
        if isinstance(value, float):
            return format(value, column.form).replace("-", self.minus)
        return "" if value is None else str(value)

    def spread(self, cell: Cell, column: Column) -> str:
        """The standard deviation of a cell, without a sign."""
        return "" if cell.spread is None else format(cell.spread, column.form.lstrip("+"))

    def interval(self, cell: Cell, column: Column) -> str:
        """The interval of a cell in parentheses; empty without one."""
        if cell.interval is None:
            return ""
        return "({} to {})".format(*(self.number(float(end), column) for end in cell.interval))

    def text(self, cell: Cell, column: Column, bold: str = "{}", between: str = " ") -> str:
        """Value, spread and interval; `bold` is the format of bold values."""
        text = self.number(cell.value, column)
        text = bold.format(text) if cell.bold and text else text
        text += f" ± {self.spread(cell, column)}" if cell.spread is not None else ""
        return between.join(part for part in (text, self.interval(cell, column)) if part)


def _cell(value: Cell | Plain) -> Cell:
    return value if isinstance(value, Cell) else Cell(value)


def terminal(table: Table) -> str:
    """The table for the terminal, without caption and notes."""
    return _plain_text(table, "simple", "{}")


def markdown(table: Table) -> str:
    """The table as Markdown, without caption and notes."""
    return _plain_text(table, "pipe", "**{}**")


def markdown_text(text: str) -> str:
    """A name in Markdown: bars divide no cells, and tags are text."""
    return _TAG.sub("&lt;", printable(text)).replace("|", r"\|")


def markdown_with_caption(table: Table) -> str:
    """The table as Markdown, its caption above and its notes below."""
    notes = "\n".join(f"- {note}" for note in table.notes)
    return "\n\n".join(part for part in (f"**{table.caption}**", markdown(table), notes) if part)


def _plain_text(table: Table, form: str, bold: str) -> str:
    rows = [
        [table.text(cell, column, bold) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.cells
    ]
    rows = [[printable(text) for text in row] for row in rows]
    if form == "pipe":
        rows = [[markdown_text(text) for text in row] for row in rows]
    heads = [", ".join(part for part in (c.title, c.group) if part) for c in table.columns]
    sides = ["right" if _is_right(table, place) else "left" for place in range(len(heads))]
    return tabulate(
        rows, heads, tablefmt=form, disable_numparse=True, colalign=sides if rows else None
    )


def _is_right(table: Table, place: int) -> bool:
    """Whether a column is aligned to the right: plain numbers, without intervals and spreads."""
    cells = [row[place] for row in table.cells]
    ragged = any(cell.interval is not None or cell.spread is not None for cell in cells)
    return table.columns[place].kind == "figure" and not ragged


def html(table: Table) -> Markup:
    """The table as HTML with its caption; all texts are escaped, intervals have their own line."""
    heads = "".join(
        Markup('<th scope="col"{}>{}</th>').format(_class(column), column.title)
        for column in table.columns
    )
    rows = "\n".join(
        "<tr>" + "".join(_html_cell(table, row, i) for i in range(len(row))) + "</tr>"
        for row in table.cells
    )
    caption = escape(table.caption)
    return Markup(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _html_cell(table: Table, row: Sequence[Cell], place: int) -> Markup:
    cell, column = row[place], table.columns[place]
    text: str = table.text(cell, column, between="\n")
    tag = Markup('th scope="row"') if place == 0 else Markup("td")
    inner = Markup("<b>{}</b>").format(text) if cell.bold else escape(text)
    return Markup("<{}{}>{}</{}>").format(tag, _class(column), inner, tag[:2])


def _class(column: Column) -> Markup:
    if column.kind == "figure":
        return Markup(' class="number"')
    return Markup(' class="wrap"') if column.wrap else Markup("")


def csv(table: Table) -> str:
    """The table for programs: every number in a column of its own, unrounded."""
    frame = pd.DataFrame([_csv_row(table, row) for row in table.cells])
    return frame.to_csv(index=False, lineterminator="\n")


def _csv_row(table: Table, row: Sequence[Cell]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
        key = column.key or column.title or ("row" if place else "name")
        values[key] = without_formula(cell.value)
        others = [other[place] for other in table.cells]
        if any(other.interval for other in others):
            values[f"{key}_low"], values[f"{key}_high"] = cell.interval or (None, None)
        if any(other.spread is not None for other in others):
            values[f"{key}_spread"] = cell.spread
    return values
