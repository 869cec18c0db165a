"""Ways to divide the clips: by dataset, emotion, subject, and by the columns of a CSV file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.data.subject_groups import GroupFile, Normalise
from gamdss.studies.bias.shifts import Shifts

SUBJECT = "subject"  # the grouping by subject


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
