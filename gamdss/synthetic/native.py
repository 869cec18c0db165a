"""Synthetic clips under a dataset's own names and numbers, and the workbook that lists them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl

from gamdss.data.sheets import CLIP_NAME
from gamdss.data.specs import DatasetSpec
from gamdss.errors import ConfigError
from gamdss.files import inside
from gamdss.records import Clip, KeyFrames
from gamdss.synthetic.casme2 import write_casme2_workbook
from gamdss.synthetic.clip import SyntheticClip

_SPACING = 1000  # frames from one clip of a video to the next
_LEAD = "Notes of the coders: all frame numbers are those of the original video."


@dataclass(frozen=True)
class ClipPlan:
    """A clip to draw: its subject's number from 1, its index within the subject from 0."""

    subject: int
    index: int
    emotion: str
    seed: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class WorkbookRow:
    """A synthetic clip, and the clip that a reader of the workbook should find."""

    plan: ClipPlan
    drawn: SyntheticClip
    clip: Clip


def workbook_row(
    spec: DatasetSpec, plan: ClipPlan, drawn: SyntheticClip, fps: float
) -> WorkbookRow:
    """Number and name a clip as the dataset does."""
    form = spec.writing
    name, take = _name(spec, plan)
    first = int(drawn.course.numbers[0])
    drawn = _renumbered(drawn, 1 - first if form.from_one else (take - 1) * _SPACING)
    clip = Clip(
        dataset=spec.name,
        subject=spec.subject(form.subject.format(number=plan.subject)),
        name=spec.clip_form.format(clip=name, onset=drawn.annotated.onset),
        annotated=drawn.annotated,
        emotion=plan.emotion,
        action_units=str(drawn.expression.code),
        video=name,
        take=take,
        fps=fps if "fps" in spec.columns else 0.0,
    )
    return WorkbookRow(plan, drawn, clip)


def check_names(spec: DatasetSpec, plans: Sequence[ClipPlan]) -> None:
    """Refuse more clips of a subject than the dataset has names for.

    Raises:
        ConfigError: two clips would have the same name, and so share folder and frame numbers.
    """
    named: dict[tuple[str, int], int] = {}
    for number, plan in enumerate(plans, 1):
        first = named.setdefault(_name(spec, plan), number)
        if first != number:
            raise ConfigError(
                f"--clips-per-subject is {len(plans)}, but clip {number} of a subject would have "
                f"the name of clip {first}",
                remedy=f"{spec.name} has names for {number - 1} clips per subject.",
            )


def _name(spec: DatasetSpec, plan: ClipPlan) -> tuple[str, int]:
    """The cell that names a clip or its video, and the clip's number in the video, from 1."""
    form = spec.writing
    video, take = divmod(plan.index, form.clips_per_video)
    name = form.clip.format(
        number=plan.subject,
        take=take + 1,
        n=video + 1 if form.clips_per_video > 1 else plan.index + 1,
        letter=chr(ord("a") + video % 26),
        code=form.codes.get(plan.emotion, plan.emotion),
        video=form.videos.get(video + 1, f"{video + 1:04d}"),
    )
    return name, take + 1


def _renumbered(drawn: SyntheticClip, by: int) -> SyntheticClip:
    """The clip with all frame numbers shifted."""

    def shifted(keys: KeyFrames) -> KeyFrames:
        return KeyFrames(keys.onset + by, keys.apex + by, keys.offset + by)

    numbers = drawn.course.numbers + by
    course = replace(drawn.course, numbers=numbers, true=shifted(drawn.course.true))
    return replace(drawn, course=course, annotated=shifted(drawn.annotated))


def sheet_lines(spec: DatasetSpec, rows: Sequence[WorkbookRow]) -> list[list[Any]]:
    """The lines of the sheet: notes that the dataset has above the header, the header, the rows."""
    roles = {name.lower(): role for role, names in spec.columns.items() for name in names}
    lines: list[list[Any]] = [[_LEAD] for _ in range(spec.writing.lead)]
    if spec.writing.lead >= 0:
        lines.append(list(spec.header))
    for row in rows:
        values = _values(spec, row)
        native = [values.get(roles.get((name or "").lower(), "")) for name in spec.header]
        if spec.writing.text:
            native = [None if value is None else str(value) for value in native]
        lines.append(native)
    return lines


def named_lines(spec: DatasetSpec, rows: Sequence[WorkbookRow]) -> list[list[Any]]:
    """Those of other key frames: with names of clips if the original onset is a part of them."""
    lines = sheet_lines(spec, rows)
    if spec.named_by_onset and spec.writing.lead >= 0:
        names = [CLIP_NAME, *(row.clip.name for row in rows)]
        for line, name in zip(lines[spec.writing.lead :], names, strict=True):
            line.append(name)
    return lines


def _values(spec: DatasetSpec, row: WorkbookRow) -> dict[str, Any]:
    """A row's values by role."""
    subject = spec.writing.subject.format(number=row.plan.subject)
    name = row.clip.video
    onset, apex, offset = row.clip.annotated.numbers
    return {
        "subject": int(subject) if subject == str(row.plan.subject) else subject,
        "clip": int(name) if name.isdecimal() else name,
        "onset": onset,
        "apex": apex,
        "offset": offset,
        "duration": offset - onset + 1,
        "emotion": spec.emotions[row.clip.emotion],
        "action_units": row.drawn.expression.code,
        "fps": row.clip.fps,
    }


def column(spec: DatasetSpec, role: str) -> int | None:
    """Index of the native header's column with a role; None if there is none."""
    names = {name.lower() for name in spec.columns.get(role, ())}
    found = [i for i, name in enumerate(spec.header) if (name or "").lower() in names]
    return found[0] if found else None


def write_workbook(root: Path, spec: DatasetSpec, lines: list[list[Any]]) -> None:
    """Write the lines as the workbook that a reader looks for first."""
    name = spec.workbooks[0] if spec.workbooks else f"{spec.name}.xlsx"
    path = inside(root, name, "the workbook")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".csv":
        write_lines(path, lines)
        return
    if spec.form == "casme2":
        write_casme2_workbook(
            path,
            [(f"s{line[0]}", f"{line[1]:04d}", [*line, "micro-expression"]) for line in lines],
        )
        return
    book = openpyxl.Workbook()
    book.active.title = spec.writing.sheet
    for line in lines:
        book.active.append(line)
    book.save(path)


def write_lines(path: Path, lines: Iterable[Sequence[Any]]) -> None:
    """Write lines as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
