"""Read a dataset's workbook into clips with labels; errors name every bad cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from gamdss.data.action_units import parse_action_units, unit_labels, units_text
from gamdss.data.row_reader import Fault, RowReader
from gamdss.data.sheets import collector_paused
from gamdss.data.specs import DatasetSpec, Task
from gamdss.data.specs.plain import PLAIN
from gamdss.data.workbook import Table, read_table
from gamdss.errors import AnnotationError, some
from gamdss.files import write_csv
from gamdss.records import UNITS, Clip

_SHOWN = 10
# Kinds of warnings whose problems are listed, and what is said of them.
_SAID = {
    "unknown type": "row(s) of unknown type left out",
    "doubtful emotion": "row(s) with an emotion that may be misspelled",
    "doubtful offset": "offset(s) that the duration contradicts, kept if their frames exist",
    "subject spelled otherwise": "other spelling(s) of a subject",
}


@dataclass(frozen=True)
class Annotations:
    """The clips of a task, in the workbook's order.

    `labels[i]` is the class index of `clips[i]`; `warnings` says what was filled in or left out.
    `units` says what action units are for: the `targets` of the task, in which case `classes` are
    their names and every label is 0, or an `auxiliary` loss.
    """

    workbook: Path
    classes: tuple[str, ...]
    clips: tuple[Clip, ...]
    labels: tuple[int, ...]
    warnings: tuple[str, ...]
    units: Literal["unused", "auxiliary", "targets"] = "unused"

    @cached_property
    def unit_labels(self) -> np.ndarray:
        """(N, U) int64 of `UNITS`: 1 moves, 0 does not; -1 in clips without a coded unit."""
        rows = [unit_labels(clip.action_units) for clip in self.clips]
        return np.array([row or (-1,) * len(UNITS) for row in rows], np.int64)

    @property
    def targets(self) -> np.ndarray:
        """What the network learns, int64: class indices (N,), or action units (N, U)."""
        return self.unit_labels if self.units == "targets" else np.array(self.labels, np.int64)

    def class_name(self, place: int) -> str:
        """The class of a clip; of action units, those that move."""
        if self.units == "targets":
            return units_text(self.unit_labels[place], self.classes)
        return self.classes[self.labels[place]]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects with a clip of the task, sorted."""
        return tuple(sorted({clip.subject for clip in self.clips}))


