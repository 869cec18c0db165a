"""Which clips are compared with which: by dataset, emotion, subject, and by what a file says."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamdss.errors import AnnotationError
from gamdss.studies.bias.shifts import Shifts

_WHO = ("dataset", "subject", "clip")
_FORM = "subject,group (or any other names for group; dataset and clip may stand beside subject)"


@dataclass(frozen=True, eq=False)
class Grouping:
    """A way to divide the clips: `labels` (N,) names each one's group, "" for none.

    `between` tells whether the groups are compared with each other.
    """

    name: str
    labels: np.ndarray
    between: bool = True

    @property
    def groups(self) -> list[str]:
        """The groups' names, sorted."""
        return sorted({str(label) for label in self.labels} - {""})


def groupings(shifts: Shifts) -> list[Grouping]:
    """By dataset, emotion and subject; of several datasets, emotions are each dataset's own."""
    several = len(set(shifts.dataset)) > 1
    names = [
        f"{dataset} {emotion}" if several else str(emotion)
        for dataset, emotion in zip(shifts.dataset, shifts.emotion, strict=True)
    ]
    people = shifts.people if several else shifts.subject
    return [
        Grouping("dataset", shifts.dataset),
        Grouping("emotion", np.array(names)),
        Grouping("subject", people, between=False),
    ]


def read_groups(
    file: Path, shifts: Shifts, subject: Callable[[str, str], str] = lambda _, cell: cell
) -> list[Grouping]:
    """Groupings from a CSV file, one for each column beside subject (and dataset, clip).

    Args:
        file: with a header; a row for each subject, or for each clip if there is such a column.
        shifts: the clips.
        subject: a subject's cell as the dataset's spec (first argument) writes it.

    Raises:
        AnnotationError: no such table, a column is missing, a subject is in two groups or in none.
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
            for dataset in sorted(set(shifts.dataset)) if "dataset" not in who else [""]:
                _add(groups, _key(row, who, dataset, subject), row[name], file, line)
        labels = [groups.get(_key(clip, who, "", None), "") for clip in _clips(shifts)]
        found.append(Grouping(name, np.array(labels)))
        _none_without(file, name, labels, shifts)
    return found


def _read(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.reader(lines)
            header = [cell.strip().lower() for cell in next(reader, [])]
            width = len(header)
            cells = [[cell.strip() for cell in line] for line in reader if any(line)]
    except OSError as error:
        raise AnnotationError(
            f"the groups cannot be read ({error.strerror})", file=file, remedy="Check --groups."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(
            f"this is no table ({error})", file=file, remedy="Save it as CSV in UTF-8."
        ) from error
    padded = [(line + [""] * width)[:width] for line in cells]
    return header, [dict(zip(header, line, strict=True)) for line in padded]


def _clips(shifts: Shifts) -> list[dict[str, str]]:
    columns = zip(shifts.dataset, shifts.subject, shifts.clip, strict=True)
    return [dict(zip(_WHO, map(str, values), strict=True)) for values in columns]


def _key(
    row: dict[str, str],
    who: list[str],
    dataset: str,
    subject: Callable[[str, str], str] | None,
) -> tuple[str, ...]:
    """What a clip is found by: its dataset, subject, and clip if the file has that."""
    place = dataset or row.get("dataset", "")
    person = row["subject"] if subject is None else subject(place, row["subject"])
    return (place, person, row["clip"]) if "clip" in who else (place, person)


def _add(
    groups: dict[tuple[str, ...], str], key: tuple[str, ...], group: str, file: Path, line: int
) -> None:
    if groups.setdefault(key, group) != group:
        raise AnnotationError(
            f"{'/'.join(key[1:])} is in {groups[key]!r} already, here in {group!r}",
            file=file,
            row=line,
            remedy="Give everyone one group in each column.",
        )


def _none_without(file: Path, name: str, labels: list[str], shifts: Shifts) -> None:
    without = [who for who, label in zip(shifts.people, labels, strict=True) if not label]
    people = sorted({str(who) for who in without})
    if people:
        more = f" and {len(people) - 10} more" if len(people) > 10 else ""
        raise AnnotationError(
            f"{len(without)} clip(s) have no {name}: of {', '.join(people[:10])}{more}",
            file=file,
            remedy="Add the subjects; a group called `unknown` will do.",
        )
