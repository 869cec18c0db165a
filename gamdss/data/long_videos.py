"""Long-video datasets as typed recordings with their labelled expressions.

Known problems of the rows are corrected by `RowRules`, and every correction is reported as a note.
The defaults are those of the official baseline of MEGC2020.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gamdss.data.cells import cell_text
from gamdss.data.folders import frame_numbers, listed
from gamdss.data.long_rows import expression_type
from gamdss.data.long_tables import LongRow, LongSpec, long_spec, recording_folders
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, DataRootError, require, some

OFFSET_RULES = ("apex", "later", "mirror", "drop")
KEEP_OR_DROP = ("keep", "drop")
FRACTIONS = ("round", "truncate")
_FRAME = re.compile(r"[+-]?\d{1,15}(\.\d*)?", re.ASCII)


@dataclass(frozen=True)
class RowRules:
    """What is done with rows that are incomplete.

    Args:
        offset_zero: the offset where it is 0 (44 rows of CAS(ME)2): the `apex`, as in the baseline
            of MEGC2020; `later`, two thirds of a second after the apex; `mirror`, as long after
            the apex as the onset is before it; or `drop` the row.
        onset_zero: `keep` rows whose onset is 0 (10 rows of SAMM Long Videos), or `drop` them.
        beyond: `keep` labels that end after the last frame (3 rows of SAMM Long Videos), or `drop`
            them.
        fractions: `round` fractional frame numbers (half up), or `truncate` them.
        longest_micro: drop micro-expressions whose offset is more frames than this after the
            onset; 0 keeps all. The public protocol of LGSNet for CAS(ME)3 has 15.
        longest_macro: the same of macro-expressions; that protocol has 120.
    """

    offset_zero: str = "apex"
    onset_zero: str = "keep"
    beyond: str = "keep"
    fractions: str = "round"
    longest_micro: int = 0
    longest_macro: int = 0

    def __post_init__(self) -> None:
        for name, known in (
            ("offset_zero", OFFSET_RULES),
            ("onset_zero", KEEP_OR_DROP),
            ("beyond", KEEP_OR_DROP),
            ("fractions", FRACTIONS),
        ):
            value = getattr(self, name)
            require(value in known, f"rules.{name}", value, " or ".join(known))
        for name in ("longest_micro", "longest_macro"):
            value = getattr(self, name)
            require(value >= 0, f"rules.{name}", value, "0 or more")


@dataclass(frozen=True)
class LongEvent:
    """A labelled expression; `type` is micro or macro, `row` that of the workbook.

    `emotion` is what the subject reported, `estimated` what the coders did; both may be empty.
    """

    name: str
    type: str
    onset: int
    apex: int
    offset: int
    row: int
    action_units: str = ""
    emotion: str = ""
    estimated: str = ""


@dataclass(frozen=True)
class LongVideo:
    """A recording: its folder of frames, the last frame's number, and its events by onset.

    `shift` is added to its frame numbers for those of the same clips in SAMM; 0 for CAS(ME)2.
    """

    subject: str
    name: str
    folder: Path
    fps: float
    last: int
    events: tuple[LongEvent, ...] = ()
    shift: int = 0


@dataclass(frozen=True)
class RowNote:
    """What was changed or dropped in a row; `kind` is the sort of problem."""

    kind: str
    row: int
    name: str
    text: str


@dataclass(frozen=True)
class LongVideos:
    """A long-video dataset: all its recordings, those without events included.

    `cropped` says whether its frames are already cropped to the face.
    """

    spec: LongSpec
    workbook: Path
    cropped: bool
    videos: tuple[LongVideo, ...]
    notes: tuple[RowNote, ...]

    @property
    def summary(self) -> str:
        """Numbers of recordings and labels beside the published ones, and of notes by kind."""
        spec, types = self.spec, Counter(e.type for video in self.videos for e in video.events)
        subjects = len({video.subject for video in self.videos})
        pairs = [
            ("recordings", len(self.videos), spec.recordings),
            ("subjects", subjects, spec.subjects),
            ("micro-expressions", types["micro"], spec.micro),
            ("macro-expressions", types["macro"], spec.macro),
        ]
        counts = ", ".join(f"{n} {what} (published: {known})" for what, n, known in pairs)
        kinds = Counter(note.kind for note in self.notes)
        return "\n".join([f"{spec.title}: {counts}", *(f"  {n} x {k}" for k, n in kinds.items())])


def open_long_videos(
    name: str,
    data_root: Path,
    annotations: Path | None = None,
    layout: str | None = None,
    rules: RowRules | None = None,
) -> LongVideos:
    """Read the workbook and find the frames of a long-video dataset.

    Args:
        name: `casme2sq` (CAS(ME)2), `sammlv` (SAMM Long Videos) or `cas3lv` (CAS(ME)3 part A).
        data_root: its folder, as delivered.
        annotations: the workbook, if it is not found by name.
        layout: which frames are read, `raw` or `cropped`; by default the first found.
        rules: what is done with incomplete rows.

    Raises:
        ConfigError: the dataset or layout is unknown.
        DataRootError: workbook or frames are missing.
        AnnotationError: a row cannot be used.
    """
    spec = long_spec(name)
    workbook = find_workbook(spec, data_root, annotations)
    found, folders = recording_folders(spec, data_root, layout)
    reader = _Reader(workbook, spec.fps, rules or RowRules())
    events = reader.read(spec.rows(workbook))
    missing = [key for key in events if key not in folders]
    if missing:
        raise DataRootError(
            f"the frames of {some(missing)} are missing, but "
            f"{workbook.name} has their labels (first in row {events[missing[0]][0].row})",
            file=data_root / found.root,
            remedy="Unpack the whole dataset, or remove these rows from a copy of the workbook.",
        )
    videos = []
    for key, (subject, folder) in folders.items():
        last = max(frame_numbers(listed(folder)).values())
        kept = reader.inside(events[key], last) if key in events else ()
        shift = spec.shifts.get(key, 0)
        videos.append(LongVideo(subject, key, folder, spec.fps, last, tuple(kept), shift))
    notes = tuple(sorted(reader.notes, key=lambda note: note.row))
    return LongVideos(spec, workbook, found.cropped, tuple(videos), notes)


@dataclass
class _Reader:
    """Rows -> events; collects the notes."""

    workbook: Path
    fps: float
    rules: RowRules
    notes: list[RowNote] = field(default_factory=list)

    def read(self, rows: Sequence[LongRow]) -> dict[str, list[LongEvent]]:
        """The events of each recording in order of their onset."""
        found: dict[str, list[LongEvent]] = defaultdict(list)
        seen: dict[tuple[str, str, str, int], int] = {}
        for row in rows:
            event = self._event(row)
            if event is None:
                continue
            # A name may occur twice: SAMM's 037_4_1 is a micro- and a macro-expression.
            key = row.video, event.name, event.type, event.onset
            first = seen.setdefault(key, row.number)
            if first != row.number:
                self._note("duplicate row", row, f"dropped: repeats row {first}")
                continue
            found[row.video].append(event)
        return {key: sorted(events, key=lambda e: e.onset) for key, events in found.items()}

    def inside(self, events: Sequence[LongEvent], last: int) -> list[LongEvent]:
        """Events that are kept in a recording with this last frame."""
        kept = []
        for event in events:
            if event.offset > last:
                done = "dropped" if self.rules.beyond == "drop" else "kept"
                text = f"{done}: frames {event.onset} to {event.offset}, the last frame is {last}"
                self.notes.append(
                    RowNote("label after the last frame", event.row, event.name, text)
                )
            if event.offset <= last or self.rules.beyond == "keep":
                kept.append(event)
        return kept

    def _event(self, row: LongRow) -> LongEvent | None:
        kind = expression_type(row.type)
        if not kind:
            raise self._unusable(row, "type", row.type, "Enter micro or macro")
        onset, apex, offset = (
            self._frame(row, role, getattr(row, role)) for role in ("onset", "apex", "offset")
        )
        if onset < 0:
            raise self._unusable(row, "onset", row.onset)
        if onset == 0:
            done = "dropped" if self.rules.onset_zero == "drop" else "kept"
            self._note("onset 0", row, f"{done}: ends at frame {offset}")
            if self.rules.onset_zero == "drop":
                return None
        event = LongEvent(
            *(row.name, kind, onset, apex, offset, row.number),
            *(row.action_units, row.emotion, row.estimated),
        )
        if offset == 0 and apex > 0:
            if self.rules.offset_zero == "drop":
                self._note("offset 0", row, "dropped")
                return None
            event = replace(event, offset=self._offset(event))
            self._note("offset 0", row, f"{self.rules.offset_zero}: offset is {event.offset}")
        if event.onset > event.offset:
            raise self._unusable(row, "offset", row.offset, "Enter a frame not before the onset")
        longest = getattr(self.rules, f"longest_{kind}")
        if longest and event.offset - event.onset > longest:
            text = f"dropped: {event.offset - event.onset} frames from onset to offset"
            self._note(f"{kind}-expression of more than {longest} frames", row, text)
            return None
        return self._with_apex(event, row)

    def _offset(self, event: LongEvent) -> int:
        if self.rules.offset_zero == "later":
            return event.apex + int(self.fps * 2 / 3)
        if self.rules.offset_zero == "mirror":
            return 2 * event.apex - event.onset
        return event.apex

    def _with_apex(self, event: LongEvent, row: LongRow) -> LongEvent:
        """The event, with the midpoint as its apex if that is not inside it."""
        if event.onset <= event.apex <= event.offset and event.apex > 0:
            return event
        missing = event.apex in (0, -1)
        middle = (event.onset + event.offset) // 2
        kind = "no apex" if missing else "apex outside the expression"
        text = f"apex {event.apex} -> {middle}, the midpoint of {event.onset} to {event.offset}"
        self._note(kind, row, text)
        return replace(event, apex=middle)

    def _frame(self, row: LongRow, role: str, cell: Any) -> int:
        text = cell_text(cell)
        value = float(text) if _FRAME.fullmatch(text) else math.nan
        if not math.isfinite(value):
            raise self._unusable(row, role, cell)
        if value == int(value):
            return int(value)
        number = int(value) if self.rules.fractions == "truncate" else math.floor(value + 0.5)
        self._note("fractional frame", row, f"{role} {value:g} -> {number}")
        return number

    def _note(self, kind: str, row: LongRow, text: str) -> None:
        self.notes.append(RowNote(kind, row.number, row.name, text))

    def _unusable(
        self, row: LongRow, role: str, cell: object, remedy: str = "Enter a frame number"
    ) -> AnnotationError:
        return AnnotationError(
            f"{role} of {row.name} ({row.video}) is {cell!r}",
            file=self.workbook,
            row=row.number,
            remedy=f"{remedy} in a copy of the workbook, and name it with --annotations.",
        )
