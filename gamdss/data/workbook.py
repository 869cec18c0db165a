"""Find a dataset's workbook and read its table by header text.

A dataset may have folders in place of a workbook: each clip's folder is then a row.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gamdss.data.folders import Folders, choose_layout, frame_numbers, listed
from gamdss.data.long_rows import casme2_rows, expression_type
from gamdss.data.merged_cells import UNMERGE, Merged, hidden_cells
from gamdss.data.sheets import (
    CLIP_NAME,
    TABLES,
    column_positions,
    find_header,
    fold,
    read_sheets,
    table_file,
)
from gamdss.data.specs import DatasetSpec
from gamdss.errors import AnnotationError, DataRootError

_OPTIONAL = ("action_units", "duration", "fps")
_PLACEHOLDER = re.compile(r"\\\{(\w+)(?::[^}]*)?\\\}")
_FOLDER_ROLES = ("subject", "clip", "emotion", "onset", "offset")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet program counts it, and its cells by column role.

    `index` is 0 for the first row below the header; blank rows count. `file` is the row's own
    workbook if there are several, or the folder that it stands for. `merged` are the ranges of
    merged cells that hide cells of the row.
    """

    number: int
    index: int
    cells: Mapping[str, Any]
    file: Path | None = None
    merged: tuple[Merged, ...] = ()


@dataclass(frozen=True)
class Table:
    """A sheet's rows, and the header texts and places (from 0) of its columns by role.

    `header_line` is 0 if there is no header. `total` is the number of rows below the header,
    without blank ones at the end.
    """

    sheet: str
    header_line: int
    headers: Mapping[str, str]
    rows: tuple[Row, ...]
    total: int
    places: Mapping[str, int] = field(default_factory=dict)


class _Delivered(Protocol):
    """What is known of a dataset's workbook."""

    @property
    def title(self) -> str: ...
    @property
    def workbooks(self) -> Sequence[str]: ...
    @property
    def from_folders(self) -> bool: ...
    @property
    def parts(self) -> bool: ...


def find_workbook(spec: _Delivered, data_root: Path, annotations: Path | None = None) -> Path:
    """The workbook to read: `annotations` if given, else the one with a known name in `data_root`.

    A relative path is looked up in the working directory first, then in `data_root`. If there is
    no workbook and the spec reads clips from folders, or there are several that are parts of one
    dataset, the result is `data_root` itself.

    Raises:
        DataRootError: the folder or file does not exist, or there is no workbook or several.
    """
    if not data_root.is_dir():
        what = "is a file, not a folder" if data_root.exists() else "there is no such folder"
        raise DataRootError(
            what, file=data_root, remedy=f"Give the folder of {spec.title} with --data-root."
        )
    if annotations is not None:
        annotations = table_file(annotations, data_root)
        if not annotations.is_file():
            raise DataRootError(
                "there is no such workbook", file=annotations, remedy="Check --annotations."
            )
        return annotations
    found, files = _known_workbooks(spec, data_root)
    if len(found) == 1:
        return found[0]
    if spec.parts if found else spec.from_folders:
        return data_root
    if found:
        names = ", ".join(path.name for path in found)
        problem = f"there are {len(found)} workbooks: {names}"
        remedy = "Choose one with --annotations FILE."
    else:
        others = [file.name for file in files if file.suffix.lower() in TABLES]
        problem = f"there is no {spec.title} workbook" + (
            f" (but {', '.join(others[:5])})" if others else ""
        )
        put = f"Put {spec.workbooks[0]} there, or name" if spec.workbooks else "Name"
        remedy = f"{put} the file with --annotations FILE."
    raise DataRootError(problem, file=data_root, remedy=remedy)


def workbook_files(spec: _Delivered, workbook: Path) -> list[Path]:
    """The files of what `find_workbook` found; none if clips are read from folders."""
    return _known_workbooks(spec, workbook)[0] if workbook.is_dir() else [workbook]


