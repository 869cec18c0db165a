"""Rows of the workbooks of long-video datasets: one labelled expression each.

CAS(ME)2 (Qu et al., IEEE TAFFC 2018) has no header, and two more sheets that map subjects and
films to folder names; SAMM Long Videos (Yap et al., FG 2020) has its header below notes; CAS(ME)3
part A (Li et al., IEEE TPAMI 2022) has one sheet of expressions and one of blinks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.data.cells import cell_text
from gamdss.data.sheets import read_sheets
from gamdss.errors import AnnotationError

CASME3_SHEET = "AU+Emotion"
_CASME2_COLUMNS = 9
_SAMM_COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")
_CASME3_COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Expression type", "AU")


@dataclass(frozen=True)
class LongRow:
    """A row of a workbook; `onset`, `apex`, `offset` and `type` are cells as they are.

    `number` is the row as a spreadsheet program counts it, `video` the key of its recording.
    `emotion` is what the subject reported, `estimated` what the coders did; both may be empty.
    """

    number: int
    subject: str
    video: str
    name: str
    onset: Any
    apex: Any
    offset: Any
    type: Any
    action_units: str
    emotion: str = ""
    estimated: str = ""


def expression_type(cell: object) -> str:
    """`micro` or `macro`, however the type of a row goes on (`micro-expression`); "" if neither."""
    kind = cell_text(cell).lower()[:5]
    return kind if kind in ("micro", "macro") else ""


def casme2_rows(workbook: Path) -> list[LongRow]:
    """The rows of CAS(ME)2."""
    sheets = read_sheets(workbook)
    subjects = {
        cell_text(line[2]): cell_text(line[1]).lower()
        for line in _sheet(workbook, sheets, "naming rule1")
    }
    films = {
        cell_text(line[1]).lower(): cell_text(line[0]).zfill(4)
        for line in _sheet(workbook, sheets, "naming rule2")
    }
    rows = []
    for number, line in enumerate(next(iter(sheets.values())), 1):
        cells = [*line, *[""] * _CASME2_COLUMNS]
        if not any(cell_text(cell) for cell in line):
            continue
        name = cell_text(cells[1])
        film = name.rpartition("_")[0].lower()
        subject = _known(workbook, number, "subject", cell_text(cells[0]), subjects, "naming rule1")
        code = _known(workbook, number, "film", film, films, "naming rule2")
        key_frames = cells[2], cells[3], cells[4]
        estimated = cell_text(cells[6])
        about = cell_text(cells[5]), cell_text(cells[8]) or estimated, estimated
        video = f"{subject}_{code}"
        rows.append(LongRow(number, subject, video, name, *key_frames, cells[7], *about))
    return rows


def samm_rows(workbook: Path) -> list[LongRow]:
    """The rows of SAMM Long Videos."""
    lines = next(iter(read_sheets(workbook).values()))
    where = "its header, on line 10, begins with Subject"
    rows = []
    for number, cells in _headed(workbook, lines, _SAMM_COLUMNS, where):
        name = cell_text(cells["Filename"])
        parts = name.split("_")
        if len(parts) != 3:
            raise AnnotationError(
                f"Filename is {name!r}",
                file=workbook,
                row=number,
                remedy="It must be subject, recording and expression, such as 006_1_2.",
            )
        key_frames = cells["Onset"], cells["Apex"], cells["Offset"]
        about = cells["Type"], cell_text(cells["Action Units"])
        rows.append(LongRow(number, parts[0], "_".join(parts[:2]), name, *key_frames, *about))
    return rows


def casme3_rows(workbook: Path) -> list[LongRow]:
    """The rows of CAS(ME)3 part A; an expression is named by its video and onset."""
    lines = _sheet(workbook, read_sheets(workbook), CASME3_SHEET)
    where = f"the header of sheet {CASME3_SHEET!r} is its first line"
    rows = []
    for number, cells in _headed(workbook, lines, _CASME3_COLUMNS, where):
        subject, video = casme3_names(cell_text(cells["Subject"]), cell_text(cells["Filename"]))
        name = f"{video.rpartition('_')[2]}_{cell_text(cells['Onset'])}"
        key_frames = cells["Onset"], cells["Apex"], cells["Offset"]
        about = cells["Expression type"], cell_text(cells["AU"])
        rows.append(LongRow(number, subject, video, name, *key_frames, *about))
    return rows


def casme3_names(subject: str, video: str) -> tuple[str, str]:
    """Subject and key of a recording of CAS(ME)3: sheets and folders mix cases."""
    number = "".join(sign for sign in subject if sign.isdigit())
    return f"spNO.{number}", f"spNO.{number}_{video.lower()}"


def _headed(
    workbook: Path, lines: Sequence[Sequence[Any]], columns: Sequence[str], where: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number and cells of each row below the header."""
    head = next((n for n, line in enumerate(lines) if line and cell_text(line[0]) == columns[0]), 0)
    header = [cell_text(cell) for cell in lines[head]] if lines else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise AnnotationError(
            f"column {missing[0]!r} is missing",
            file=workbook,
            row=head + 1 if columns[0] in header else None,
            remedy=f"Use the workbook as delivered: {where}.",
        )
    for number, line in enumerate(lines[head + 1 :], head + 2):
        cells = {name: line[header.index(name)] for name in columns}
        if any(cell_text(cell) for cell in cells.values()):
            yield number, cells


def _sheet(workbook: Path, sheets: Mapping[str, list[list[Any]]], name: str) -> list[list[Any]]:
    for title, lines in sheets.items():
        if title.strip().lower() == name.lower():
            return [[*line, "", "", ""] for line in lines]
    raise AnnotationError(
        f"sheet {name!r} is missing; the sheets are {', '.join(map(repr, sheets))}",
        file=workbook,
        remedy="Use the workbook as delivered, with all its sheets.",
    )


def _known(
    workbook: Path, row: int, what: str, value: str, known: Mapping[str, str], sheet: str
) -> str:
    if value not in known:
        raise AnnotationError(
            f"{what} {value!r} is not in sheet {sheet!r}",
            file=workbook,
            row=row,
            remedy=f"Correct the row, or add the {what} to that sheet.",
        )
    return known[value]
