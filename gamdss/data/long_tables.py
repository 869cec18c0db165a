"""Workbooks and folders of long-video datasets: CAS(ME)2 and SAMM Long Videos.

Both list one expression per row. CAS(ME)2 (Qu et al., IEEE TAFFC 2018) has no header, and two more
sheets that map subjects and films to folder names; SAMM Long Videos (Yap et al., FG 2020) has its
header below notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gamdss.data.folders import Folders, frame_number, listed
from gamdss.data.specs import LONG_VIDEOS
from gamdss.data.workbook import read_sheets
from gamdss.errors import AnnotationError, ConfigError, DataRootError, did_you_mean

_CASME2_COLUMNS = 9
_SAMM_COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")


@dataclass(frozen=True)
class LongRow:
    """A row of a workbook; `onset`, `apex`, `offset` and `type` are cells as they are.

    `number` is the row as a spreadsheet program counts it, `video` the key of its recording.
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


@dataclass(frozen=True)
class LongLayout:
    """Where the frames are: folders `depth` levels below `root`; `cropped` to the face or not."""

    root: str
    depth: int
    cropped: bool = False


@dataclass(frozen=True)
class LongSpec:
    """A long-video dataset: published numbers, file names, and how its rows are read.

    `video` maps a folder to subject and key of a recording; None for other folders. `shifts` are
    what is added to a recording's frame numbers for those of the dataset of clips (SAMM).
    """

    name: str
    title: str
    fps: float
    subjects: int
    recordings: int
    micro: int
    macro: int
    workbooks: tuple[str, ...]
    layouts: Mapping[str, LongLayout]
    rows: Callable[[Path], list[LongRow]]
    video: Callable[[Path], tuple[str, str] | None]
    shifts: Mapping[str, int] = field(default_factory=dict)
    from_folders: bool = False
    parts: bool = False


