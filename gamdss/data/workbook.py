"""Find a dataset's workbook and read its table by header text."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gamdss.data.specs import DatasetSpec
from gamdss.errors import AnnotationError, DataRootError


@dataclass(frozen=True)
class Row:
    """One row: its number as a spreadsheet program counts it, and its cells by column role."""

    number: int
    subject: object
    clip: object
    onset: object
    apex: object
    offset: object
    emotion: object
    action_units: object


def find_workbook(spec: DatasetSpec, data_root: Path, annotations: Path | None = None) -> Path:
    """The workbook to read: `annotations` if given, else the one with a known name in `data_root`.

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
            raise DataRootError(
                "there is no such workbook", file=annotations, remedy="Check --annotations."
            )
        return annotations
    known = {name.lower() for name in spec.workbooks}
    found = sorted(path for path in data_root.iterdir() if path.name.lower() in known)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found)
        problem = f"there are {len(found)} workbooks: {names}"
        remedy = "Say which one to read with --annotations FILE."
    else:
        others = sorted(
            p.name for p in data_root.iterdir() if p.suffix.lower() in (".xls", ".xlsx")
        )
        problem = f"there is no {spec.title} workbook" + (
            f" (but {', '.join(others[:5])})" if others else ""
        )
        remedy = f"Put {spec.workbooks[0]} there, or name the file with --annotations FILE."
    raise DataRootError(problem, file=data_root, remedy=remedy)


def read_rows(spec: DatasetSpec, workbook: Path) -> Iterator[Row]:
    """The rows of the workbook's first sheet; wholly blank rows are passed over.

    Raises:
        AnnotationError: not a readable workbook, or a column is missing.
    """
    try:
        table = pd.read_excel(workbook, sheet_name=0, dtype=object, keep_default_na=False)
    except (ValueError, KeyError, OSError, zipfile.BadZipFile, ImportError) as error:
        raise AnnotationError(
            f"this is not a workbook that can be read ({type(error).__name__}: {error})",
            file=workbook,
            remedy="Open it in a spreadsheet program and save it as .xlsx.",
        ) from error
    positions = _positions(spec, workbook, [str(name) for name in table.columns])
    for index, cells in enumerate(table.itertuples(index=False, name=None)):
        if any(str(cell).strip() for cell in cells):
            chosen = {role: cells[position] for role, position in positions.items()}
            yield Row(number=index + 2, **chosen)


def _positions(spec: DatasetSpec, workbook: Path, headers: list[str]) -> dict[str, int]:
    folded = [" ".join(header.split()).lower() for header in headers]
    positions = {}
    for role, name in vars(spec.columns).items():
        if name.lower() not in folded:
            near = difflib.get_close_matches(name.lower(), folded, n=1)
            hint = f" Is it {headers[folded.index(near[0])]!r}?" if near else ""
            present = ", ".join(repr(h) for h in headers if not h.startswith("Unnamed:"))
            raise AnnotationError(
                f"column {name!r} ({role}) is missing; there are {present}",
                file=workbook,
                row=1,
                remedy=f"Name the column {name!r} in line 1 of the first sheet.{hint}",
            )
        positions[role] = folded.index(name.lower())
    return positions
