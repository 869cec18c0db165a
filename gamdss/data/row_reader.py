"""Turn one row of a workbook into a clip, or into a fault that says what is wrong with it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unicodedata import normalize

from gamdss.data.action_units import is_date
from gamdss.data.cells import cell_text, frame_number, is_absent, plain_name
from gamdss.data.corrections import correct
from gamdss.data.folders import folded
from gamdss.data.long_rows import expression_type
from gamdss.data.merged_cells import UNMERGE
from gamdss.data.specs import DatasetSpec
from gamdss.data.workbook import Row, Table
from gamdss.records import Clip, KeyFrames

_PLAIN = re.compile(r"[\w-]{1,200}", re.ASCII)  # safe, and found so at once
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|^\.$|\.\.")
_LONGEST = 200  # characters of a name
NO_APEX = "the dataset has no apex: midpoint of onset and offset"


@dataclass(frozen=True)
class Fault:
    """One thing in a dataset that is wrong, was filled in, or differs from the owners' release.

    Args:
        kind: what it is, in the words of `gamdss check`: "missing apex", "duplicate row" ...
        problem: the sentence a user reads, with the value that was found.
        row: the row as a spreadsheet program counts it; 0 for none.
        clip: id of the clip, as far as known.
        stops: whether it prevents training.
        file: the row's own workbook if there are several, or the folder that it stands for.
    """

    kind: str
    problem: str
    row: int = 0
    clip: str = ""
    stops: bool = True
    file: Path | None = None


class RowError(Exception):
    """What is wrong with one row and how to fix it; `args` are the kind and the sentence."""


@dataclass
class RowReader:
    """Turns rows into clips; collects faults, and warnings of what was filled in or left out.

    `unit_faults` are those of action units, which matter only where these are learned.

    Args:
        spec: the dataset's spec.
        table: the table that the rows belong to.
        strict: treat missing apexes, and unknown or doubtful emotions and types, as faults.
        corrections: apply the spec's corrections.
        exact_emotions: accept only the native spelling of emotions.
    """

    spec: DatasetSpec
    table: Table
    strict: bool = False
    corrections: bool = True
    exact_emotions: bool = False
    faults: list[Fault] = field(default_factory=list, init=False)
    warnings: list[Fault] = field(default_factory=list, init=False)
    unit_faults: list[Fault] = field(default_factory=list, init=False)
    _rows: dict[str, Row] = field(default_factory=dict, init=False)
    _subjects: dict[str, str] = field(default_factory=dict, init=False)
    _spellings: dict[str, str] = field(default_factory=dict, init=False)
    _emotions: dict[str, str | None] = field(default_factory=dict, init=False)
    _merged: set[tuple[Path | None, str]] = field(default_factory=set, init=False)
    _clip_id: str = field(default="", init=False)
    _correctable: bool = field(init=False)
    _last: tuple[str, int] = field(default=("", 0), init=False)

    def __post_init__(self) -> None:
        known = bool(self.spec.corrections) or "duration" in self.table.headers
        self._correctable = self.corrections and known

    def read(self, row: Row) -> Clip | None:
        """The row's clip; None if the row is left out or faulty."""
        self._clip_id = cell_text(row.cells.get("clip"))
        if row.merged and self._hides(row):
            return None
        if not self._clip_id and not cell_text(row.cells.get("subject")):
            self._warn("row without a clip", "it has neither a subject nor a clip", row)
            return None
        try:
            return self._clip(row)
        except RowError as fault:
            kind, problem = fault.args
            self.faults.append(Fault(kind, problem, row.number, self._clip_id, file=row.file))
            return None

    def _hides(self, row: Row) -> bool:
        """Whether merged cells hide more of the row than its units; reports each range once."""
        for merged in row.merged:
            columns = " and ".join(self.table.headers[role] for role in merged.roles)
            problem = (
                f"cells {merged.cells} are merged, so {columns} is blank in all but the first of "
                f"them. {UNMERGE}"
            )
            faults = self.unit_faults if merged.roles == ("action_units",) else self.faults
            if (row.file, merged.cells) not in self._merged:
                about = "merged cells", problem, row.number
                faults.append(Fault(*about, file=row.file))
            self._merged.add((row.file, merged.cells))
        return any(merged.roles != ("action_units",) for merged in row.merged)

    def _warn(self, kind: str, problem: str, row: Row, clip: str = "") -> None:
        self.warnings.append(Fault(kind, problem, row.number, clip, stops=False, file=row.file))

    def _clip(self, row: Row) -> Clip | None:
        video = self._name(row.cells, "clip")
        subject = self._subject(row, video)
        name = video
        if self.spec.clip_form != "{clip}":
            onset = cell_text(row.cells.get("onset")).removesuffix(".0")
            name = self.spec.clip_form.format(clip=video, onset=onset)
            if not is_absent(row.cells.get("name")):  # of a copy with other key frames
                name = self._name(row.cells, "name")
        self._clip_id = f"{subject}/{name}"
        if "type" in row.cells and self._has_no_type(row):
            return None
        take = self._take(subject, video)
        cells, alternative = row.cells, None
        changes: tuple[str, ...] = ()
        doubts: Sequence[str] = ()
        if self._correctable:
            done = correct(self.spec, row, self._clip_id, self.table.total)
            cells, changes, alternative = done.cells, tuple(done.applied), done.alternative
            doubts = done.doubts
        emotion = self._emotion(cells["emotion"], row, self._clip_id)
        if emotion is None:
            return None
        first = self._rows.setdefault(self._clip_id.lower(), row)
        if first is not row:
            where = f"row {first.number}" + (f" of {first.file.name}" if first.file else "")
            raise RowError(
                "duplicate row",
                f"clip {name} of subject {subject} is already in {where}. Remove one.",
            )
        for change in changes:
            self._warn("correction", change, row, self._clip_id)
        for doubt in doubts:
            self._warn("doubtful offset", doubt, row, self._clip_id)
        keys = self._key_frames(cells, self._clip_id, row)
        units = cell_text(cells.get("action_units"))
        if len(units) > 5 and is_date(units):
            self._refuse_date(units, row)
        rate = self._rate(cells, self._clip_id) if "fps" in cells else 0.0
        book = row.file.name if self.spec.parts and row.file else ""
        # In the order of the fields, which is faster than by name.
        about = (subject, name, keys, emotion, units, row.number, video, take)
        return Clip(self.spec.name, *about, changes, alternative, rate, book)

    def _has_no_type(self, row: Row) -> bool:
        """Whether the row's type is neither micro nor macro."""
        cell = row.cells["type"]
        if expression_type(cell):
            return False
        problem = f"{self.table.headers['type']} is {cell!r}, neither micro nor macro"
        if self.strict:
            remedy = "Correct the cell, or omit --strict."
            raise RowError("unknown type", f"clip {self._clip_id}: {problem}. {remedy}")
        self._warn("unknown type", problem, row, self._clip_id)
        return True

    def _refuse_date(self, units: str, row: Row) -> None:
        column, date = self.table.headers["action_units"], units.removesuffix(" 00:00:00")
        problem = (
            f"clip {self._clip_id}: {column} is {date!r}, a date, which a spreadsheet program "
            "makes of units such as 4-15. Format the column as text and restore the units."
        )
        about = "date as action units", problem, row.number, self._clip_id
        self.unit_faults.append(Fault(*about, file=row.file))

    def _subject(self, row: Row, clip: str) -> str:
        """The row's subject, as it was spelled first: the same without case, padding, accents."""
        if "subject" in row.cells:
            text = cell_text(row.cells["subject"])
            if text in self._spellings:
                return self._spellings[text]
            subject = self.spec.subject(self._name(row.cells, "subject"))
            spelled = self.spec.subject(text)
        else:
            text = subject = spelled = self._subject_in(clip)
        first = self._subjects.setdefault(folded(subject), subject)
        known = text in self._spellings
        self._spellings[text] = first
        if spelled != first and not known:
            twins = normalize("NFC", spelled) == first  # they look the same
            shown = [ascii(name) if twins else repr(name) for name in (spelled, first)]
            problem = f"{shown[0]} is taken as {shown[1]}"
            self._warn("subject spelled otherwise", problem, row)
        return first

    def _subject_in(self, clip: str) -> str:
        match = re.search(self.spec.subject_in_clip, clip)
        if match is None:
            raise RowError(
                "unknown subject",
                f"{self.table.headers['clip']} is {clip!r}, which does not contain a subject. "
                "Add a subject column.",
            )
        return self.spec.subject(match.group(match.lastindex or 0))

    def _take(self, subject: str, video: str) -> int:
        video = f"{subject}/{video}".lower()
        before, take = self._last
        self._last = (video, take + 1 if video == before else 1)
        return self._last[1]

    def _emotion(self, cell: object, row: Row, clip: str) -> str | None:
        text = cell_text(cell)
        if text not in self._emotions:
            self._emotions[text] = self.spec.emotion(text, self.exact_emotions)
        emotion = self._emotions[text]
        if not text:
            column = self.table.headers["emotion"]
            if self.strict:
                problem = f"clip {clip}: {column} is blank. Fill it in, or omit --strict."
                raise RowError("blank emotion", problem)
            self._warn("blank emotion", f"{column} is blank: left out", row, clip)
        elif emotion is None:
            if self.strict:
                raise RowError(
                    "unknown emotion",
                    f"clip {clip}: unknown emotion {cell!r}. Known are "
                    f"{', '.join(self.spec.emotions.values())}; correct the cell, or omit "
                    "--strict.",
                )
            self._warn("unknown emotion", text, row, clip)
        elif near := self.spec.doubtful.get(emotion):
            if self.strict:
                raise RowError(
                    "doubtful emotion",
                    f"clip {clip}: emotion {cell!r} is like {near!r}. Correct the cell, or omit "
                    "--strict.",
                )
            self._warn("doubtful emotion", f"{text!r} is like {near!r}", row, clip)
        elif "+" not in emotion and text != self.spec.emotions[emotion]:
            self._warn("emotion spelled otherwise", text, row, clip)
        return emotion

    def _key_frames(self, cells: Mapping[str, Any], clip: str, row: Row) -> KeyFrames:
        if row.file is not None and not self.spec.parts and cells["onset"] == "":
            problem = f"clip {clip}: its folder has no frame. Unpack its frames, or remove it."
            raise RowError("clip without frames", problem)
        onset = self._frame(cells, "onset", clip)
        offset = self._frame(cells, "offset", clip)
        if onset is None or offset is None:
            role = "onset" if onset is None else "offset"
            column = self.table.headers[role]
            problem = f"clip {clip}: {column} is missing. Fill in the frame number."
            raise RowError(f"missing {role}", problem)
        if onset >= offset:
            kind = "zero-length clip" if onset == offset else "onset after offset"
            raise RowError(kind, f"clip {clip}: {kind} ({onset} to {offset}). Correct the row.")
        middle = (onset + offset) // 2
        if "apex" not in cells:
            return KeyFrames(onset, middle, offset, (NO_APEX,), estimated=("apex",))
        apex = self._frame(cells, "apex", clip)
        if apex is None:
            self._missing_apex(cells["apex"], clip, row)
            note = "apex missing in the workbook: midpoint of onset and offset"
            return KeyFrames(onset, middle, offset, (note,), estimated=("apex",))
        if not onset <= apex <= offset:
            kind = "onset after apex" if apex < onset else "apex after offset"
            raise RowError(
                "apex outside the clip",
                f"clip {clip}: {kind} (onset {onset}, apex {apex}, offset {offset}). "
                "Correct the row.",
            )
        return KeyFrames(onset, apex, offset)

    def _missing_apex(self, cell: object, clip: str, row: Row) -> None:
        if self.strict:
            raise RowError(
                "missing apex",
                f"clip {clip}: {self.table.headers['apex']} is missing ({cell!r}). Fill it in, or "
                "omit --strict to use the midpoint.",
            )
        self._warn("missing apex", repr(cell), row, clip)

    def _name(self, cells: Mapping[str, Any], role: str) -> str:
        column, text = self.table.headers[role], plain_name(cell_text(cells[role]))
        if not text:
            problem = f"{column} is blank. Fill it in, or remove the row."
            raise RowError(f"missing {role}", problem)
        if not _PLAIN.fullmatch(text) and (_UNSAFE.search(text) or len(text) > _LONGEST):
            raise RowError(
                f"unusable {role}",
                f"{column} is {text[:_LONGEST]!r}, which contains '..', a path separator or a "
                f"control character, or is longer than {_LONGEST} characters. It must be a plain "
                "folder name.",
            )
        return text

    def _frame(self, cells: Mapping[str, Any], role: str, clip: str) -> int | None:
        """A frame number; None if the cell is blank or has another mark of absence."""
        cell = cells[role]
        number = frame_number(cell)
        if number is None and not is_absent(cell):
            column = self.table.headers[role]
            raise RowError(
                "no frame number",
                f"clip {clip}: {column} is {_shown(cell)}. It must be a non-negative integer"
                + (", or blank if it is unknown." if role == "apex" else "."),
            )
        return number

    def _rate(self, cells: Mapping[str, Any], clip: str) -> float:
        """The clip's frames per second; 0 if unknown."""
        cell = cells.get("fps")
        if cell is None or is_absent(cell):
            return 0.0
        try:
            rate = math.nan if isinstance(cell, bool) else float(cell_text(cell))
        except ValueError:
            rate = math.nan
        if not 1 <= rate <= 100_000:
            column = self.table.headers["fps"]
            raise RowError(
                "no frame rate",
                f"clip {clip}: {column} is {_shown(cell)}. It must be frames per second, such as "
                "200, or blank if it is unknown.",
            )
        return rate


def _shown(cell: object) -> str:
    return repr(cell) if isinstance(cell, str) else str(cell)
