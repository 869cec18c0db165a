"""A table of the paper as files: Markdown, LaTeX and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gamdss.files import write_atomic
from gamdss.report.paper_latex import paper_latex
from gamdss.report.paper_table import Cell, Column, PaperRow, PaperTable


def write_table(table: PaperTable, folder: Path) -> list[Path]:
    """Write NAME.md, NAME.tex and NAME.csv; their paths.

    Raises:
        RunError: the folder cannot be written.
    """
    texts = {
        "md": paper_markdown(table),
        "tex": paper_latex(table),
        "csv": _numbers(table).to_csv(index=False, lineterminator="\n"),
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"{table.name}.{suffix}")
        write_atomic(paths[-1], lambda file, text=text: file.write_text(text, encoding="utf-8"))  # type: ignore[misc]
    return paths


def paper_markdown(table: PaperTable) -> str:
    """The table with its caption above and its notes below."""
    heads = [", ".join(part for part in (c.title, c.group) if part) for c in table.columns]
    shown = pd.DataFrame(
        [
            [
                *row.labels,
                *(_with_interval(row.cells.get(column.key), column) for column in table.columns),
                *(row.texts.get(key, "") for key in table.text_titles),
            ]
            for row in table.rows
        ],
        columns=[*table.label_titles, *heads, *table.text_titles.values()],
        dtype=str,
    ).replace(r"\|", r"\|", regex=True)
    body = shown.to_markdown(index=False, disable_numparse=True)
    notes = "\n".join(f"- {note}" for note in table.notes)
    return "\n\n".join(part for part in (f"**{table.caption}**", body, notes) if part) + "\n"


def _with_interval(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return ""
    text = f"**{column.text(cell.value)}**" if cell.best else column.text(cell.value)
    if cell.spread is not None:
        text += f" ± {cell.spread:.{column.digits}f}"
    if cell.interval is not None:
        text += " ({} to {})".format(*map(column.text, cell.interval))
    return text


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
