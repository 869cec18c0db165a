"""A table as files: Markdown, CSV, and LaTeX for the packages booktabs and graphicx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from pylatexenc.latexencode import UnicodeToLatexEncoder

from gamdss.files import write_text
from gamdss.report.table import Cell, Column, Table, csv, markdown_with_caption

_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="replace", unknown_char_warning=False)
# From this number of columns of figures on, a table spans both columns of a page.
_WIDE = 5
# Only a table wider than the line is shrunk to it.
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def write_table(table: Table, folder: Path) -> list[Path]:
    """Write NAME.md, NAME.tex and NAME.csv; their paths.

    Raises:
        RunError: the folder cannot be written.
    """
    texts = {
        "md": markdown_with_caption(table) + "\n",
        "tex": latex_table(table),
        "csv": csv(table),
    }
    paths = []
    for suffix, text in texts.items():
        paths.append(folder / f"{table.name}.{suffix}")
        write_text(paths[-1], text)
    return paths


def latex_table(table: Table) -> str:
    """The table; an interval stands below its figure, what columns share above them."""
    figures = sum(column.kind == "figure" for column in table.columns)
    form = "".join("c" if column.kind == "figure" else "l" for column in table.columns)
    place = "table*" if figures >= _WIDE else "table"
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        rf"\begin{{{place}}}[t]",
        r"\centering",
        rf"\caption{{{latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        _FIT,
        rf"\begin{{tabular}}{{{form}}}",
        r"\toprule",
        *_heads(table.columns),
        r"\midrule",
        *_body(table),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\smallskip\raggedright\footnotesize {latex(note)}" for note in table.notes),
        rf"\end{{{place}}}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    """Plain text as LaTeX for any engine; letters it does not know become a bold `?`."""
    found: str = _ENCODER.unicode_to_latex(text)
    # After \\ and \midrule a bracket would be an argument.
    return "{}" + found if found.startswith("[") else found


def _heads(columns: Sequence[Column]) -> list[str]:
    """One line of headers, or two where neighbouring columns share a part."""
    groups, rules, place = [], [], 0
    for (kind, group), members in groupby(columns, key=lambda c: (c.kind, c.group)):
        count = len(list(members))
        if kind == "figure":
            groups.append(rf"\multicolumn{{{count}}}{{c}}{{{latex(group)}}}")
        else:
            groups += [""] * count
        if group:
            rules.append(rf"\cmidrule(lr){{{place + 1}-{place + count}}}")
        place += count
    above = [_line(groups), " ".join(rules)] if rules else []
    return [*above, _line(latex(column.title) for column in columns)]


def _body(table: Table) -> list[str]:
    """The rows, their first label only where it changes, a small space between groups."""
    lines: list[str] = []
    above: str | None = None
    grouped = sum(column.kind == "label" for column in table.columns) > 1
    for row in table.cells:
        first = str(row[0].value)
        same = grouped and first == above
        if lines and grouped and not same:
            lines.append(r"\addlinespace")
        lines += _row(table, [Cell(""), *row[1:]] if same else row)
        above = first
    return lines


def _row(table: Table, row: Sequence[Cell]) -> list[str]:
    pairs = list(zip(row, table.columns, strict=True))
    lines = [_line(_figure(table, *pair) for pair in pairs)]
    if any(cell.interval for cell in row):
        intervals = (latex(table.interval(*pair)) for pair in pairs)
        lines.append(_line(rf"{{\scriptsize {e}}}" if e else "" for e in intervals) + "[3pt]")
    return lines


def _figure(table: Table, cell: Cell, column: Column) -> str:
    text = latex(table.number(cell.value, column))
    text = rf"\textbf{{{text}}}" if cell.bold else text
    return text if cell.spread is None else rf"{text} $\pm$ {table.spread(cell, column)}"


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