def _known_workbooks(spec: _Delivered, data_root: Path) -> tuple[list[Path], list[Path]]:
    """The workbooks of known names, in the spec's order, and all files beside them."""
    known = [name.lower() for name in spec.workbooks]
    places = {data_root / Path(name).parent for name in spec.workbooks}
    files = sorted(file for place in places if place.is_dir() for file in listed(place))
    names = {file: file.relative_to(data_root).as_posix().lower() for file in files}
    found = sorted((f for f in files if names[f] in known), key=lambda f: known.index(names[f]))
    return found, files


def read_table(spec: DatasetSpec, workbook: Path) -> Table:
    """The table of clips, from the sheet and header line with most of the spec's columns.

    The header may have notes above it; blank rows are skipped. If `workbook` is a folder, the
    rows are those of the workbooks in it, or its clip folders if there are none.

    Raises:
        AnnotationError: the workbook cannot be read, or a column is missing.
        DataRootError: the folder has none of the spec's layouts.
    """
    if workbook.is_dir():
        found = workbook_files(spec, workbook)
        return _read_parts(spec, found) if found else _read_folders(spec, workbook)
    if spec.form == "casme2":
        return _read_casme2(workbook)
    sheets = read_sheets(workbook)
    sheet, line = find_header(workbook, sheets, spec.columns, spec.sheets)
    lines = sheets.get(sheet, [])
    header = [str(cell) for cell in lines[line]] if lines else []
    positions = column_positions({**spec.columns, "name": (CLIP_NAME,)}, header)
    _require(spec, workbook, sheet, line + 1, header, positions)
    rows = [
        Row(line + 2 + index, index, {role: cells[at] for role, at in positions.items()})
        for index, cells in enumerate(lines[line + 1 :])
        if not _is_blank(cells)
    ]
    rows = _with_merged(workbook, sheet, positions, rows)
    headers = {role: " ".join(header[at].split()) for role, at in positions.items()}
    total = rows[-1].index + 1 if rows else 0
    return Table(sheet, line + 1, headers, tuple(rows), total, positions)


def _with_merged(
    workbook: Path, sheet: str, places: Mapping[str, int], rows: list[Row]
) -> list[Row]:
    """The rows with the merged ranges that hide cells of theirs, which are blank."""
    if not [row for row in rows if "" in row.cells.values()]:
        return rows
    hidden = hidden_cells(workbook, sheet, places, rows[0].number, rows[-1].number)
    if not hidden:
        return rows
    return [replace(row, merged=hidden.get(row.number, ())) for row in rows]


def _is_blank(cells: Sequence[Any]) -> bool:
    for cell in cells:  # noqa: SIM110  # nearly always the first cell decides
        if cell != "" and str(cell).strip():
            return False
    return True


def _read_casme2(workbook: Path) -> Table:
    """The rows of CAS(ME)2, whose sheet has no header, but those of macro-expressions."""
    roles = ("subject", "clip", "onset", "apex", "offset", "action_units", "emotion", "type")
    places = {role: place for place, role in enumerate(roles)}
    sheet, cells = next(iter(read_sheets(workbook, again=True).items()))
    for row, merged in hidden_cells(workbook, sheet, places, 1, len(cells)).items():
        raise AnnotationError(
            f"cells {merged[0].cells} are merged, so only the first of them has a value",
            file=workbook,
            row=row,
            remedy=UNMERGE,
        )
    lines = casme2_rows(workbook)
    rows = [
        Row(
            line.number,
            line.number - 1,
            {
                "subject": line.subject,
                "clip": line.video.rpartition("_")[2],
                **{role: getattr(line, role) for role in ("onset", "apex", "offset")},
                "action_units": line.action_units,
                "emotion": line.estimated,
                "type": line.type,
            },
        )
        for line in lines
        if expression_type(line.type) != "macro"
    ]
    headers = {role: f"column {place + 1}" for role, place in places.items()}
    total = lines[-1].number if lines else 0
    return Table(sheet, 0, headers, tuple(rows), total, places)


