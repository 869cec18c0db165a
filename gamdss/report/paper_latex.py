"""A table of the paper as LaTeX, for the packages booktabs and graphicx."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from pylatexenc.latexencode import UnicodeToLatexEncoder

from gamdss.report.paper_table import Cell, Column, PaperRow, PaperTable

_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="replace", unknown_char_warning=False)
# From so many columns of figures on, a table spans both columns of a page.
_WIDE = 5
# Only what is wider than the line is shrunk to it.
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"


def paper_latex(table: PaperTable) -> str:
    """The table; an interval stands below its figure, and what columns share above them."""
    form = "l" * len(table.label_titles) + "c" * len(table.columns) + "l" * len(table.text_titles)
    place = "table*" if len(table.columns) >= _WIDE else "table"
    lines = [
        r"% \usepackage{booktabs,graphicx}",
        rf"\begin{{{place}}}[t]",
        r"\centering",
        rf"\caption{{{latex(table.caption)}}}",
        rf"\label{{tab:{table.name}}}",
        _FIT,
        rf"\begin{{tabular}}{{{form}}}",
        r"\toprule",
        *_heads(table),
        r"\midrule",
        *_body(table),
        r"\bottomrule",
        r"\end{tabular}}",
        *(rf"\par\smallskip\raggedright\footnotesize {latex(note)}" for note in table.notes),
        rf"\end{{{place}}}",
    ]
    return "\n".join(lines) + "\n"


def latex(text: str) -> str:
    """Plain text as LaTeX that any engine takes; letters it does not know become a bold `?`."""
    found: str = _ENCODER.unicode_to_latex(text)
    # After \\ and \midrule a bracket would be an argument.
    return "{}" + found if found.startswith("[") else found


def _heads(table: PaperTable) -> list[str]:
    """One line of headers, or two where neighbouring columns share a part."""
    first = len(table.label_titles)
    titles = [*table.label_titles, *(c.title for c in table.columns), *table.text_titles.values()]
    groups, rules, place = [""] * first, [], first
    for group, columns in groupby(table.columns, key=lambda column: column.group):
        count = len(list(columns))
        groups.append(rf"\multicolumn{{{count}}}{{c}}{{{latex(group)}}}")
        if group:
            rules.append(rf"\cmidrule(lr){{{place + 1}-{place + count}}}")
        place += count
    above = [_line([*groups, *[""] * len(table.text_titles)]), " ".join(rules)] if rules else []
    return [*above, _line(map(latex, titles))]


def _body(table: PaperTable) -> list[str]:
    """The rows, their first label only where it changes, a small space between groups."""
    lines: list[str] = []
    above: tuple[str, ...] = ()
    for row in table.rows:
        grouped = len(row.labels) > 1
        same = grouped and row.labels[:1] == above[:1]
        if lines and grouped and not same:
            lines.append(r"\addlinespace")
        lines += _row(table, row, ("", *row.labels[1:]) if same else row.labels)
        above = row.labels
    return lines


def _row(table: PaperTable, row: PaperRow, labels: Sequence[str]) -> list[str]:
    cells = [(row.cells.get(column.key), column) for column in table.columns]
    texts = [latex(row.texts.get(key, "")) for key in table.text_titles]
    lines = [_line([*map(latex, labels), *(_figure(*cell) for cell in cells), *texts])]
    if any(cell is not None and cell.interval for cell, _ in cells):
        below = [_interval(*cell) for cell in cells]
        lines.append(_line([*[""] * len(labels), *below, *[""] * len(texts)]) + "[3pt]")
    return lines


def _figure(cell: Cell | None, column: Column) -> str:
    if cell is None:
        return ""
    text = latex(column.text(cell.value))
    text = rf"\textbf{{{text}}}" if cell.best else text
    return text if cell.spread is None else rf"{text} $\pm$ {cell.spread:.{column.digits}f}"


def _interval(cell: Cell | None, column: Column) -> str:
    if cell is None or cell.interval is None:
        return ""
    low, high = (latex(column.text(end)) for end in cell.interval)
    return rf"{{\scriptsize ({low} to {high})}}"


def _line(cells: Sequence[str] | map[str]) -> str:
    return " & ".join(cells) + r" \\"
