"""A plain table as a dataset: `subject,clip,onset,offset,emotion[,apex][,action_units][,fps]`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gamdss.data.cells import cell_text, is_absent
from gamdss.data.sheets import (
    CLIP_NAME,
    collector_paused,
    column_positions,
    find_header,
    read_sheets,
    table_file,
    table_kind,
)
from gamdss.data.specs.spec import SYNONYMS, DatasetSpec, Layout, Task, Writing
from gamdss.errors import AnnotationError, ConfigError

PLAIN = "csv"
PATTERN = "{subject}/{clip}/{frame}.jpg"
_COLUMNS = {
    "subject": ("subject",),
    "clip": ("clip", "filename"),
    "onset": ("onset",),
    "apex": ("apex",),
    "offset": ("offset",),
    "emotion": ("emotion",),
    "action_units": ("action_units", "au", "aus"),
    "fps": ("fps",),
}
_FORM = f"{','.join(_COLUMNS)} (apex, action_units and fps are optional)"
VALENCE = {
    "happiness": "positive",
    "positive": "positive",
    "surprise": "surprise",
    **dict.fromkeys(
        ("anger", "contempt", "disgust", "fear", "negative", "repression", "sadness"), "negative"
    ),
}
_SIMILAR = 0.8  # of difflib, between an emotion and the one that it may be meant for


@collector_paused()
def plain_spec(annotations: str | Path | None, data_root: str | Path | None) -> DatasetSpec:
    """The spec that follows from the emotions in a table, as `get_spec` is given it.

    If a clip has several expressions, a row each, clips are named `clip_onset`.

    Its tasks are `cN`, one class for each of its N emotions in alphabetical order, and `c3`
    (positive, surprise, negative) if the emotions allow it and are not three. `notes` says which
    of the two `c3` is.

    Raises:
        ConfigError: no table is given.
        AnnotationError: the table cannot be read, lacks a column, has fewer than two emotions, or
            a row has cells beyond the header.
    """
    if annotations is None:
        raise ConfigError(
            "--dataset csv needs a table of clips",
            remedy=f"Give it with --annotations FILE: {_FORM}.",
        )
    file = table_file(annotations, data_root)
    positions, lines = _read(file)
    emotions = sorted({text for line in lines if (text := _label(line[positions["emotion"]]))})
    absent = {"apex", "action_units"} - set(positions)
    columns = {role: names for role, names in _COLUMNS.items() if role not in absent}
    folder, _, frame = PATTERN.rpartition("/")
    several = _has_several(positions, lines)
    spec = DatasetSpec(
        name=PLAIN,
        title=file.stem,
        columns=columns,
        layouts={"pattern": Layout((folder,), frame)},
        emotions={name: name for name in (*VALENCE, "others")},
        tasks={},
        clip_form="{clip}_{onset}" if several else "{clip}",
        writing=Writing(tuple(_COLUMNS)),
    )
    native = {spec.emotion(text) or text.lower(): text for text in emotions}
    names = sorted(native)
    if len(names) < 2:
        raise AnnotationError(
            f"the table has {len(names)} emotion(s) ({', '.join(names)})",
            file=file,
            remedy="A task needs at least two emotions, in the column `emotion`.",
        )
    tasks = {f"c{len(names)}": Task(tuple(names), {name: name for name in names})}
    valence = {name: VALENCE[name] for name in names if name in VALENCE}
    if len(set(valence.values())) == 3:
        tasks.setdefault("c3", Task(("positive", "surprise", "negative"), valence))
    notes = tuple(_meaning(tasks["c3"])) if "c3" in tasks else ()
    return replace(
        spec, emotions=native, tasks=tasks, notes=notes, doubtful=dict(_misspelled(names))
    )


def _label(cell: Any) -> str:
    """An emotion; blank for a mark that there is none, except for the word `none`."""
    text = cell_text(cell)
    return "" if is_absent(cell) and text.lower() != "none" else text


def _meaning(task: Task) -> Iterator[str]:
    """Which of its two meanings the task `c3` has."""
    if set(task.emotions) == set(task.classes):
        yield f"c3 has a class for each emotion of the table: {', '.join(task.classes)}"
        return
    groups = (
        f"{name} ({', '.join(e for e, of in task.emotions.items() if of == name)})"
        for name in task.classes
    )
    yield f"c3 groups the emotions of the table: {', '.join(groups)}"


def _misspelled(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Emotions that are like a known one but not it, each with that one."""
    known = {name: name for name in (*VALENCE, "others")} | SYNONYMS
    for name in names:
        if name not in known and name.isalpha():
            for near in get_close_matches(name, known, n=1, cutoff=_SIMILAR):
                yield name, known[near]


def _read(file: Path) -> tuple[dict[str, int], list[list[Any]]]:
    """Positions of the columns by role, and the lines below the header."""
    sheets = read_sheets(file, again=True)
    sheet, line = find_header(file, sheets, _COLUMNS)
    lines = sheets.get(sheet, [])
    columns = {**_COLUMNS, "name": (CLIP_NAME,)}
    positions = column_positions(columns, lines[line]) if lines else {}
    if "emotion" not in positions:
        raise AnnotationError(
            "the table has no column 'emotion'",
            file=file,
            row=line + 1,
            remedy=f"Its first line must be {_FORM}.",
        )
    if table_kind(file) == "csv":
        _refuse_surplus(file, lines, line)
    return positions, [cells for cells in lines[line + 1 :] if any(cells)]


def _refuse_surplus(file: Path, lines: list[list[Any]], header: int) -> None:
    """Raise AnnotationError if a row of a CSV file has more cells than its header."""
    width = max(place for place, cell in enumerate(lines[header], start=1) if cell.strip())
    surplus = [
        (row, next(cell for cell in cells[width:] if cell.strip()))
        for row, cells in enumerate(lines[header + 1 :], start=header + 2)
        if len(cells) > width and "".join(cells[width:]).strip()
    ]
    if surplus:
        row, value = surplus[0]
        more = f" {len(surplus) - 1} further row(s) have such cells." if len(surplus) > 1 else ""
        raise AnnotationError(
            f"{value.strip()!r} lies beyond the {width} columns of the header",
            file=file,
            row=row,
            remedy="Quote a cell that contains the delimiter; remove a surplus cell, or give its "
            f"column a header.{more}",
        )


def _has_several(positions: dict[str, int], lines: list[list[Any]]) -> bool:
    """Whether a clip has several expressions: rows of one subject and clip with other onsets.

    A copy with other key frames names the clips of a table that had several.
    """
    if "name" in positions:
        return True
    if not {"subject", "clip", "onset"} <= set(positions):
        return False
    roles = ("subject", "clip", "onset")
    columns = [[cell_text(line[positions[role]]) for line in lines] for role in roles]
    if len(set(columns[1])) == len(lines):
        return False
    rows = {row for row in zip(*columns, strict=True) if row[0] and row[1]}
    return len({row[:2] for row in rows}) < len(rows)
