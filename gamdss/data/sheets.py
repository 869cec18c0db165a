"""Cells of a table file: `.xlsx` and `.xls` workbooks, CSV files.

A file is recognised by its content. Whatever is wrong with it is an `AnnotationError`, and nothing
in it, such as a single cell in the last column, makes reading slow or large.
"""

from __future__ import annotations

import contextlib
import gc
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import openpyxl
import pandas as pd

from gamdss.data.csv_text import HEADER_WITHIN, MOST_BYTES, csv_lines, table_bytes
from gamdss.errors import AnnotationError

Lines = list[list[Any]]
TableKind = Literal["xls", "xlsx", "csv"]

TEXTS = (".csv", ".tsv", ".txt")
TABLES = (".xls", ".xlsx", *TEXTS)
_MOST_COLUMNS = 256
_MOST_ROWS = 1_048_576  # of a sheet in any spreadsheet program
_MOST_CELLS = 20_000_000
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# Not where the value is an empty text (t="str").
_UNCOMPUTED = re.compile(
    rb'<c\b(?![^>]*\bt="str")[^>]*\br="([A-Z]+\d+)"[^>]*>\s*<f\b[^>]*(?:/>|>[^<]*</f>)'
    rb"\s*(?:<v\s*/>|<v></v>)?\s*</c>"
)


# What was read last, if it is asked for twice: of a plain table first the columns, then the rows. A
# digest of the bytes tells whether the file is still the same.
_kept: dict[tuple[Path, bytes], dict[str, Lines]] = {}


class _UncomputedError(Exception):
    """A cell with a formula that no program computed."""


class _TooLargeError(Exception):
    """What there is too much of."""


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the garbage collector, which takes half the time that a million rows need."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# Of copies with other key frames: names of clips, which the original onset may be a part of.
CLIP_NAME = "Clip name (gamdss)"


def table_file(named: str | Path, data_root: str | Path | None) -> Path:
    """The file that `--annotations` names: in the working directory, or else in `data_root`."""
    file = Path(named).expanduser()
    if file.is_file() or data_root is None:
        return file
    return Path(data_root).expanduser() / file


def read_sheets(file: Path, again: bool = False) -> dict[str, Lines]:
    """Cells of every sheet by its name; blank cells are "". A CSV file has one sheet.

    The lines of a sheet are as long as the longest of its first lines, where the header is: what
    lies right of that is left out, but in a CSV file, where it may have moved a row's cells. With
    `again`, they are kept for the next call.

    Raises:
        AnnotationError: the file cannot be read, or is too large.
    """
    data = table_bytes(file)
    key = file, sha256(data).digest()
    sheets = _kept.get(key) or _parsed(file, data)
    _kept.clear()
    if again:
        _kept[key] = sheets
    return sheets


def _parsed(file: Path, data: bytes) -> dict[str, Lines]:
    if data.startswith(_OLE) and _ENCRYPTED in data:
        raise AnnotationError(
            "the workbook is encrypted",
            file=file,
            remedy="Open it in a spreadsheet program, and save it without a password.",
        )
    kind = _kind(file, data)
    try:
        if kind == "xls":
            return _old_sheets(data)
        if kind == "xlsx":
            return _sheets(data)
        return {file.name: _even(csv_lines(file, data), texts=True)}
    except AnnotationError:
        raise
    except _TooLargeError as error:
        raise AnnotationError(
            f"the table has {error}", file=file, remedy="Delete the cells that are not needed."
        ) from error
    except _UncomputedError as error:
        raise AnnotationError(
            f"cell {error} contains a formula without a value",
            file=file,
            remedy="Open the workbook in a spreadsheet program and save it, which computes it.",
        ) from error
    except Exception as error:  # the parsers of workbooks raise whatever they come across
        raise AnnotationError(
            f"the workbook cannot be read ({type(error).__name__}: {error})",
            file=file,
            remedy="Open it in a spreadsheet program and save it as .xlsx.",
        ) from error


def table_kind(file: Path) -> TableKind:
    """What a table is, by its content.

    Raises:
        AnnotationError: the file cannot be read.
    """
    return _kind(file, table_bytes(file))


def _kind(file: Path, data: bytes) -> TableKind:
    if data.startswith(_OLE):
        return "xls"
    return "xlsx" if data.startswith(_ZIP) or file.suffix.lower() == ".xlsx" else "csv"


def column_positions(columns: Mapping[str, Sequence[str]], cells: Sequence[Any]) -> dict[str, int]:
    """Position of each column role in a header line; roles without a column are left out."""
    folded = [fold(cell) for cell in cells]
    positions = {}
    for role, names in columns.items():
        found = [folded.index(fold(name)) for name in names if fold(name) in folded]
        if found:
            positions[role] = found[0]
    return positions


