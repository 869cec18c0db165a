"""Groups of subjects or clips from the columns of a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.data.csv_text import csv_lines
from gamdss.errors import AnnotationError, some

_WHO = ("dataset", "subject", "clip")
_FORM = "subject,group (group may have any names; columns dataset and clip are optional)"
Who = tuple[str, str, str]  # dataset, subject and clip
Normalise = Callable[[str, str], str]  # a subject's cell, given the dataset's name and the cell


@dataclass(frozen=True, eq=False)
class GroupFile:
    """A table of groups: `who` are its columns that identify a clip, `names` all others.

    `rows` are the cells of each row by column, with the row's number.
    """

    file: Path
    who: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]

    def labels(
        self, name: str, clips: Sequence[Who], subject: Normalise = lambda _, cell: cell
    ) -> list[str]:
        """The group of each clip in the column `name`.

        Args:
            name: one of `names`.
            clips: dataset, subject and clip of each.
            subject: normalises a subject's cell.

        Raises:
            AnnotationError: a subject is in two groups or in none, or clips of several datasets are
                not told apart by a column.
        """
        groups: dict[tuple[str, ...], str] = {}
        datasets = sorted({dataset for dataset, _, _ in clips})
        if len(datasets) > 1:
            self.require_dataset()
        for line, row in self.rows:
            for dataset in [row["dataset"]] if "dataset" in self.who else datasets:
                person = subject(dataset, row["subject"])
                key = self._key((dataset, person, row.get("clip", "")))
                if groups.setdefault(key, row[name]) != row[name]:
                    raise AnnotationError(
                        f"{'/'.join(key[1:])} is in {row[name]!r}, but in {groups[key]!r} in an "
                        "earlier row",
                        file=self.file,
                        row=line,
                        remedy="Give everyone one group in each column.",
                    )
        found = [groups.get(self._key(clip), "") for clip in clips]
        self._require_all(name, clips, found)
        return found

    def require_dataset(self) -> None:
        """Raise AnnotationError if no column says which dataset a subject belongs to.

        Numbers alone do not: 6 is a subject of CASME II and another of SAMM.
        """
        if "dataset" not in self.who:
            raise AnnotationError(
                "the clips are of several datasets, but there is no column `dataset`",
                file=self.file,
                row=1,
                remedy="Add the column, with names as in --dataset, such as cas2.",
            )

    def _key(self, clip: Who) -> tuple[str, ...]:
        """Identifies a clip: by dataset and subject, and by clip if the file has that column."""
        return clip if "clip" in self.who else clip[:2]

    def _require_all(self, name: str, clips: Sequence[Who], found: Sequence[str]) -> None:
        without = [clip[:2] for clip, group in zip(clips, found, strict=True) if not group]
        people = sorted({"/".join(person) for person in without})
        if people:
            raise AnnotationError(
                f"{len(without)} clip(s) have no {name}: of {some(people, 10)}",
                file=self.file,
                remedy="Add the subjects, if need be in a group called `unknown`.",
            )


def read_group_file(file: Path, option: str) -> GroupFile:
    """Read a CSV file with a header and a row for each subject, or for each clip.

    Args:
        file: with the columns subject, optionally dataset and clip, and one or more of groups.
        option: of the command line that names the file, for messages.

    Raises:
        AnnotationError: the file is unreadable, or a column is missing.
    """
    first, *lines = csv_lines(file, named_by=option) or [[]]
    header = [cell.strip().lower() for cell in first]
    names = tuple(name for name in header if name and name not in _WHO)
    if "subject" not in header or not names:
        raise AnnotationError(
            f"the columns are {', '.join(header) or 'none'}",
            file=file,
            row=1,
            remedy=f"The first line must be {_FORM}.",
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise AnnotationError(
            f"two columns are called {twice[0]}",
            file=file,
            row=1,
            remedy="Give every column a name of its own; case does not count.",
        )
    width = len(header)
    rows = tuple(
        (number, dict(zip(header, [cell.strip() for cell in line] + [""] * width, strict=False)))
        for number, line in enumerate(lines, start=2)
        if any(line)
    )
    return GroupFile(file, tuple(name for name in _WHO if name in header), names, rows)


def read_annotators(file: Path, clips: Sequence[Who], subject: Normalise) -> list[str]:
    """Who annotated each clip.

    Args:
        file: with the columns subject, optionally dataset, and one more, which names annotators.
        clips: dataset, subject and clip of each.
        subject: normalises a subject's cell.

    Raises:
        AnnotationError: as `read_group_file` and `GroupFile.labels`, or the columns are others.
    """
    table = read_group_file(file, "--reselection.annotators")
    if len(table.names) > 1 or "clip" in table.who:
        columns = ", ".join((*table.who, *table.names))
        raise AnnotationError(
            f"the columns are {columns}, but annotators are needed by subject in one column",
            file=file,
            row=1,
            remedy="The first line must be subject,annotator (a column dataset is optional).",
        )
    return table.labels(table.names[0], clips, subject)
