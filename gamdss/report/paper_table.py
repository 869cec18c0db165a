"""A table of the paper as Markdown, LaTeX (booktabs) and CSV."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gamdss.files import write_atomic

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "±": r"$\pm$", "−": r"$-$"}
_LATEX |= {
    "Δ": r"$\Delta$",
    "λ": r"$\lambda$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True)
class Cell:
    """A figure with its 95% interval, spread over seeds (None for one), and whether it is best."""

    value: float
    interval: tuple[float, float] | None = None
    spread: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its key in the CSV, its header, digits after the point, and if signs are shown."""

    key: str
    title: str
    digits: int = 3
    signed: bool = False


@dataclass(frozen=True)
class PaperRow:
    """A row: its labels, its cells by column, and texts of the last columns."""

    labels: tuple[str, ...]
    cells: Mapping[str, Cell]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperTable:
    """A table: `label_titles` head the labels, `text_titles` (by key) the last columns."""

    name: str
    caption: str
    label_titles: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]
    text_titles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write_table(table: PaperTable, folder: Path) -> list[Path]:
    """Write NAME.md, NAME.tex and NAME.csv; their paths.

    Raises:
        RunError: the folder cannot be written.
    """
    texts = {
        "md": table_markdown(table),
        "tex": table_latex(table),
        "csv": _numbers(table).to_csv(index=False, lineterminator="\n"),
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"{table.name}.{suffix}")
        write_atomic(paths[-1], lambda file, text=text: file.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    return paths


def table_markdown(table: PaperTable) -> str:
    """The table with its caption above and its notes below."""
    shown = _shown(table, lambda text: f"**{text}**", " ({} to {})", lambda text: text)
    body = shown.to_markdown(index=False, disable_numparse=True)
    notes = "\n".join(f"- {note}" for note in table.notes)
    return "\n\n".join(part for part in (f"**{table.caption}**", body, notes) if part) + "\n"


def table_latex(table: PaperTable) -> str:
    """A `table` for the packages booktabs and graphicx; wide ones shrink to the line."""
    shown = _shown(table, lambda text: rf"\textbf{{{text}}}", r" {{\scriptsize [{}, {}]}}", latex)
    shown.columns = pd.Index([latex(name) for name in shown.columns])
    form = "l" * len(table.label_titles) + "c" * len(table.columns) + "l" * len(table.text_titles)
    tabular = shown.to_latex(index=False, escape=False, column_format=form)
    notes = [rf"\par\footnotesize {latex(note)}" for note in table.notes]
    lines = [
        r"\begin{table}[t]",
        r"\centering",
        rf"\caption{{{latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        r"\resizebox{\linewidth}{!}{%",
        tabular.rstrip() + "}",
        *notes,
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    """Plain text with what LaTeX would take for commands escaped."""
    text = text.replace("\\", r"\textbackslash{}")
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _shown(
    table: PaperTable,
    bold: Callable[[str], str],
    interval: str,
    plain: Callable[[str], str],
) -> pd.DataFrame:
    """Every cell as text."""
    rows = [
        [
            *map(plain, row.labels),
            *(_text(row.cells.get(c.key), c, bold, interval, plain) for c in table.columns),
            *(plain(row.texts.get(key, "")) for key in table.text_titles),
        ]
        for row in table.rows
    ]
    titles = [*table.label_titles, *(c.title for c in table.columns), *table.text_titles.values()]
    return pd.DataFrame(rows, columns=titles, dtype=str)


def _text(
    cell: Cell | None,
    column: Column,
    bold: Callable[[str], str],
    interval: str,
    plain: Callable[[str], str],
) -> str:
    if cell is None:
        return ""

    def number(value: float) -> str:
        text = f"{value:{'+' if column.signed else ''},.{column.digits}f}"
        return plain(text.replace("-", "−"))

    text = bold(number(cell.value)) if cell.best else number(cell.value)
    if cell.spread is not None:
        text += plain(" ± ") + f"{cell.spread:.{column.digits}f}"
    return text + (interval.format(*map(number, cell.interval)) if cell.interval else "")


def _numbers(table: PaperTable) -> pd.DataFrame:
    """Every number in a column of its own, unrounded, for programs."""
    return pd.DataFrame([_number_row(table, row) for row in table.rows])


def _number_row(table: PaperTable, row: PaperRow) -> dict[str, Any]:
    titles: Sequence[str] = [
        title or ("row" if place else "name") for place, title in enumerate(table.label_titles)
    ]
    values: dict[str, Any] = dict(zip(titles, row.labels, strict=True))
    for column in table.columns:
        cell = row.cells.get(column.key)
        values[column.key] = None if cell is None else cell.value
        ends = (None, None) if cell is None or cell.interval is None else cell.interval
        if any(r.cells[column.key].interval for r in table.rows if column.key in r.cells):
            values[f"{column.key}_low"], values[f"{column.key}_high"] = ends
        if any(r.cells[column.key].spread is not None for r in table.rows if column.key in r.cells):
            values[f"{column.key}_spread"] = None if cell is None else cell.spread
    return {**values, **{key: row.texts.get(key, "") for key in table.text_titles}}
