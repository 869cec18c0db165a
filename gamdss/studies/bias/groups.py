"""Ways to divide the clips: by dataset, emotion, subject, and by the columns of a CSV file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.data.subject_groups import GroupFile, Normalise
from gamdss.errors import AnnotationError
from gamdss.studies.bias.shifts import Shifts

SUBJECT, _EMOTION = "subject", "emotion"  # names of standard groupings


@dataclass(frozen=True, eq=False)
class Grouping:
    """A way to divide the clips: `labels` (N,) names the group of each, "" for none.

    `compared`: whether its groups are compared with each other.
    """

    name: str
    labels: np.ndarray
    compared: bool = True

    @property
    def plain_name(self) -> str:
        """The name for a file."""
        return plain(self.name)

    @property
    def groups(self) -> list[str]:
        """The groups' names, sorted."""
        return sorted({str(label) for label in self.labels} - {""})


def plain(name: str) -> str:
    """A name in which only letters and digits are as they were."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def require_own_names(table: GroupFile) -> None:
    """Raise AnnotationError if columns would share a figure, or one has the name of the emotions.

    A study finds groupings by name.
    """
    names = (_EMOTION, *map(plain, table.names))
    alike = [name for name in table.names if names.count(plain(name)) > 1]
    if alike:
        raise AnnotationError(
            f"columns of groups are called {', '.join(alike)}"
            + (", as clips are grouped anyway" if _EMOTION in alike else ", which is too similar"),
            file=table.file,
            row=1,
            remedy="Give every column of groups a name of its own.",
        )


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
        Grouping(_EMOTION, np.array(names)),
        Grouping(SUBJECT, people, compared=False),
    ]


def groupings(
    table: GroupFile, shifts: Shifts, subject: Normalise = lambda _, cell: cell
) -> list[Grouping]:
    """One for each column of groups.

    Args:
        table: with a row for each subject, or for each clip if there is such a column.
        shifts: the clips.
        subject: normalises a subject's cell, given the dataset's name and the cell.

    Raises:
        AnnotationError: a subject is in two groups or in none.
    """
    columns = (shifts.dataset, shifts.subject, shifts.clip)
    clips = list(zip(*(map(str, column) for column in columns), strict=True))
    return [Grouping(name, np.array(table.labels(name, clips, subject))) for name in table.names]
