"""The workbook of CAS(ME)2: three sheets without a header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from gamdss.files import write_atomic

# Code, name and title of its films (Qu et al., IEEE TAFFC 2018).
FILMS = (
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


def write_casme2_workbook(path: Path, rows: Iterable[tuple[str, str, Sequence[Any]]]) -> None:
    """Write the sheets of rows, subjects and films.

    Args:
        path: the workbook.
        rows: folder of the subject and code of the film of each expression, with the cells of its
            row: subject's number, a placeholder for its name, onset, apex, offset, action units,
            estimated emotion, type, and perhaps reported emotion.
    """
    names = {code: name for code, name, _ in FILMS}
    book = openpyxl.Workbook()
    sheet, subjects = book.active, book.create_sheet("naming rule1")
    sheet.title = "CASFEcode_final"
    count: Counter[tuple[str, str]] = Counter()
    for subject, code, cells in rows:
        number, _, *others = cells
        film = names.setdefault(code, f"film{code}")
        count[subject, film] += 1
        sheet.append([number, f"{film}_{count[subject, film]}", *others])
        subjects.append([int(subject.removeprefix("s")), subject, number])
    films = book.create_sheet("naming rule2")
    for pair in names.items():
        films.append(list(pair))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, book.save)