def long_spec(name: str) -> LongSpec:
    """The dataset of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in LONG_SPECS:
        raise ConfigError(
            f"unknown long-video dataset {name!r}",
            remedy=f"{did_you_mean(name, LONG_SPECS)}Choose one of: {', '.join(LONG_SPECS)}.",
        )
    return LONG_SPECS[name]


def recording_folders(
    spec: LongSpec, data_root: Path, layout: str | None = None
) -> tuple[LongLayout, dict[str, tuple[str, Path]]]:
    """The layout found, and subject and folder of each recording by its key, sorted by key.

    Args:
        spec: the dataset.
        data_root: its folder.
        layout: name of the layout; by default the first one with frames.

    Raises:
        ConfigError: the dataset has no such layout.
        DataRootError: there are no frames, or two folders of one recording.
    """
    if layout is not None and layout not in spec.layouts:
        names = ", ".join(spec.layouts)
        raise ConfigError(f"--layout is {layout!r}", remedy=f"{spec.title} has: {names}.")
    chosen = [spec.layouts[layout]] if layout else list(spec.layouts.values())
    folders = Folders()
    for one in chosen:
        start = folders.descend(data_root, one.root)
        places = (
            [] if start is None else folders.matching(start, "/".join(["{any}"] * one.depth), None)
        )
        found: dict[str, tuple[str, Path]] = {}
        for folder in places:
            key = spec.video(folder)
            if key is None or not any(frame_number(file) is not None for file in listed(folder)):
                continue
            if key[1] in found:
                raise DataRootError(
                    f"{found[key[1]][1]} is another folder of recording {key[1]}",
                    file=folder,
                    remedy="Remove one of them.",
                )
            found[key[1]] = key[0], folder
        if found:
            return one, dict(sorted(found.items()))
    raise DataRootError(
        "no folder of frames found",
        file=data_root,
        remedy=f"Unpack the frames of {spec.title} below {data_root / chosen[0].root}.",
    )


def _casme2_rows(workbook: Path) -> list[LongRow]:
    sheets = read_sheets(workbook)
    subjects = {
        _text(line[2]): _text(line[1]).lower() for line in _sheet(workbook, sheets, "naming rule1")
    }
    films = {
        _text(line[1]).lower(): _text(line[0]).zfill(4)
        for line in _sheet(workbook, sheets, "naming rule2")
    }
    rows = []
    for number, line in enumerate(next(iter(sheets.values())), 1):
        cells = [*line, *[""] * _CASME2_COLUMNS]
        if not any(_text(cell) for cell in line):
            continue
        name = _text(cells[1])
        film = name.rpartition("_")[0].lower()
        subject = _known(workbook, number, "subject", _text(cells[0]), subjects, "naming rule1")
        code = _known(workbook, number, "film", film, films, "naming rule2")
        video = f"{subject}_{code}"
        units, emotion = _text(cells[5]), _text(cells[8]) or _text(cells[6])
        key_frames = cells[2], cells[3], cells[4]
        rows.append(LongRow(number, subject, video, name, *key_frames, cells[7], units, emotion))
    return rows


def _sheet(workbook: Path, sheets: Mapping[str, list[list[Any]]], name: str) -> list[list[Any]]:
    for title, lines in sheets.items():
        if title.strip().lower() == name:
            return [[*line, "", "", ""] for line in lines]
    raise AnnotationError(
        f"sheet {name!r} is missing; there are {', '.join(map(repr, sheets))}",
        file=workbook,
        remedy="Use the workbook as delivered, with its three sheets.",
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


def _casme2_video(folder: Path) -> tuple[str, str] | None:
    """`s15/15_0101disgustingteeth` is recording s15_0101."""
    match = re.match(r"[^_]+_(\d{4})", folder.name)
    subject = folder.parent.name.lower()
    return (subject, f"{subject}_{match.group(1)}") if match else None


def _samm_rows(workbook: Path) -> list[LongRow]:
    lines = next(iter(read_sheets(workbook).values()))
    head = next((n for n, line in enumerate(lines) if line and _text(line[0]) == "Subject"), None)
    header = [] if head is None else [_text(cell) for cell in lines[head]]
    missing = [name for name in _SAMM_COLUMNS if name not in header]
    if head is None or missing:
        raise AnnotationError(
            f"column {missing[0]!r} is missing in the first sheet",
            file=workbook,
            row=None if head is None else head + 1,
            remedy="Use the workbook as delivered: its header, on line 10, begins with Subject.",
        )
    rows = []
    for number, line in enumerate(lines[head + 1 :], head + 2):
        cells = {name: line[header.index(name)] for name in _SAMM_COLUMNS}
        if not any(_text(cell) for cell in cells.values()):
            continue
        name = _text(cells["Filename"])
        parts = name.split("_")
        if len(parts) != 3:
            raise AnnotationError(
                f"Filename is {name!r}",
                file=workbook,
                row=number,
                remedy="It must be subject, recording and expression, such as 006_1_2.",
            )
        video = "_".join(parts[:2])
        key_frames = cells["Onset"], cells["Apex"], cells["Offset"]
        units = _text(cells["Action Units"])
        rows.append(LongRow(number, parts[0], video, name, *key_frames, cells["Type"], units))
    return rows


def _samm_video(folder: Path) -> tuple[str, str] | None:
    """`006_1` is a recording of subject 006."""
    match = re.fullmatch(r"(\d{3})_\d+", folder.name)
    return (match.group(1), folder.name) if match else None


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


# SAMM's frame numbers minus those of SAMM Long Videos; 0 for other recordings.
_SAMM_SHIFTS = {
    **dict.fromkeys(["006_2", "007_6"], 100),
    **dict.fromkeys(["006_5", "007_7"], 300),
    "014_1": 499,
    **dict.fromkeys(["006_3", "009_3", "017_6", "019_3", "020_1"], 500),
    **dict.fromkeys(["014_3", "016_7", "026_7"], 1000),
    **dict.fromkeys(["018_5", "025_4", "030_5"], 1500),
    "007_3": 1800,
    **dict.fromkeys(["006_1", "011_3", "021_7", "025_5", "025_6", "030_1"], 2000),
    "007_5": 2500,
    **dict.fromkeys(["009_2", "010_4", "024_2", "032_3", "034_3"], 3000),
    **dict.fromkeys(["026_6", "031_3"], 3500),
    **dict.fromkeys(["019_4", "019_5", "032_6"], 4000),
    **dict.fromkeys(["023_1", "026_5"], 4500),
    "033_1": 5000,
    "015_5": 5500,
    "007_4": 5600,
    "012_7": 7000,
    "035_1": 9000,
    **dict.fromkeys(["018_1", "018_7"], 10000),
}

_CASME2 = LongSpec(
    name="casme2sq",
    title="CAS(ME)2",
    fps=30.0,
    subjects=22,
    recordings=98,
    micro=57,
    macro=300,
    workbooks=(
        "CAS(ME)^2code_final.xlsx",
        "CAS(ME)^2code_final(Updated).xlsx",
        "code_final.xlsx",
    ),
    layouts={
        "raw": LongLayout("rawpic", 2),
        "cropped": LongLayout(
            "CAS(ME)2_longVideoFaceCropped/longVideoFaceCropped", 2, cropped=True
        ),
        "cropped-folder": LongLayout("longVideoFaceCropped", 2, cropped=True),
    },
    rows=_casme2_rows,
    video=_casme2_video,
)
_SAMM = LongSpec(
    name="sammlv",
    title="SAMM Long Videos",
    fps=200.0,
    subjects=30,
    recordings=147,
    micro=159,
    macro=343,
    workbooks=tuple(f"SAMM_LongVideos_V{n}_Release.xlsx" for n in (1, 2, 3)),
    layouts={"raw": LongLayout("SAMM_longvideos", 1)},
    rows=_samm_rows,
    video=_samm_video,
    shifts=_SAMM_SHIFTS,
)
LONG_SPECS = dict(zip(LONG_VIDEOS, (_CASME2, _SAMM), strict=True))
