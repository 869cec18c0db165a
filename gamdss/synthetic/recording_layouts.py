"""Frame names and the workbook of synthetic recordings, as long-video datasets have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import openpyxl

from gamdss.files import write_atomic
from gamdss.synthetic.recording import Recording
from gamdss.synthetic.recording_events import Event

Labels = Sequence[tuple[Recording, int, Event]]  # an expression and its number in its recording

# CAS(ME)2 (Qu et al., IEEE TAFFC 2018): subjects, and codes, names and titles of its films.
_SUBJECTS = (*range(15, 17), *range(19, 28), *range(29, 39), 40)
_FILMS = (
    ("0101", "disgust1", "disgustingteeth"),
    ("0102", "disgust2", "eatingworms"),
    ("0401", "anger1", "girlcrashing"),
    ("0402", "anger2", "beatingpregnantwoman"),
    ("0502", "happy1", "funnyerrors"),
    ("0503", "happy2", "unnyfarting"),
    ("0505", "happy3", "funnyinnovations"),
    ("0507", "happy4", "climbingthewall"),
    ("0508", "happy5", "funnydunkey"),
)
_ESTIMATED = {"happiness": "positive", "surprise": "surprise", "others": "others"}


class Layout(Protocol):
    """How a dataset names frames and lists expressions."""

    subjects: int
    takes: int

    def frame(self, recording: Recording, number: int) -> str:
        """Path of a frame under the dataset's folder."""

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write the annotation of all recordings."""


@dataclass
class SammLongVideos:
    """`SAMM_longvideos/006_1/006_1_0001.jpg`; one sheet with its header on line 10."""

    subjects: int = 994
    takes: int = 99

    def frame(self, recording: Recording, number: int) -> str:
        """Path of a frame under the dataset's folder."""
        name = self._video(recording)
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
            name = self._video(recording)
            kind = "Macro" if event.kind == "macro" else "Micro - 1/2"
            length = event.offset - event.onset + 1
            row: list[Any] = [name.split("_")[0], f"{name}_{index}", recording.take]
            row += [event.onset, event.apex, event.offset, length, kind, _units(event), None]
            sheet.append(row)
        write_atomic(root / "SAMM_LongVideos_V1_Release.xlsx", book.save)

    @staticmethod
    def _video(recording: Recording) -> str:
        return f"{recording.subject + 5:03d}_{recording.take}"


@dataclass
class Casme2Long:
    """`rawpic/s15/15_0101disgustingteeth/img001.jpg`; three sheets without a header."""

    subjects: int = len(_SUBJECTS)
    takes: int = len(_FILMS)

    def frame(self, recording: Recording, number: int) -> str:
        """Path of a frame under the dataset's folder."""
        subject = _SUBJECTS[recording.subject - 1]
        code, _, title = _FILMS[recording.take - 1]
        return f"rawpic/s{subject}/{subject}_{code}{title}/img{number:03d}.jpg"

    def write_workbook(self, root: Path, labels: Labels) -> None:
        """Write `CAS(ME)^2code_final.xlsx`."""
        book = openpyxl.Workbook()
        rows, subjects = book.active, book.create_sheet("naming rule1")
        rows.title = "CASFEcode_final"
        for recording, index, event in labels:
            subject = _SUBJECTS[recording.subject - 1]
            name = f"{_FILMS[recording.take - 1][1]}_{index}"
            row: list[Any] = [recording.subject, name, event.onset, event.apex, event.offset]
            row += [_units(event), _ESTIMATED.get(event.emotion, "negative")]
            rows.append([*row, f"{event.kind}-expression", event.emotion])
            subjects.append([subject, f"s{subject}", recording.subject])
        films = book.create_sheet("naming rule2")
        for code, name, _ in _FILMS:
            films.append([code, name])
        write_atomic(root / "CAS(ME)^2code_final.xlsx", book.save)


def _units(event: Event) -> str | int | None:
    return None if event.expression is None else event.expression.code


LAYOUTS: dict[str, Layout] = {"sammlv": SammLongVideos(), "casme2sq": Casme2Long()}