def _read_parts(spec: DatasetSpec, workbooks: Sequence[Path]) -> Table:
    """The tables of several workbooks as one; every row names its own."""
    tables = [(file, read_table(spec, file)) for file in workbooks]
    first = tables[0][1]
    rows = [replace(row, file=file) for file, table in tables for row in table.rows]
    return Table(
        sheet=" + ".join(f"{file.stem}/{table.sheet}" for file, table in tables),
        header_line=first.header_line,
        headers=first.headers,
        rows=tuple(replace(row, index=index) for index, row in enumerate(rows)),
        total=len(rows),
    )


def _read_folders(spec: DatasetSpec, data_root: Path) -> Table:
    """The clips below `data_root`, one row each, in the order of their paths.

    Onset and offset are the first and the last frame. Only layouts are used whose native folder
    template names emotion, clip and, unless the clip's name contains it, subject.
    """
    folders = Folders()
    templates = {name: layout.folders[0] for name, layout in spec.layouts.items()}
    needed = {"clip", "emotion"} | (set() if spec.subject_in_clip else {"subject"})
    usable = {
        name: spec.layouts[name]
        for name, template in templates.items()
        if needed <= set(_PLACEHOLDER.findall(re.escape(template)))
    }
    if not usable:
        raise _no_rows(spec, data_root, templates.values())
    name, root = choose_layout(spec, data_root, usable, folders)
    template = templates[name]
    form = re.compile(_pattern(template), re.IGNORECASE)
    rows = []
    for index, folder in enumerate(folders.matching(root, template, limit=None)):
        match = form.fullmatch(folder.relative_to(root).as_posix())
        cells = dict(match.groupdict()) if match else {}
        numbers = frame_numbers(listed(folder)).values()
        cells |= {"onset": min(numbers, default=""), "offset": max(numbers, default="")}
        rows.append(Row(index + 2, index, cells, folder))
    headers = {role: role for role in _FOLDER_ROLES}
    return Table("folders", spec.writing.lead + 1, headers, tuple(rows), len(rows))


def _pattern(template: str) -> str:
    """A regular expression for folders of a template, with a group for each name."""
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match.group(1)
        known = name in seen
        seen.add(name)
        return f"(?P={name})" if known else f"(?P<{name}>[^/]+)"

    return _PLACEHOLDER.sub(group, re.escape(template))


def _no_rows(spec: DatasetSpec, data_root: Path, templates: Iterable[str]) -> DataRootError:
    put = f"Put {spec.workbooks[0]} there, or name" if spec.workbooks else "Name"
    return DataRootError(
        f"there is no {spec.title} workbook, and folders of the form {' or '.join(templates)} do "
        "not say subject, emotion and clip",
        file=data_root,
        remedy=f"{put} the file with --annotations FILE.",
    )


def _require(
    spec: DatasetSpec,
    workbook: Path,
    sheet: str,
    line: int,
    header: list[str],
    positions: Mapping[str, int],
) -> None:
    used = {fold(header[at]) for at in positions.values()}
    others = {fold(text): text for text in header if fold(text) not in used}
    for role, names in spec.columns.items():
        optional = role in _OPTIONAL or (role == "subject" and spec.subject_in_clip)
        if role in positions or optional:
            continue
        near = difflib.get_close_matches(fold(names[0]), others, n=1)
        hint = f" Is it {others[near[0]]!r}?" if near else ""
        present = ", ".join(repr(text) for text in header if text.strip()) or "none"
        alternatives = " or ".join(repr(name) for name in names)
        raise AnnotationError(
            f"column {alternatives} ({role}) is missing; the columns are {present}",
            file=workbook,
            row=line,
            remedy=f"Name the column {names[0]!r} in that line of sheet {sheet!r}.{hint}",
        )
