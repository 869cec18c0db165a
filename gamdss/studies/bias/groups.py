"""Ways to divide the clips: by dataset, emotion, subject, and by the columns of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamdss.errors import AnnotationError
from gamdss.files import read_rows
from gamdss.studies.bias.shifts import Shifts

_WHO = ("dataset", "subject", "clip")
_FORM = "subject,group (group may have any names; columns dataset and clip are optional)"


@dataclass(frozen=True, eq=False)
class Grouping:
    """A way to divide the clips: `labels` (N,) names the group of each, "" for none.

    `compared`: whether its groups are compared with each other.
    """

    name: str
    labels: np.ndarray
    compared: bool = True

    @property
    def groups(self) -> list[str]:
        """The groups' names, sorted."""
        return sorted({str(label) for label in self.labels} - {""})


def standard_groupings(shifts: Shifts) -> list[Grouping]:
    """By dataset, emotion and subject; with several datasets, by the emotions of each."""
    several = len(set(shifts.dataset)) > 1
    names = [
        f"{dataset} {emotion}" if several else str(emotion)
        for dataset, emotion in zip(shifts.dataset, shifts.emotion, strict=True)
    ]
    people = shifts.people if several else shifts.subject
    return [
        Grouping("dataset", shifts.dataset),
        Grouping("emotion", np.array(names)),
        Grouping("subject", people, compared=False),
    ]


def read_groups(
    file: Path, shifts: Shifts, subject: Callable[[str, str], str] = lambda _, cell: cell
) -> list[Grouping]:
    """Groupings from a CSV file, one for each column apart from dataset, subject and clip.

    Args:
        file: with a header; a row for each subject, or for each clip if there is such a column.
        shifts: the clips.
        subject: normalises a subject's cell, given the dataset's name and the cell.

    Raises:
        AnnotationError: the file is unreadable, a column is missing, or a subject is in two
            groups or in none.
    """
    header, rows = _read(file)
    who = [name for name in _WHO if name in header]
    given = [name for name in header if name not in _WHO and name]
    if "subject" not in header or not given:
        raise AnnotationError(
            f"the columns are {', '.join(header) or 'none'}",
            file=file,
            row=1,
            remedy=f"The first line must be {_FORM}.",
        )
    found: list[Grouping] = []
    for name in given:
        groups: dict[tuple[str, ...], str] = {}
        for line, row in enumerate(rows, start=2):
            named = [row["dataset"]] if "dataset" in who else sorted(set(shifts.dataset))
            for dataset in named:
                person = subject(dataset, row["subject"])
                _add(groups, _key(who, dataset, person, row.get("clip", "")), row[name], file, line)
        columns = zip(shifts.dataset, shifts.subject, shifts.clip, strict=True)
        labels = [groups.get(_key(who, *map(str, values)), "") for values in columns]
        found.append(Grouping(name, np.array(labels)))
        _require_groups(file, name, labels, shifts)
    return found


def _read(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        first, *lines = read_rows(file) or [[]]
    except OSError as error:
        raise AnnotationError(
            f"the groups cannot be read ({error.strerror})", file=file, remedy="Check --groups."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(
            f"not a CSV file ({error})", file=file, remedy="Save it as CSV in UTF-8."
        ) from error
    header = [cell.strip().lower() for cell in first]
    width = len(header)
    cells = [[cell.strip() for cell in line] for line in lines if any(line)]
    padded = [(line + [""] * width)[:width] for line in cells]
    return header, [dict(zip(header, line, strict=True)) for line in padded]


def _key(who: list[str], dataset: str, subject: str, clip: str) -> tuple[str, ...]:
    """Identifies a clip: by dataset and subject, and by clip if the file has that column."""
    return (dataset, subject, clip) if "clip" in who else (dataset, subject)


def _add(
    groups: dict[tuple[str, ...], str], key: tuple[str, ...], group: str, file: Path, line: int
) -> None:
    if groups.setdefault(key, group) != group:
        raise AnnotationError(
            f"{'/'.join(key[1:])} is in {group!r}, but in {groups[key]!r} in an earlier row",
            file=file,
            row=line,
            remedy="Give everyone one group in each column.",
        )


def _require_groups(file: Path, name: str, labels: list[str], shifts: Shifts) -> None:
    without = [who for who, label in zip(shifts.people, labels, strict=True) if not label]
    people = sorted({str(who) for who in without})
    if people:
        more = f" and {len(people) - 10} more" if len(people) > 10 else ""
        raise AnnotationError(
            f"{len(without)} clip(s) have no {name}: of {', '.join(people[:10])}{more}",
            file=file,
            remedy="Add the subjects, if need be in a group called `unknown`.",
        )