def find_header(
    file: Path,
    sheets: Mapping[str, Lines],
    columns: Mapping[str, Sequence[str]],
    named: Sequence[str] = (),
) -> tuple[str, int]:
    """The sheet and the index of the line with most of the columns.

    Of equal sheets with rows, the first of those in `named` is used.

    Raises:
        AnnotationError: none of several equal sheets is in `named`, and their rows differ.
    """
    found: dict[str, tuple[int, int]] = {}  # number of columns and index of each sheet's header
    for sheet, lines in sheets.items():
        counts = [len(column_positions(columns, cells)) for cells in lines[:HEADER_WITHIN]]
        most = max(counts, default=-1)
        found[sheet] = most, counts.index(most) if counts else 0
    most = max((count for count, _ in found.values()), default=0)
    equals = {sheet: index for sheet, (count, index) in found.items() if count == most}
    tables = {sheet: sheets[sheet][index + 1 :] for sheet, index in equals.items()}
    filled = [sheet for sheet, lines in tables.items() if any(any(cells) for cells in lines)]
    usable = filled or list(equals)
    if not usable:
        return "", 0
    known = [sheet for name in named for sheet in usable if fold(sheet) == fold(name)]
    others = [sheet for sheet in usable[1:] if tables[sheet] != tables[usable[0]]]
    if others and not known and 2 * most > len(columns):
        raise AnnotationError(
            f"sheets {usable[0]!r} and {others[0]!r} have the same columns and different rows",
            file=file,
            remedy="Keep one of them in a copy of the workbook, and name it with --annotations.",
        )
    best = (known or usable)[0]
    return best, equals[best]


def fold(text: object) -> str:
    """A header's text without regard to case and blanks."""
    return " ".join(str(text).split()).lower()


def _sheets(data: bytes) -> dict[str, Lines]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MOST_BYTES:
            raise _TooLargeError(f"more than {MOST_BYTES >> 20} MB of content")
        _require_computed(archive)
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        sheets = {}
        for sheet in book.worksheets:  # charts are none
            sheet.reset_dimensions()  # which a file may state wrongly
            rows = sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True)
            sheets[str(sheet.title)] = _even(_bounded(rows))
        return sheets
    finally:
        book.close()


def _require_computed(archive: zipfile.ZipFile) -> None:
    """Refuse formulas without a value, as scripts write them: they would be read as blank."""
    for part in archive.namelist():
        if part.startswith("xl/worksheets/") and (found := _UNCOMPUTED.search(archive.read(part))):
            raise _UncomputedError(found[1].decode())


def _bounded(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    for count, row in enumerate(rows):
        if count >= _MOST_ROWS:
            raise _TooLargeError(f"a cell below row {_MOST_ROWS}")
        yield row


def _old_sheets(data: bytes) -> dict[str, Lines]:
    """Sheets of an `.xls`, whose format allows 65536 rows of 256 columns."""
    tables = pd.read_excel(
        io.BytesIO(data), sheet_name=None, header=None, dtype=object, keep_default_na=False
    )
    return {str(name): _even(table.values.tolist()) for name, table in tables.items()}


def _even(lines: Iterable[Sequence[Any]], texts: bool = False) -> Lines:
    """Lines of one length, without blank ones at the end.

    With `texts`, for a CSV file, all cells are texts, and lines may be longer.

    Raises:
        _TooLargeError: they have too many cells.
    """
    rest = iter(lines)
    first = list(islice(rest, HEADER_WITHIN))
    width = min(max((_filled(line) for line in first), default=0), _MOST_COLUMNS)
    blank = [""] * width
    even: Lines = []
    last = cells = 0
    empty: Sequence[Any] | None = None
    for line in chain(first, rest):
        if line is empty:  # the reader's own line for rows that a sheet leaves out
            even.append(blank)
            continue
        row = list(line[:_MOST_COLUMNS]) if texts else [_plain(cell) for cell in line[:width]]
        if not (any(row) if texts else any(map(_is_filled, row))):
            even.append(blank)  # one for all: a sheet may have a million of them
            empty = line
            continue
        even.append(row + blank[len(row) :])
        last, cells = len(even), cells + len(even[-1])
        if cells > _MOST_CELLS:
            raise _TooLargeError(f"more than {_MOST_CELLS} cells")
    return even[:last]


def _filled(line: Sequence[Any]) -> int:
    return next((n for n in range(len(line), 0, -1) if _is_filled(line[n - 1])), 0)


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _plain(cell: Any) -> Any:
    """A cell's value: "" if blank, a whole number as an integer, an error as its name."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        if cell != cell:  # noqa: PLR0124 (an error of an .xls, which is NaN)
            return "#ERROR!"
        return int(cell) if cell.is_integer() else cell
    return cell
