"""Plant the faults that real datasets have, and write down where."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.data.specs import DatasetSpec
from gamdss.errors import ConfigError
from gamdss.synthetic.native import MadeRow, column
from gamdss.synthetic.settings import SynthConfig

PLANTED = "faults.csv"
_NOTE = "Notes that somebody wrote above the table."


@dataclass(frozen=True)
class Planted:
    """A planted fault: its kind, the clip's id and row, and what was done."""

    kind: str
    clip: str
    row: int
    done: str


class _Planter:
    """The clip, the line of the sheet and the files that a fault is planted in."""

    def __init__(
        self, root: Path, spec: DatasetSpec, config: SynthConfig, row: MadeRow, line: list[Any]
    ) -> None:
        self.spec, self.row, self.line = spec, row, line
        layout = spec.layout(config.layout or next(iter(spec.layouts)))
        names = row.clip.path_names
        self.folder = root / layout.native.format(**names)
        self.top = root
        self.file = lambda number: self.folder / layout.file.format(frame=number, **names)

    def cell(self, role: str, value: Any) -> str:
        """Write a cell; what was done."""
        place = column(self.spec, role)
        assert place is not None
        before, self.line[place] = self.line[place], value
        return f"{role} {before} -> {value}"

    def missing_apex(self) -> str:
        return self.cell("apex", "/")

    def apex_outside(self) -> str:
        return self.cell("apex", self.row.clip.annotated.offset + 7)

    def swapped(self) -> str:
        keys = self.row.clip.annotated
        return f"{self.cell('onset', keys.offset)}, {self.cell('offset', keys.onset)}"

    def unknown_emotion(self) -> str:
        return self.cell("emotion", "boredom")

    def other_case(self) -> str:
        return self.cell("emotion", self.spec.emotions[self.row.clip.emotion].swapcase())

    def no_folder(self) -> str:
        shutil.rmtree(self.folder)
        return f"{self.folder.relative_to(self.top)} removed"

    def no_key_frame(self) -> str:
        self.file(self.row.clip.annotated.offset).unlink()
        return f"frame {self.row.clip.annotated.offset} removed"

    def no_frames(self) -> str:
        keys = self.row.clip.annotated
        inside = [n for n in range(keys.onset, keys.offset) if n not in keys.numbers][:2]
        for number in inside:
            self.file(number).unlink()
        return f"frames {inside} removed"

    def truncated(self) -> str:
        file = self.file(self.row.clip.annotated.apex)
        file.write_bytes(file.read_bytes()[:-40])
        return f"{file.name} cut"

    def unreadable(self) -> str:
        file = self.file(self.row.clip.annotated.onset)
        file.write_bytes(b"no image")
        return f"{file.name} overwritten"

    def file_name(self) -> str:
        file = self.file(self.row.clip.annotated.apex)
        number = str(self.row.clip.annotated.apex)
        stem = file.stem.rstrip("0123456789")
        other = file.with_name(f"{stem}{int(number):08d}{file.suffix.upper()}")
        file.rename(other)
        return f"{file.name} -> {other.name}"

    def folder_name(self) -> str:
        name = self.folder.name
        other = self.folder.with_name(name.swapcase() if name.swapcase() != name else f"0{name}")
        self.folder.rename(other)
        return f"{self.folder.name} -> {other.name}"


_PLANTERS: dict[str, Callable[[_Planter], str]] = {
    "missing apex": _Planter.missing_apex,
    "apex outside the clip": _Planter.apex_outside,
    "onset after offset": _Planter.swapped,
    "unknown emotion": _Planter.unknown_emotion,
    "emotion spelled otherwise": _Planter.other_case,
    "missing clip folder": _Planter.no_folder,
    "missing key frame": _Planter.no_key_frame,
    "missing frames": _Planter.no_frames,
    "truncated frame": _Planter.truncated,
    "unreadable frame": _Planter.unreadable,
    "file named otherwise": _Planter.file_name,
    "folder named otherwise": _Planter.folder_name,
}


def plant(
    root: Path,
    spec: DatasetSpec,
    config: SynthConfig,
    rows: list[MadeRow],
    lines: list[list[Any]],
) -> list[Planted]:
    """Plant the faults that `config` asks for, each in a clip of its own; changes `lines`.

    Faults that the dataset or its layout cannot have are passed over: a missing apex without a
    column for it, a folder that several clips share, a cut end that only JPEG shows.

    Raises:
        ConfigError: there are fewer clips than faults.
    """
    layout = spec.layout(config.layout or next(iter(spec.layouts)))
    kinds = [kind for kind in config.faults if _possible(kind, spec, layout.whole_video)]
    if Path(layout.file).suffix.lower() != ".jpg":
        kinds = [kind for kind in kinds if kind != "truncated frame"]
    if len(kinds) > len(rows):
        raise ConfigError(
            f"{len(kinds)} faults cannot be planted in {len(rows)} clips",
            remedy="Give more --subjects or --clips-per-subject, or fewer --faults.",
        )
    first = len(lines) - len(rows)
    above = int("notes above the header" in kinds)
    planted = []
    for index, kind in enumerate(kinds):
        row, line, number = rows[index], lines[first + index], first + index + 1 + above
        if kind == "duplicate row":
            lines.append(list(line))
            done, number = f"row {number} again", len(lines) + above
        elif kind == "notes above the header":
            done, number = _NOTE, 1
        else:
            done = _PLANTERS[kind](_Planter(root, spec, config, row, line))
        planted.append(Planted(kind, row.clip.id, number, done))
    lines[:0] = [[_NOTE]] * above
    return planted


def _possible(kind: str, spec: DatasetSpec, whole_video: bool) -> bool:
    if kind in ("missing apex", "apex outside the clip"):
        return column(spec, "apex") is not None
    folder = kind in ("missing clip folder", "folder named otherwise")
    return not (folder and whole_video)


def write_planted(path: Path, planted: list[Planted]) -> None:
    """Write `faults.csv`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("kind", "clip", "row", "done"))
        writer.writerows((item.kind, item.clip, item.row, item.done) for item in planted)
