"""Cells of a workbook, sheet by sheet."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

from gamdss.errors import AnnotationError


def read_sheets(workbook: Path) -> dict[str, list[list[Any]]]:
    """Cells of every sheet by its name; a CSV file has one sheet.

    Raises:
        AnnotationError: the workbook cannot be read.
    """
    try:
        if workbook.suffix.lower() == ".csv":
            with workbook.open(newline="", encoding="utf-8-sig") as file:
                return {workbook.name: _even(list(csv.reader(file)))}
        tables = pd.read_excel(
            workbook, sheet_name=None, header=None, dtype=object, keep_default_na=False
        )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, ImportError, csv.Error) as error:
        raise AnnotationError(
            f"the workbook cannot be read ({type(error).__name__}: {error})",
            file=workbook,
            remedy="Open it in a spreadsheet program and save it as .xlsx.",
        ) from error
    return {str(name): table.values.tolist() for name, table in tables.items()}


def _even(lines: list[list[Any]]) -> list[list[Any]]:
    width = max((len(line) for line in lines), default=0)
    return [line + [""] * (width - len(line)) for line in lines]


def cell_text(cell: object) -> str:
    """A cell as text: a whole number without its decimals, and "" if blank."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
