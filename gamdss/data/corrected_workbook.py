"""A copy of a dataset's workbook with other key frames, for any code that reads the original.

The copy keeps the owners' columns, sheets and formats. It differs only in the cells of onset, apex
and offset of the given rows, and of the duration if there is such a column; formulas become the
values that they had. Where the sheet's onset is a part of clips' names, and so of their folders',
the copy has a last column with these names. The original is never opened for writing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from gamdss.data.csv_text import csv_like, csv_lines
from gamdss.data.sheets import CLIP_NAME, TEXTS, read_sheets, table_kind
from gamdss.data.specs import DatasetSpec
from gamdss.data.workbook import Table, read_table
from gamdss.errors import AnnotationError, RunError
from gamdss.files import write_atomic, write_bytes, write_csv
from gamdss.records import Clip, KeyFrames

SUFFIX = "_reselected"
_CELLS = ("onset", "apex", "offset", "duration")


def write_corrected(
    spec: DatasetSpec,
    workbook: Path,
    folder: Path,
    clips: Sequence[Clip],
    keys: Sequence[KeyFrames],
) -> Path:
    """Write `<name>_reselected.xlsx`, or a CSV file in the original's form; returns its path.

    An old `.xls` becomes an `.xlsx` with its values. The apex is omitted if the workbook has no
    apex column. Numbers stored as text stay text.

    Args:
        spec: the dataset's spec.
        workbook: the original; a dataset without one gets a plain table of its clips.
        folder: the output folder.
        clips: as read from the workbook, with their rows.
        keys: the key frames that replace theirs.

    Raises:
        AnnotationError: the workbook cannot be read.
        RunError: the folder cannot be written, or the copy would replace the original.
    """
    rows = {clip.row: key for clip, key in zip(clips, keys, strict=True)}
    names = {clip.row: clip.name for clip in clips} if spec.named_by_onset else {}
    if workbook.is_dir():
        path = folder / f"{spec.name}{SUFFIX}.csv"
        write_csv(path, _plain_lines(clips, keys))
        return path
    kind, suffix = table_kind(workbook), workbook.suffix
    if kind != "csv":
        suffix = ".xlsx"
    elif suffix.lower() not in TEXTS:
        suffix = ".csv"
    path = folder / f"{workbook.stem}{SUFFIX}{suffix}"
    if path.resolve() == workbook.resolve():
        raise RunError(
            "the copy would replace the original",
            file=path,
            remedy="Choose another --output.",
        )
    table = read_table(spec, workbook)
    if kind == "csv":
        _csv_copy(workbook, path, table, rows, names)
        return path
    book = _old_book(workbook) if kind == "xls" else _open(workbook)
    sheet = book[table.sheet]
    places = [table.places.get(key) for key in _CELLS]

    def put(line: int, column: int, value: int) -> None:
        cell = sheet.cell(line, column + 1)
        cell.value = _like(cell.value, value)

    _replace(rows, places, put)
    if names and table.header_line:
        header = [cell.value for cell in sheet[table.header_line]]
        last = max(place for place, value in enumerate(header, start=1) if value is not None)
        column = table.places.get("name", last) + 1
        for line, name in ({table.header_line: CLIP_NAME} | names).items():
            sheet.cell(line, column).value = name
    write_atomic(path, book.save)
    return path


def _open(workbook: Path) -> Any:
    """The workbook with its formats; formulas become their values, which a copy would lose."""
    try:
        with workbook.open("rb") as file:  # openpyxl refuses other suffixes
            return openpyxl.load_workbook(file, data_only=True)
    except Exception as error:  # openpyxl raises whatever its parsers do
        raise AnnotationError(
            f"the workbook cannot be copied ({type(error).__name__}: {error})",
            file=workbook,
            remedy="Open it in a spreadsheet program and save it as .xlsx.",
        ) from error


def _old_book(workbook: Path) -> Any:
    """The values of an `.xls` in a new workbook, each in its old place."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, lines in read_sheets(workbook).items():
        sheet = book.create_sheet(name)
        for line in lines:
            sheet.append([None if value == "" else value for value in line])
            for cell in sheet[sheet.max_row]:
                if cell.data_type == "f":  # text that begins with an equals sign
                    cell.data_type = "s"
    return book


def _replace(
    rows: dict[int, KeyFrames],
    places: Sequence[int | None],
    put: Callable[[int, int, int], None],
) -> None:
    for line, keys in rows.items():
        numbers = (*keys.numbers, keys.offset - keys.onset + 1)
        for column, number in zip(places, numbers, strict=True):
            if column is not None:
                put(line, column, number)


def _like(before: Any, number: int) -> Any:
    """The number in the type of the cell: text if the cell was text."""
    is_text = isinstance(before, str) and before.strip().replace(".0", "").isdigit()
    return str(number) if is_text else number


def _csv_copy(
    workbook: Path, path: Path, table: Table, rows: dict[int, KeyFrames], names: dict[int, str]
) -> None:
    lines = csv_lines(workbook)
    places = [table.places.get(key) for key in _CELLS]

    def put(line: int, column: int, value: int | str) -> None:
        cells = lines[line - 1]
        cells.extend([""] * (column + 1 - len(cells)))
        cells[column] = str(value)

    _replace(rows, places, put)
    if names:
        column = table.places.get("name", max(map(len, lines)))
        for line, name in ({table.header_line: CLIP_NAME} | names).items():
            put(line, column, name)
    write_bytes(path, csv_like(workbook, lines))


def _plain_lines(clips: Sequence[Clip], keys: Sequence[KeyFrames]) -> list[list[Any]]:
    """A table for `--dataset csv`, for a dataset without a workbook."""
    header = ["subject", "clip", "onset", "apex", "offset", "emotion"]
    lines: list[list[Any]] = [header]
    for clip, key in zip(clips, keys, strict=True):
        lines.append([clip.subject, clip.name, *key.numbers, clip.emotion])
    return lines
