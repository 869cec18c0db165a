"""A dataset's workbook -> clips with labels, every bad cell named."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gamdss.data.specs import DatasetSpec
from gamdss.data.workbook import Row, read_rows
from gamdss.errors import AnnotationError
from gamdss.records import Clip, KeyFrames

_UNSAFE = re.compile(r"[/\\\x00]|^\.{1,2}$|\.\.")
_SHOWN = 10


@dataclass(frozen=True)
class Annotations:
    """The clips of a task, in the workbook's order.

    `labels[i]` is the class index of `clips[i]`; `warnings` says what was mended or left out.
    """

    workbook: Path
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    labels: tuple[int, ...]
    warnings: tuple[str, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects who have a clip of the task, sorted."""
        return tuple(sorted({clip.subject for clip in self.clips}))


class _RowError(Exception):
    """What is wrong with one row, and what to do."""


def read_annotations(
    spec: DatasetSpec, workbook: Path, task: str, strict: bool = False
) -> Annotations:
    """Read the clips of `task`.

    A missing apex (blank, "/", text) becomes the midpoint of onset and offset, and a row with an
    unknown emotion is left out, each with a warning that counts them; `strict` refuses both.

    Raises:
        AnnotationError: names the file, the first bad row, its value and the remedy, and lists
            further bad rows.
    """
    wanted = spec.task(task)
    reader = _RowReader(spec, strict)
    clips = [reader.read(row) for row in read_rows(spec, workbook)]
    reader.raise_faults(workbook)
    labelled = [(c, wanted.label(c.emotion)) for c in clips if c is not None]
    chosen = [(clip, label) for clip, label in labelled if label is not None]
    if not chosen:
        raise AnnotationError(
            f"no row has an emotion of task {task!r} ({', '.join(wanted.emotions)})",
            file=workbook,
            remedy="Check the emotion column, or choose another task with --task.",
        )
    return Annotations(
        workbook=workbook,
        classes=wanted.classes,
        clips=tuple(clip for clip, _ in chosen),
        labels=tuple(label for _, label in chosen),
        warnings=reader.warnings(len(labelled) - len(chosen), task),
    )


class _RowReader:
    """Turns rows into clips and collects what is wrong with them."""

    def __init__(self, spec: DatasetSpec, strict: bool) -> None:
        self.spec = spec
        self.strict = strict
        self.faults: list[tuple[int, str]] = []
        self.midpoints: list[str] = []
        self.unknown: Counter[str] = Counter()
        self.rows: dict[tuple[str, str], int] = {}

    def read(self, row: Row) -> Clip | None:
        """The row's clip; None if the row is left out or at fault."""
        try:
            return self._clip(row)
        except _RowError as fault:
            self.faults.append((row.number, str(fault)))
            return None

    def _clip(self, row: Row) -> Clip | None:
        subject = self.spec.subject(_name(row.subject, self.spec.columns.subject))
        name = _name(row.clip, self.spec.columns.clip)
        emotion = str(row.emotion).strip().lower()
        if emotion not in self.spec.emotions:
            if self.strict:
                raise _RowError(
                    f"clip {name}: unknown emotion {row.emotion!r}. Known are "
                    f"{', '.join(self.spec.emotions)}; mend the cell, or leave out --strict."
                )
            self.unknown[str(row.emotion).strip()] += 1
            return None
        first = self.rows.setdefault((subject.lower(), name.lower()), row.number)
        if first != row.number:
            raise _RowError(
                f"clip {name} of subject {subject} is in row {first} already. Remove one."
            )
        return Clip(
            dataset=self.spec.name,
            subject=subject,
            name=name,
            annotated=self._key_frames(row, f"{subject}/{name}"),
            emotion=emotion,
            action_units=str(row.action_units).strip(),
            row=row.number,
        )

    def _key_frames(self, row: Row, clip: str) -> KeyFrames:
        columns = self.spec.columns
        onset = _frame(row.onset, columns.onset, clip)
        offset = _frame(row.offset, columns.offset, clip)
        apex = _frame(row.apex, columns.apex, clip)
        for value, column in ((onset, columns.onset), (offset, columns.offset)):
            if value is None:
                raise _RowError(f"clip {clip}: {column} is missing. Fill in the frame number.")
        assert onset is not None
        assert offset is not None
        if onset >= offset:
            kind = "zero-length clip" if onset == offset else "onset after offset"
            raise _RowError(f"clip {clip}: {kind} ({onset} to {offset}). Correct the row.")
        if apex is None:
            if self.strict:
                raise _RowError(
                    f"clip {clip}: {columns.apex} is missing ({row.apex!r}). Fill it in, or leave "
                    "out --strict to use the midpoint."
                )
            self.midpoints.append(f"{clip} (row {row.number}: {row.apex!r})")
            note = "apex missing in the workbook: midpoint of onset and offset"
            return KeyFrames(onset, (onset + offset) // 2, offset, (note,))
        if not onset <= apex <= offset:
            kind = "onset after apex" if apex < onset else "apex after offset"
            raise _RowError(
                f"clip {clip}: {kind} (onset {onset}, apex {apex}, offset {offset}). "
                "Correct the row."
            )
        return KeyFrames(onset, apex, offset)

    def raise_faults(self, workbook: Path) -> None:
        """One error for all bad rows: the first in full, the next ones below it."""
        if not self.faults:
            return
        row, first = self.faults[0]
        more = [f"row {number}: {fault}" for number, fault in self.faults[1:_SHOWN]]
        hidden = len(self.faults) - 1 - len(more)
        if hidden > 0:
            more.append(f"and {hidden} more rows")
        raise AnnotationError(first, file=workbook, row=row, remedy="\n".join(more))

    def warnings(self, outside: int, task: str) -> tuple[str, ...]:
        """What was mended or left out, a line each."""
        lines = []
        if self.midpoints:
            lines.append(
                f"{len(self.midpoints)} missing apex(es) filled by the midpoint of onset and "
                f"offset: {_some(self.midpoints)}"
            )
        if self.unknown:
            kinds = _some([f"{name!r} ({count})" for name, count in self.unknown.items()])
            lines.append(f"{self.unknown.total()} row(s) with unknown emotion left out: {kinds}")
        if outside:
            lines.append(f"{outside} clip(s) have an emotion that task {task} leaves out")
        return tuple(lines)


def _some(items: list[str]) -> str:
    hidden = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")


def _name(cell: object, column: str) -> str:
    text = str(cell).strip()
    if not text:
        raise _RowError(f"{column} is blank. Fill it in, or remove the row.")
    if _UNSAFE.search(text):
        raise _RowError(
            f"{column} is {text!r}, which has '..' or a path separator. "
            "It must be the plain name of a folder."
        )
    return text


def _frame(cell: object, column: str, clip: str) -> int | None:
    """A frame number; None where the cell is blank, "/" or other text."""
    try:
        value = float(str(cell).strip())
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    if value != int(value) or value < 0:
        raise _RowError(f"clip {clip}: {column} is {cell!r}. It must be a whole frame number.")
    return int(value)
