"""Frame names and the workbook of synthetic recordings, as long-video datasets have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import openpyxl

from gamdss.files import write_atomic
from gamdss.synthetic.casme2 import FILMS, write_casme2_workbook
from gamdss.synthetic.recording import Recording
from gamdss.synthetic.recording_events import Event

Labels = Sequence[tuple[Recording, int, Event]]  # an expression and its number in its recording

# Subjects of CAS(ME)2 (Qu et al., IEEE TAFFC 2018).
_SUBJECTS = (*range(15, 17), *range(19, 28), *range(29, 39), 40)
_ESTIMATED = {"happiness": "positive", "surprise": "surprise", "others": "others"}


class Layout(Protocol):
    """How a dataset names frames and lists expressions."""

    subjects: int
    takes: int

    def name(self, subject: int, take: int) -> str:
        """Name of a recording, as the reader of the dataset has it."""

    def frame(self, subject: int, take: int, number: int) -> str:
        """Path of a frame under the dataset's folder."""

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write the annotation of all recordings."""


@dataclass
class SammLongVideos:
    """`SAMM_longvideos/006_1/006_1_0001.jpg`; one sheet with its header on line 10."""

    subjects: int = 994
    takes: int = 99

    def name(self, subject: int, take: int) -> str:
        """`006_1`."""
        return f"{subject + 5:03d}_{take}"

    def frame(self, subject: int, take: int, number: int) -> str:
        """Path of a frame under the dataset's folder."""
        name = self.name(subject, take)
        return f"SAMM_longvideos/{name}/{name}_{number:04d}.jpg"

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write `SAMM_LongVideos_V1_Release.xlsx`."""
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "FACS_Movement_Only"
        for _ in range(9):
            sheet.append(["Synthetic recordings"])
        sheet.append(
            [
                *("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset"),
                *("Duration", "Type", "Action Units", "Notes"),
            ]
        )
        for recording, index, event in labels:
            name = self.name(recording.subject, recording.take)
            kind = "Macro" if event.kind == "macro" else "Micro - 1/2"
            length = event.offset - event.onset + 1
            row: list[Any] = [name.split("_")[0], f"{name}_{index}", recording.take]
            row += [event.onset, event.apex, event.offset, length, kind, _units(event), None]
            sheet.append(row)
        write_atomic(root / "SAMM_LongVideos_V1_Release.xlsx", book.save)


@dataclass
class Casme2Long:
    """`rawpic/s15/15_0101disgustingteeth/img001.jpg`; three sheets without a header."""

    subjects: int = len(_SUBJECTS)
    takes: int = len(FILMS)

    def name(self, subject: int, take: int) -> str:
        """`s15_0101`."""
        return f"s{_SUBJECTS[subject - 1]}_{FILMS[take - 1][0]}"

    def frame(self, subject: int, take: int, number: int) -> str:
        """Path of a frame under the dataset's folder."""
        person = _SUBJECTS[subject - 1]
        code, _, title = FILMS[take - 1]
        return f"rawpic/s{person}/{person}_{code}{title}/img{number:03d}.jpg"

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write `CAS(ME)^2code_final.xlsx`."""
        rows: list[tuple[str, str, list[Any]]] = []
        for recording, _, event in labels:
            code = FILMS[recording.take - 1][0]
            cells: list[Any] = [recording.subject, "", event.onset, event.apex, event.offset]
            cells += [_units(event), _ESTIMATED.get(event.emotion, "negative")]
            cells += [f"{event.kind}-expression", event.emotion]
            rows.append((f"s{_SUBJECTS[recording.subject - 1]}", code, cells))
        write_casme2_workbook(root / "CAS(ME)^2code_final.xlsx", rows)


@dataclass
class Casme3Long:
    """`part_A/spNO.1/a/color/1.jpg`; a sheet of expressions with its header on line 1."""

    subjects: int = 100
    takes: int = 13

    def name(self, subject: int, take: int) -> str:
        """`spNO.1_a`."""
        return f"spNO.{subject}_{_letter(take)}"

    def frame(self, subject: int, take: int, number: int) -> str:
        """Path of a frame under the dataset's folder."""
        return f"part_A/spNO.{subject}/{_letter(take)}/color/{number}.jpg"

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write `CAS(ME)3_part_A_v2.xlsx`, all its cells as text."""
        book = openpyxl.Workbook()
        sheet, blinks = book.active, book.create_sheet("eye blink")
        sheet.title = "AU+Emotion"
        header = ("Subject", "Filename", "Onset", "Apex", "Offset")
        sheet.append([*header, "AU", "Expression type", "Objective class"])
        blinks.append([*header[:3], "Offset"])
        for recording, _, event in labels:
            row = [f"spNO.{recording.subject}", _letter(recording.take)]
            row += map(str, (event.onset, event.apex, event.offset, _units(event) or ""))
            sheet.append([*row, f"{event.kind.capitalize()}-expression", "I"])
        write_atomic(root / "CAS(ME)3_part_A_v2.xlsx", book.save)


def _letter(take: int) -> str:
    return chr(ord("a") + take - 1)


def _units(event: Event) -> str | int | None:
    return None if event.expression is None else event.expression.code


LAYOUTS: dict[str, Layout] = {
    "sammlv": SammLongVideos(),
    "casme2sq": Casme2Long(),
    "cas3lv": Casme3Long(),
}
