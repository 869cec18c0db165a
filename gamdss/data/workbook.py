"""Find a dataset's workbook and read its table by header text."""

from __future__ import annotations

import csv
import difflib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gamdss.data.specs import DatasetSpec
from gamdss.errors import AnnotationError, DataRootError

_OPTIONAL = ("action_units", "duration")
_HEADER_WITHIN = 60
_TABLES = (".xls", ".xlsx", ".csv")


@dataclass(frozen=True)
class Row:
    """One row: its number as a spreadsheet program counts it, and its cells by column role.

    `index` is 0 for the first row below the header, blank rows counted.
    """

    number: int
    index: int
    cells: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A sheet's rows, and the header texts that its columns go by.

    `total` is the number of rows below the header, without blank ones at the end.
    """

    sheet: str
    header_line: int
    headers: Mapping[str, str]
    rows: tuple[Row, ...]
    total: int


def find_workbook(spec: DatasetSpec, data_root: Path, annotations: Path | None = None) -> Path:
    """The workbook to read: `annotations` if given, else the one with a known name in `data_root`.

    A relative path of `annotations` is looked for from here first, then from `data_root`.

    Without one, it is `data_root` itself if the spec says that the folders stand for it.

    Raises:
        DataRootError: no such folder or file; no workbook, or several.
    """
    if not data_root.is_dir():
        what = "is a file, not a folder" if data_root.exists() else "there is no such folder"
        raise DataRootError(
            what, file=data_root, remedy=f"Give the folder of {spec.title} with --data-root."
        )
    if annotations is not None:
        if not annotations.is_file():
            annotations = data_root / annotations
        if not annotations.is_file():
            raise DataRootError(
                "there is no such workbook", file=annotations, remedy="Check --annotations."
            )
        return annotations
    known = {name.lower() for name in spec.workbooks}
    places = {data_root / Path(name).parent for name in spec.workbooks}
    files = sorted(file for place in places if place.is_dir() for file in place.iterdir())
    found = [file for file in files if file.relative_to(data_root).as_posix().lower() in known]
    if len(found) == 1:
        return found[0]
    if not found and spec.from_folders:
        return data_root
    if found:
        names = ", ".join(path.name for path in found)
        problem = f"there are {len(found)} workbooks: {names}"
        remedy = "Say which one to read with --annotations FILE."
    else:
        others = [file.name for file in files if file.suffix.lower() in _TABLES]
        problem = f"there is no {spec.title} workbook" + (
            f" (but {', '.join(others[:5])})" if others else ""
        )
        put = f"Put {spec.workbooks[0]} there, or name" if spec.workbooks else "Name"
        remedy = f"{put} the file with --annotations FILE."
    raise DataRootError(problem, file=data_root, remedy=remedy)


def read_table(spec: DatasetSpec, workbook: Path) -> Table:
    """The table of clips, in the first sheet that has the spec's columns.

    The header's line is searched for, since notes may stand above it; wholly blank rows are
    passed over.

    Raises:
        AnnotationError: not a readable workbook, or a column is missing.
    """
    best: tuple[int, str, int, list[list[Any]]] = (-1, "", 0, [])
    for sheet, lines in _sheets(spec, workbook).items():
        for line, cells in enumerate(lines[:_HEADER_WITHIN]):
            found = len(column_positions(spec, cells))
            if found > best[0]:
                best = (found, sheet, line, lines)
    _, sheet, line, lines = best
    header = [str(cell) for cell in lines[line]] if lines else []
    positions = column_positions(spec, header)
    _require(spec, workbook, sheet, line + 1, header, positions)
    rows = [
        Row(line + 2 + index, index, {role: cells[at] for role, at in positions.items()})
        for index, cells in enumerate(lines[line + 1 :])
        if any(str(cell).strip() for cell in cells)
    ]
    headers = {role: " ".join(header[at].split()) for role, at in positions.items()}
    return Table(sheet, line + 1, headers, tuple(rows), rows[-1].index + 1 if rows else 0)


def _sheets(spec: DatasetSpec, workbook: Path) -> dict[str, list[list[Any]]]:
    """Cells of every sheet, those that the spec names first; text files have one sheet."""
    try:
        if workbook.suffix.lower() == ".csv":
            with workbook.open(newline="", encoding="utf-8-sig") as file:
                return {workbook.name: _even(list(csv.reader(file)))}
        tables = pd.read_excel(
            workbook, sheet_name=None, header=None, dtype=object, keep_default_na=False
        )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, ImportError, csv.Error) as error:
        raise AnnotationError(
            f"this is not a workbook that can be read ({type(error).__name__}: {error})",
            file=workbook,
            remedy="Open it in a spreadsheet program and save it as .xlsx.",
        ) from error
    named = [name for known in spec.sheets for name in tables if _fold(name) == _fold(known)]
    order = dict.fromkeys((*named, *tables))
    return {str(name): tables[name].values.tolist() for name in order}


def _even(lines: list[list[Any]]) -> list[list[Any]]:
    width = max((len(line) for line in lines), default=0)
    return [line + [""] * (width - len(line)) for line in lines]


def _fold(text: object) -> str:
    return " ".join(str(text).split()).lower()


def column_positions(spec: DatasetSpec, cells: Sequence[Any]) -> dict[str, int]:
    """Where the columns are that a header line has."""
    folded = [_fold(cell) for cell in cells]
    positions = {}
    for role, names in spec.columns.items():
        found = [folded.index(_fold(name)) for name in names if _fold(name) in folded]
        if found:
            positions[role] = found[0]
    return positions


def _require(
    spec: DatasetSpec,
    workbook: Path,
    sheet: str,
    line: int,
    header: list[str],
    positions: Mapping[str, int],
) -> None:
    folded = [_fold(text) for text in header]
    for role, names in spec.columns.items():
        optional = role in _OPTIONAL or (role == "subject" and spec.subject_in_clip)
        if role in positions or optional:
            continue
        near = difflib.get_close_matches(_fold(names[0]), folded, n=1)
        hint = f" Is it {header[folded.index(near[0])]!r}?" if near else ""
        present = ", ".join(repr(text) for text in header if text.strip()) or "no headers"
        alternatives = " or ".join(repr(name) for name in names)
        raise AnnotationError(
            f"column {alternatives} ({role}) is missing; there are {present}",
            file=workbook,
            row=line,
            remedy=f"Name the column {names[0]!r} in that line of sheet {sheet!r}.{hint}",
        )
