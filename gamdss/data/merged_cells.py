"""Merged cells of a workbook, of which every cell but the first is read as blank."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries

from gamdss.data.csv_text import table_bytes
from gamdss.data.sheets import table_kind

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*\bref="([A-Z]+\d+:[A-Z]+\d+)"')
_MOST = 1000  # ranges
UNMERGE = "Unmerge the cells and fill in every one."


@dataclass(frozen=True, slots=True)
class Merged:
    """A range of merged cells, such as `A15:A22`, and the roles of the columns that it hides."""

    cells: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Range:
    """The first and last row and column of a range, from 1."""

    top: int
    bottom: int
    left: int
    right: int

    def __str__(self) -> str:
        first, last = get_column_letter(self.left), get_column_letter(self.right)
        return f"{first}{self.top}:{last}{self.bottom}"


def hidden_cells(
    file: Path, sheet: str, places: Mapping[str, int], first: int, last: int
) -> dict[int, tuple[Merged, ...]]:
    """The merged ranges that hide cells of a table, by row.

    Args:
        file: the workbook.
        sheet: the name of its sheet.
        places: the table's columns (from 0) by role.
        first: the first row below the header, as a spreadsheet program counts it.
        last: the last row.
    """
    hidden: dict[int, list[Merged]] = defaultdict(list)
    for found in islice(_ranges(file, sheet), _MOST):
        inside = {
            role: place + 1
            for role, place in places.items()
            if found.left <= place + 1 <= found.right
        }
        for row in range(max(found.top, first), min(found.bottom, last) + 1):
            kept = found.left if row == found.top else 0
            roles = tuple(role for role, column in inside.items() if column != kept)
            if roles:
                hidden[row].append(Merged(str(found), roles))
    return {row: tuple(ranges) for row, ranges in hidden.items()}


def _ranges(file: Path, sheet: str) -> Iterator[_Range]:
    kind = table_kind(file)
    if kind == "csv":
        return
    data = table_bytes(file)
    if kind == "xls":
        # It was read before, without formats, which may have damage of their own.
        with contextlib.suppress(Exception):
            import xlrd  # noqa: PLC0415 (only these workbooks need it)

            book = xlrd.open_workbook(file_contents=data, formatting_info=True)
            for top, bottom, left, right in book.sheet_by_name(sheet).merged_cells:
                yield _Range(top + 1, bottom, left + 1, right)
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if not any(_MERGED.search(archive.read(name)) for name in _sheet_parts(archive)):
            return
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
        part = archive.read(book[sheet]._worksheet_path)
        book.close()
    for match in _MERGED.finditer(part):
        left, top, right, bottom = range_boundaries(match[1].decode())
        yield _Range(top, bottom, left, right)


def _sheet_parts(archive: zipfile.ZipFile) -> list[str]:
    return [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
