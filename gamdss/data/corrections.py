"""Known mistakes of the workbooks, corrected only in cells that are missing or invalid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gamdss.data.cells import frame_number
from gamdss.data.specs import Correction, DatasetSpec
from gamdss.data.workbook import Row
from gamdss.records import KEYS, KeyFrames


@dataclass
class Corrected:
    """A row's cells after correction, and the changes.

    `alternative` has the key frames of a correction that was not applied because the row is valid;
    `doubts` say what does not fit in a valid row.
    """

    cells: Mapping[str, Any]
    applied: list[str] = field(default_factory=list)
    alternative: KeyFrames | None = None
    doubts: list[str] = field(default_factory=list)


def correct(spec: DatasetSpec, row: Row, clip: str, total: int) -> Corrected:
    """Apply the spec's corrections of this row.

    One is applied as a whole if one of its cells is missing, outside the clip, or has the wrong
    value that the correction names, and only if the key frames are in order afterwards.

    Args:
        spec: the dataset's spec.
        row: the row as read.
        clip: id of the clip.
        total: number of rows of the table; corrections by row index apply to one size only.
    """
    result = Corrected(row.cells)
    for correction in spec.corrections:
        if not _is_meant(spec, correction, row, clip, total):
            continue
        changed = {**result.cells, **correction.values}
        if not _in_order(changed) or _same(result.cells, changed):
            continue
        was_known = correction.was and _same(result.cells, correction.was)
        if was_known or any(_at_fault(result.cells, role) for role in correction.values):
            for role, value in correction.values.items():
                _note(result, role, value, correction.source)
            result.cells = changed
        elif any(role in KEYS for role in correction.values):
            note = f"known correction ({correction.source}): the annotated frames do not exist"
            result.alternative = _key_frames(changed, note)
    _trust_duration(result)
    return result


def _is_meant(spec: DatasetSpec, correction: Correction, row: Row, clip: str, total: int) -> bool:
    if correction.clip is not None:
        return correction.clip.lower() == clip.lower()
    if correction.row != row.index or correction.rows != total:
        return False
    for role, value in correction.where.items():
        cell = row.cells.get(role, "")
        pair = _text(cell), _text(value)
        if role == "subject":
            pair = spec.subject(cell), spec.subject(value)
        if pair[0] != pair[1]:
            return False
    return True


def _text(cell: object) -> str:
    number = frame_number(cell)
    return "".join(str(cell).split()).lower() if number is None else str(number)


def _same(cells: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return all(_text(cells.get(role, "")) == _text(value) for role, value in values.items())


def _numbers(cells: Mapping[str, Any]) -> tuple[int | None, ...]:
    return tuple(frame_number(cells.get(role, "")) for role in KEYS)


def _in_order(cells: Mapping[str, Any]) -> bool:
    known = [number for number in _numbers(cells) if number is not None]
    onset, _, offset = _numbers(cells)
    return known == sorted(known) and onset is not None and offset is not None and onset < offset


def _at_fault(cells: Mapping[str, Any], role: str) -> bool:
    """Whether a key frame is missing or outside the clip."""
    if role not in KEYS:
        return False
    if frame_number(cells.get(role, "")) is None:
        return True
    onset, apex, offset = _numbers(cells)
    if role == "apex":
        bounds = None not in (onset, offset)
        return bounds and not (onset or 0) <= (apex or 0) <= (offset or 0)
    return not _in_order(cells)


def _key_frames(cells: Mapping[str, Any], note: str) -> KeyFrames:
    onset, apex, offset = _numbers(cells)
    assert onset is not None
    assert offset is not None
    if apex is None:
        return KeyFrames(onset, (onset + offset) // 2, offset, (note,), estimated=("apex",))
    return KeyFrames(onset, apex, offset, (note,))


def _trust_duration(result: Corrected) -> None:
    """Correct an offset that is not onset + duration - 1, as SAMM has 5793 for 5739.

    One that is in order is kept if its frame exists: the duration may be the wrong cell.
    """
    if "duration" not in result.cells:
        return
    duration = frame_number(result.cells["duration"])
    onset, apex, offset = _numbers(result.cells) if duration else (None, None, None)
    if onset is None or not duration:
        return
    right = onset + duration - 1
    sound = onset < right and (apex is None or onset <= apex <= right)
    if right == offset or not sound:
        return
    changed, source = {**result.cells, "offset": right}, f"the sheet's duration is {duration}"
    if _in_order(result.cells):
        result.doubts.append(f"offset {offset} is not onset + duration - 1, which is {right}")
        result.alternative = result.alternative or _key_frames(changed, source)
        return
    _note(result, "offset", right, source)
    result.cells = changed


def _note(result: Corrected, role: str, value: object, source: str) -> None:
    before = result.cells.get(role, "")
    if _text(before) != _text(value):
        result.applied.append(f"{role} {str(before).strip() or 'blank'} -> {value} ({source})")
