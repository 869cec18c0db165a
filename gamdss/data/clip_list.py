"""A list of clips and classes that replaces the rule of a task, such as MEGC2019's.

MEGC2019 publishes its composite as a CSV file without a header: dataset, subject, clip, class,
where 0 is negative, 1 positive and 2 surprise. A header is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.data.cells import frame_number, without_prefix
from gamdss.data.csv_text import csv_lines
from gamdss.data.folders import folded
from gamdss.errors import AnnotationError
from gamdss.records import Clip

# Class numbers of MEGC2019's list.
NUMBERED = ("negative", "positive", "surprise")
_ALIASES = {
    "casme2": "cas2",
    "casmeii": "cas2",
    "casme": "cas1",
    "smic-hs": "smic",
    "smichs": "smic",
}
_HEADERS = {"dataset", "sub", "subject"}


@dataclass(frozen=True)
class ClipList:
    """The class of each listed clip by (dataset, subject, clip).

    Case, zero padding and a prefix such as `sub` of the subject do not count.
    """

    file: Path
    classes: Mapping[tuple[str, str, str], str]

    def find(self, clip: Clip, subject: str) -> str | None:
        """The class of a clip of `subject` (the dataset's own name for it); None if not listed."""
        return self.classes.get(_key(clip.dataset, subject, clip.name))

    def of(self, dataset: str) -> dict[tuple[str, str, str], str]:
        """The listed clips of one dataset."""
        return {key: name for key, name in self.classes.items() if key[0] == dataset}


def read_clip_list(file: Path, classes: Sequence[str]) -> ClipList:
    """Read lines of dataset, subject, clip and class (a name or MEGC2019's number).

    Raises:
        AnnotationError: the file cannot be read, a class is unknown, or a clip has two classes.
    """
    try:
        rows = csv_lines(file)
    except AnnotationError as error:
        raise AnnotationError(
            f"the list of clips cannot be read: {error.problem}",
            file=file,
            row=error.row,
            remedy="Check --clip-list.",
        ) from error
    found: dict[tuple[str, str, str], str] = {}
    for number, row in enumerate(rows, start=1):
        if not any(cell.strip() for cell in row) or (number == 1 and _is_header(row)):
            continue
        if len(row) < 4:
            raise AnnotationError(
                f"the line has {len(row)} cells: {', '.join(row)}",
                file=file,
                row=number,
                remedy="Lines must be dataset,subject,clip,class.",
            )
        name = _class(row[3].strip(), classes, file, number)
        if found.setdefault(_key(*row[:3]), name) != name:
            raise AnnotationError(
                f"clip {row[2]} of {row[1]} is {found[_key(*row[:3])]} above and {name} here",
                file=file,
                row=number,
                remedy="Give each clip one class.",
            )
    return ClipList(file, found)


def _is_header(row: Sequence[str]) -> bool:
    return bool(_HEADERS & {cell.strip().lower() for cell in row})


def _class(cell: str, classes: Sequence[str], file: Path, row: int) -> str:
    number = frame_number(cell)
    folded = {known.lower(): known for known in classes}
    name = cell
    if cell.lower() not in folded and number is not None and number < len(NUMBERED):
        name = NUMBERED[number]
    if name.lower() not in folded:
        raise AnnotationError(
            f"class {cell!r} is not in the task",
            file=file,
            row=row,
            remedy=f"The task has {', '.join(classes)}; 0, 1, 2 are {', '.join(NUMBERED)}.",
        )
    return folded[name.lower()]


def _key(dataset: str, subject: str, clip: str) -> tuple[str, str, str]:
    name = dataset.strip().lower()
    who = folded(without_prefix(subject.strip()))
    return _ALIASES.get(name, name), who, folded(clip)
