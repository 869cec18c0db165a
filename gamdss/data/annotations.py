"""A dataset's workbook -> clips with labels, every bad cell named."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.data.faults import Fault
from gamdss.data.row_reader import RowReader
from gamdss.data.specs import DatasetSpec
from gamdss.data.tree import read_tree
from gamdss.data.workbook import Table, read_table
from gamdss.errors import AnnotationError
from gamdss.files import write_atomic
from gamdss.records import Clip

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


@dataclass(frozen=True)
class Scan:
    """A whole workbook, whatever the task: sound clips, faulty rows, what was mended."""

    table: Table
    clips: tuple[Clip, ...]
    faults: tuple[Fault, ...]
    mended: tuple[Fault, ...]


def scan_annotations(
    spec: DatasetSpec,
    workbook: Path,
    strict: bool = False,
    corrections: bool = True,
    exact_emotions: bool = False,
) -> Scan:
    """Read every row and collect all that is wrong, without stopping at it.

    Raises:
        AnnotationError: not a readable workbook, or a column is missing.
    """
    table = read_tree(spec, workbook) if workbook.is_dir() else read_table(spec, workbook)
    reader = RowReader(spec, table, strict, corrections, exact_emotions)
    clips = [reader.read(row) for row in table.rows]
    sound = tuple(clip for clip in clips if clip is not None)
    return Scan(table, sound, tuple(reader.faults), tuple(reader.mended))


def read_annotations(
    spec: DatasetSpec,
    workbook: Path,
    task: str,
    strict: bool = False,
    corrections: bool = True,
    exact_emotions: bool = False,
) -> Annotations:
    """Read the clips of `task`.

    A missing apex (blank, "/", text) becomes the midpoint of onset and offset, and a row with an
    unknown emotion is left out, each with a warning that counts them; `strict` refuses both.

    Args:
        spec: the dataset's spec.
        workbook: the file, or the dataset's root where its folders stand for one.
        task: one of the spec's tasks.
        strict: refuse what is otherwise mended.
        corrections: mend the workbook's known mistakes, where a cell is at fault.
        exact_emotions: take emotions in their native spelling only.

    Raises:
        AnnotationError: names the file, the first bad row, its value and the remedy, and lists
            further bad rows.
    """
    wanted = spec.task(task)
    scan = scan_annotations(spec, workbook, strict, corrections, exact_emotions)
    _raise_faults(scan.faults, workbook)
    labelled = [(clip, wanted.label(clip.emotion)) for clip in scan.clips]
    chosen = [(clip, label) for clip, label in labelled if label is not None]
    if not chosen:
        raise AnnotationError(
            f"no row has an emotion of task {task!r} ({', '.join(wanted.emotions)})",
            file=workbook,
            remedy="Check the emotion column, or choose another task with --task.",
        )
    warnings = _warnings(scan.mended)
    outside = len(labelled) - len(chosen)
    if outside:
        warnings.append(f"{outside} clip(s) have an emotion that task {task} leaves out")
    return Annotations(
        workbook=workbook,
        classes=wanted.classes,
        clips=tuple(clip for clip, _ in chosen),
        labels=tuple(label for _, label in chosen),
        warnings=tuple(warnings),
    )


def _raise_faults(faults: Sequence[Fault], workbook: Path) -> None:
    """One error for all bad rows: the first in full, the next ones below it."""
    if not faults:
        return
    more = [f"row {fault.row}: {fault.problem}" for fault in faults[1:_SHOWN]]
    hidden = len(faults) - 1 - len(more)
    if hidden > 0:
        more.append(f"and {hidden} more rows")
    first = faults[0]
    raise AnnotationError(first.problem, file=workbook, row=first.row, remedy="\n".join(more))


def _warnings(mended: Sequence[Fault]) -> list[str]:
    """What was mended or left out, a line for each kind."""
    kinds: dict[str, list[Fault]] = {}
    for fault in mended:
        kinds.setdefault(fault.kind, []).append(fault)
    lines = []
    if corrected := kinds.get("correction"):
        shown = "; ".join(f"{f.clip} (row {f.row}): {f.problem}" for f in corrected)
        lines.append(f"{len(corrected)} known mistake(s) corrected: {shown}")
    if missing := kinds.get("missing apex"):
        shown = _some([f"{f.clip} (row {f.row}: {f.problem})" for f in missing])
        lines.append(
            f"{len(missing)} missing apex(es) filled by the midpoint of onset and offset: {shown}"
        )
    if unknown := kinds.get("unknown emotion"):
        counts = Counter(fault.problem for fault in unknown)
        shown = _some([f"{name!r} ({count})" for name, count in counts.items()])
        lines.append(f"{len(unknown)} row(s) with unknown emotion left out: {shown}")
    if without := kinds.get("row without a clip"):
        shown = _some([f"row {fault.row}" for fault in without])
        lines.append(f"{len(without)} row(s) name neither subject nor clip, left out: {shown}")
    return lines


def _some(items: list[str]) -> str:
    hidden = len(items) - _SHOWN
    return ", ".join(items[:_SHOWN]) + (f" and {hidden} more" if hidden > 0 else "")


def write_annotations(path: Path, clips: Sequence[Clip]) -> None:
    """Write `annotations.csv`: every clip as it was read, and what was corrected in it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    keys = ("onset", "apex", "offset")
    writer.writerow(
        ("subject", "clip", "row", "emotion", "action_units", *keys, "correction", "notes")
    )
    for clip in clips:
        about = (clip.subject, clip.name, clip.row, clip.emotion, clip.action_units)
        done = "; ".join(clip.corrections)
        writer.writerow((*about, *clip.annotated.numbers, done, "; ".join(clip.annotated.notes)))
    write_atomic(path, lambda target: target.write_text(text.getvalue(), encoding="utf-8"))
