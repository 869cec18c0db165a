"""Made clips under a dataset's own names and numbers, and the workbook that lists them."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl

from gamdss.data.specs import DatasetSpec
from gamdss.records import Clip, KeyFrames
from gamdss.synthetic.clip import MadeClip

# Clips of one video lie as many frames apart.
_APART = 1000
_LEAD = "Notes of the coders: all frame numbers are those of the original video."


@dataclass(frozen=True)
class Plan:
    """One clip to be made: the number of its subject from 1, its index from 0."""

    subject: int
    index: int
    emotion: str
    seed: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class MadeRow:
    """A made clip, and the clip that a reader of the workbook should find."""

    plan: Plan
    made: MadeClip
    clip: Clip


def made_row(spec: DatasetSpec, plan: Plan, made: MadeClip) -> MadeRow:
    """Number and name a drawn clip as the dataset does."""
    form = spec.writing
    video, take = divmod(plan.index, form.clips_per_video)
    first = int(made.course.numbers[0])
    made = _moved(made, 1 - first if form.from_one else take * _APART)
    cell = form.clip.format(
        number=plan.subject,
        take=take + 1,
        n=video + 1 if form.clips_per_video > 1 else plan.index + 1,
        letter=chr(ord("a") + video % 26),
        code=form.codes.get(plan.emotion, plan.emotion),
    )
    clip = Clip(
        dataset=spec.name,
        subject=spec.subject(form.subject.format(number=plan.subject)),
        name=spec.clip_form.format(clip=cell, onset=made.annotated.onset),
        annotated=made.annotated,
        emotion=plan.emotion,
        action_units=str(made.expression.code),
        video=cell,
        take=take + 1,
    )
    return MadeRow(plan, made, clip)


def _moved(made: MadeClip, by: int) -> MadeClip:
    """The clip with all frame numbers shifted."""

    def keys(before: KeyFrames) -> KeyFrames:
        onset, apex, offset = (number + by for number in before.numbers)
        return KeyFrames(onset, apex, offset)

    course = replace(made.course, numbers=made.course.numbers + by, true=keys(made.course.true))
    return replace(made, course=course, annotated=keys(made.annotated))


def table(spec: DatasetSpec, rows: list[MadeRow]) -> list[list[Any]]:
    """What the annotator wrote: the lines of the sheet, the header last of the leading ones."""
    roles = {name.lower(): role for role, names in spec.columns.items() for name in names}
    lines: list[list[Any]] = [[_LEAD] for _ in range(spec.writing.lead)]
    lines.append(list(spec.header))
    for row in rows:
        cells = _cells(spec, row)
        native = [cells.get(roles.get((name or "").lower(), "")) for name in spec.header]
        if spec.writing.text:
            native = [None if cell is None else str(cell) for cell in native]
        lines.append(native)
    return lines


def _cells(spec: DatasetSpec, row: MadeRow) -> dict[str, Any]:
    subject = spec.writing.subject.format(number=row.plan.subject)
    name = row.clip.video
    onset, apex, offset = row.clip.annotated.numbers
    return {
        "subject": int(subject) if subject == str(row.plan.subject) else subject,
        "clip": int(name) if name.isdigit() else name,
        "onset": onset,
        "apex": apex,
        "offset": offset,
        "duration": offset - onset + 1,
        "emotion": spec.emotions[row.clip.emotion],
        "action_units": row.made.expression.code,
    }


def column(spec: DatasetSpec, role: str) -> int | None:
    """Which column of the native header plays a role; None if none does."""
    names = {name.lower() for name in spec.columns.get(role, ())}
    found = [i for i, name in enumerate(spec.header) if (name or "").lower() in names]
    return found[0] if found else None


def write_table(root: Path, spec: DatasetSpec, lines: list[list[Any]]) -> None:
    """Write the lines as the workbook that a reader looks for first."""
    path = root / (spec.workbooks[0] if spec.workbooks else f"{spec.name}.xlsx")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
        return
    book = openpyxl.Workbook()
    book.active.title = spec.writing.sheet
    for line in lines:
        book.active.append(line)
    book.save(path)