@dataclass(frozen=True)
class Scan:
    """A whole workbook, for all tasks: valid clips, faulty rows, and what was filled in.

    `unit_faults` are those of action units, which matter only where these are learned.
    """

    table: Table
    clips: tuple[Clip, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    unit_faults: tuple[Fault, ...] = ()


@collector_paused()
def scan_annotations(
    spec: DatasetSpec,
    workbook: Path,
    strict: bool = False,
    corrections: bool = True,
    exact_emotions: bool = False,
    progress: bool = False,
) -> Scan:
    """Read every row and collect all faults instead of stopping at the first.

    Arguments are those of `read_annotations`; `progress` shows a bar for a long table.

    Raises:
        AnnotationError: the workbook cannot be read, or a column is missing.
        DataRootError: the clips are read from folders, but there are none.
    """
    table = read_table(spec, workbook)
    reader = RowReader(spec, table, strict, corrections, exact_emotions)
    bar = tqdm(table.rows, desc="reading rows", unit="row", disable=not progress, delay=0.5)
    clips = [reader.read(row) for row in bar]
    sound = tuple(clip for clip in clips if clip is not None)
    found = reader.faults, reader.warnings, reader.unit_faults
    return Scan(table, sound, *map(tuple, found))


def read_annotations(
    spec: DatasetSpec,
    workbook: Path,
    task: str,
    strict: bool = False,
    corrections: bool = True,
    exact_emotions: bool = False,
    auxiliary_units: bool = False,
) -> Annotations:
    """Read the clips of `task`.

    A missing apex (blank, "/" or another mark of absence) becomes the midpoint of onset and
    offset, and a row with an unknown emotion is left out, each with a warning that counts them. So
    are, in the task of action units, clips without a coded unit.

    Args:
        spec: the dataset's spec.
        workbook: the file, or the dataset's root if its folders replace a workbook.
        task: one of the spec's tasks.
        strict: refuse missing apexes and unknown emotions.
        corrections: correct known mistakes of the workbook in cells that are missing or invalid.
        exact_emotions: accept only the native spelling of emotions.
        auxiliary_units: action units are learned in a task of emotions too.

    Raises:
        AnnotationError: names the file, the first bad row, its value and how to fix it, and
            lists further bad rows.
    """
    wanted = spec.task(task)
    scan = scan_annotations(spec, workbook, strict, corrections, exact_emotions)
    learns_units = wanted.units or auxiliary_units
    _raise_faults([*scan.faults, *(scan.unit_faults if learns_units else ())], workbook)
    labelled = [(clip, _label(clip, wanted)) for clip in scan.clips]
    chosen = [(clip, label) for clip, label in labelled if label is not None]
    if not chosen:
        allowed = f"an emotion of task {task!r} ({', '.join(wanted.emotions)})"
        raise AnnotationError(
            f"no row has {'an action unit' if wanted.units else allowed}",
            file=workbook,
            remedy="Check that column of the workbook, or choose another task with --task.",
        )
    warnings = list(spec.notes) if (spec.name, task) == (PLAIN, "c3") else []
    warnings += _warnings(scan.warnings)
    if learns_units:
        used = [clip for clip, label in labelled if wanted.units or label is not None]
        warnings += _unread_units(used)
    outside = len(labelled) - len(chosen)
    if outside:
        left_out = f"have an emotion that task {task} leaves out"
        no_unit = "have no coded action unit and are left out"
        warnings.append(f"{outside} clip(s) {no_unit if wanted.units else left_out}")
    return Annotations(
        workbook=workbook,
        classes=wanted.classes,
        clips=tuple(clip for clip, _ in chosen),
        labels=tuple(label for _, label in chosen),
        warnings=tuple(warnings),
        units="targets" if wanted.units else "unused",
    )


def _label(clip: Clip, task: Task) -> int | None:
    """The clip's class index, 0 in the task of action units; None if the task leaves it out."""
    if task.units:
        return None if unit_labels(clip.action_units) is None else 0
    return task.label(clip.emotion)


def _unread_units(clips: Sequence[Clip]) -> list[str]:
    """A line on action units of which some words were not understood; nothing if there are none."""
    notes = {clip.action_units: parse_action_units(clip.action_units).notes for clip in clips}
    shown = [
        f"{clip.action_units!r} ({clip.where}: {', '.join(map(repr, notes[clip.action_units]))})"
        for clip in clips
        if notes[clip.action_units]
    ]
    if not shown:
        return []
    return [
        f"{len(shown)} clip(s) with words that are no action units, which do not count; correct "
        f"the cells if they should: {some(shown, _SHOWN)}"
    ]


def _raise_faults(faults: Sequence[Fault], workbook: Path) -> None:
    """Raise one error for all bad rows: the first in full, the next ones below it."""
    if not faults:
        return
    more = [f"{_place(fault)}: {fault.problem}" for fault in faults[1:_SHOWN]]
    hidden = len(faults) - 1 - len(more)
    if hidden > 0:
        more.append(f"and {hidden} more rows")
    first = faults[0]
    file = first.file or workbook
    row = None if file.is_dir() else first.row
    raise AnnotationError(first.problem, file=file, row=row, remedy="\n".join(more))


def _place(fault: Fault) -> str:
    if fault.file is None:
        return f"row {fault.row}"
    return str(fault.file) if fault.file.is_dir() else f"{fault.file.name}, row {fault.row}"


def _warnings(found: Sequence[Fault]) -> list[str]:
    """What was filled in or left out, one line per kind."""
    kinds: dict[str, list[Fault]] = {}
    for fault in found:
        kinds.setdefault(fault.kind, []).append(fault)
    lines = []
    if corrected := kinds.get("correction"):
        shown = "; ".join(f"{f.clip} (row {f.row}): {f.problem}" for f in corrected)
        lines.append(f"{len(corrected)} known mistake(s) corrected: {shown}")
    if missing := kinds.get("missing apex"):
        shown = some([f"{f.clip} (row {f.row}: {f.problem})" for f in missing], _SHOWN)
        lines.append(
            f"{len(missing)} missing apex(es) filled by the midpoint of onset and offset: {shown}"
        )
    if unknown := kinds.get("unknown emotion"):
        counts = Counter(fault.problem for fault in unknown)
        shown = some([f"{name!r} ({count})" for name, count in counts.items()], _SHOWN)
        lines.append(f"{len(unknown)} row(s) with unknown emotion left out: {shown}")
    if blank := kinds.get("blank emotion"):
        shown = some([f"row {fault.row}" for fault in blank], _SHOWN)
        lines.append(f"{len(blank)} row(s) without an emotion left out: {shown}")
    for kind, said in _SAID.items():
        if faults := kinds.get(kind):
            shown = some([f"{fault.problem} (row {fault.row})" for fault in faults], _SHOWN)
            lines.append(f"{len(faults)} {said}: {shown}")
    if without := kinds.get("row without a clip"):
        shown = some([f"row {fault.row}" for fault in without], _SHOWN)
        lines.append(f"{len(without)} row(s) without subject and clip left out: {shown}")
    return lines


def write_annotations(path: Path, clips: Sequence[Clip]) -> None:
    """Write `annotations.csv`: every clip as it was read, and what was corrected in it."""
    about = ("subject", "clip", "row", "emotion", "action_units")
    rows = [
        (
            *(clip.subject, clip.name, clip.row, clip.emotion, clip.action_units),
            *clip.annotated.numbers,
            "; ".join(clip.corrections),
            "; ".join(clip.annotated.notes),
        )
        for clip in clips
    ]
    write_csv(path, [(*about, "onset", "apex", "offset", "correction", "notes"), *rows])
