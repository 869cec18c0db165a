"""The file of the protocol `fixed`: the part of each clip."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.data.cells import without_prefix
from gamdss.data.csv_text import csv_lines
from gamdss.data.folders import folded
from gamdss.errors import AnnotationError, FoldError
from gamdss.files import safe_name
from gamdss.records import Clip

log = logging.getLogger("gamdss")
TRAIN = "train"  # the part that is trained on; every other part is held out
Find = Callable[[str], str | None]


@dataclass(frozen=True)
class _Line:
    row: int
    subject: str
    clip: str
    part: str

    @property
    def who(self) -> str:
        return "/".join(filter(None, (self.subject, self.clip)))


def clip_parts(file: Path, clips: Sequence[Clip]) -> list[str]:
    """The part of each clip, blank for one in no part; warns of their number.

    Subjects and clips are recognised in other spellings, such as `1` for `01`, if only one fits. A
    line that fits none is accepted if every clip has a line: a task may leave clips out.

    Raises:
        FoldError: the file is unreadable, a clip is in two parts, or a line fits no clip.
    """
    parts, lost = _parts(file, clips)
    keys = [((clip.subject, clip.name), (clip.subject, "")) for clip in clips]
    missing = [pair[0] for pair in keys if not parts.keys() & set(pair)]
    _report_lost(file, lost, missing)
    found = [parts.get(own, parts.get(whole, "")) for own, whole in keys]
    if not all(found):
        out = found.count("")
        log.warning("%s: %d of %d clip(s) are in no part, and not used", file, out, len(clips))
    return found


def _parts(file: Path, clips: Sequence[Clip]) -> tuple[dict[tuple[str, str], str], list[_Line]]:
    """The part of each (subject, clip), where a blank `clip` means all; lines that fit no clip."""
    names = defaultdict(list)
    for clip in clips:
        names[clip.subject].append(clip.name)
    find_subject = _finder(names)
    find_clip = {subject: _finder(of_subject) for subject, of_subject in names.items()}
    parts: dict[tuple[str, str], str] = {}
    lost = []
    for line in _read(file):
        subject = find_subject(line.subject)
        name = find_clip[subject](line.clip) if subject and line.clip else ""
        if subject is None or name is None:
            lost.append(line)
        elif parts.setdefault((subject, name), line.part) != line.part:
            raise FoldError(
                f"{line.who} is in part {parts[subject, name]!r} and in {line.part!r}",
                file=file,
                row=line.row,
                remedy="Give each clip one part.",
            )
    return parts, lost


def _report_lost(file: Path, lost: Sequence[_Line], missing: Sequence[tuple[str, str]]) -> None:
    """Refuse lines that fit no clip if a clip has no line: they may be its misspelled ones."""
    if not lost:
        return
    first = lost[0]
    if missing:
        raise FoldError(
            f"{first.who!r} fits none of the clips, and {len(missing)} clip(s) have no line, "
            f"such as {'/'.join(missing[0])}",
            file=file,
            row=first.row,
            remedy="Correct the line or remove it. A clip that is not to be used may have a line "
            "with a blank part.",
        )
    text = "%s: %d line(s) fit none of the clips, the first in row %d (%s)"
    log.warning(text, file, len(lost), first.row, first.who)


def _finder(names: Iterable[str]) -> Find:
    """Finds the name that a text means: the same one, or the only one with another spelling."""
    spellings = []
    for form in (str, folded, _bare):
        known: dict[str, set[str]] = defaultdict(set)
        for name in names:
            known[form(name)].add(name)
        spellings.append((form, known))

    def find(text: str) -> str | None:
        found = (known.get(form(text), set()) for form, known in spellings)
        return next((name for one in found if len(one) == 1 for name in one), None)

    return find


def _bare(name: str) -> str:
    """Only the number of `sub01`, and of `1.0`, as tables of numbers have it."""
    return without_prefix(folded(name)).removesuffix(".0")


def _read(file: Path) -> list[_Line]:
    try:
        header, *rows = csv_lines(file, named_by="--protocol.split") or [[]]
    except AnnotationError as error:
        raise FoldError(error.problem, file=file, row=error.row, remedy=error.remedy) from error
    columns = [name.strip().casefold() for name in header]
    twice = [name for name in ("subject", "clip", "part") if columns.count(name) > 1]
    if twice:
        raise FoldError(
            f"two columns are called {twice[0]}",
            file=file,
            row=1,
            remedy="Remove or rename one of them.",
        )
    missing = {"subject", "part"} - set(columns)
    if missing:
        raise FoldError(
            f"column {' and '.join(sorted(missing))} is missing; the columns are "
            f"{', '.join(header or ['none'])}",
            file=file,
            row=1,
            remedy="The first line must be subject,part or subject,clip,part.",
        )
    lines, spellings = [], {TRAIN: TRAIN}
    for number, row in enumerate(rows, start=2):
        cells = dict(zip(columns, row, strict=False))
        subject, clip, part = (_cell(cells, name) for name in ("subject", "clip", "part"))
        line = _Line(number, subject, clip, spellings.setdefault(part.casefold(), part))
        if line.part:
            _check_part(line.part, file, number)
        if line.who or line.part:
            lines.append(line)
    return lines


def _check_part(part: str, file: Path, row: int) -> None:
    safe_name(part, "part", file=file, row=row)
    if part.casefold().startswith(TRAIN) and part != TRAIN:
        raise FoldError(
            f"part {part!r} would be held out, not trained on",
            file=file,
            row=row,
            remedy=f"Write {TRAIN!r} for clips to train on, or give the part another name.",
        )


def _cell(row: Mapping[str, str], name: str) -> str:
    return row.get(name, "").strip()
