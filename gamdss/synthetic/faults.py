"""Plant the faults that real datasets have, and record where."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gamdss.data.specs import DatasetSpec, Layout
from gamdss.errors import ConfigError
from gamdss.synthetic.native import WorkbookRow, column
from gamdss.synthetic.settings import SynthConfig

PLANTED = "faults.csv"
_NOTE = "Notes that somebody wrote above the table."


class PlantedFault(NamedTuple):
    """A planted fault: its kind, the clip's id and row, and what was done."""

    kind: str
    clip: str
    row: int
    done: str


class _Planter:
    """Plants faults in one clip: its line of the sheet and its files. Methods return what they did.

    Args:
        root: the dataset's folder.
        spec: the dataset's native form.
        layout: where its frames are.
        row: the clip.
        line: the clip's line of the sheet, which is changed.
    """

    def __init__(
        self, root: Path, spec: DatasetSpec, layout: Layout, row: WorkbookRow, line: list[Any]
    ) -> None:
        self.root, self.spec, self.clip, self.line = root, spec, row.clip, line
        self.keys = row.clip.annotated
        self.folder = root / layout.native.format(**self.clip.path_names)
        self._file = layout.file

    def file(self, number: int) -> Path:
        """The file of a frame."""
        return self.folder / self._file.format(frame=number, **self.clip.path_names)

    def write(self, role: str, value: Any) -> str:
        """Replace a cell of the sheet."""
        place = column(self.spec, role)
        assert place is not None
        before, self.line[place] = self.line[place], value
        return f"{role} {before} -> {value}"

    def remove_folder(self) -> str:
        shutil.rmtree(self.folder)
        return f"{self.folder.relative_to(self.root)} removed"

    def remove_key_frame(self) -> str:
        self.file(self.keys.offset).unlink()
        return f"frame {self.keys.offset} removed"

    def remove_frames(self) -> str:
        between = range(self.keys.onset, self.keys.offset)
        removed = [n for n in between if n not in self.keys.numbers][:2]
        for number in removed:
            self.file(number).unlink()
        return f"frames {removed} removed"

    def truncate(self) -> str:
        file = self.file(self.keys.apex)
        file.write_bytes(file.read_bytes()[:-40])
        return f"{file.name} cut"

    def overwrite(self) -> str:
        file = self.file(self.keys.onset)
        file.write_bytes(b"no image")
        return f"{file.name} overwritten"

    def rename_file(self) -> str:
        file = self.file(self.keys.apex)
        stem = file.stem.rstrip("0123456789")
        other = file.with_name(f"{stem}{self.keys.apex:08d}{file.suffix.upper()}")
        file.rename(other)
        return f"{file.name} -> {other.name}"

    def rename_folder(self) -> str:
        name = self.folder.name
        other = self.folder.with_name(name.swapcase() if name.swapcase() != name else f"0{name}")
        self.folder.rename(other)
        return f"{name} -> {other.name}"


# The other kinds, `duplicate row` and `notes above the header`, change the lines around the clip.
_PLANTERS: dict[str, Callable[[_Planter], str]] = {
    "missing apex": lambda p: p.write("apex", "/"),
    "apex outside the clip": lambda p: p.write("apex", p.keys.offset + 7),
    "onset after offset": lambda p: (
        f"{p.write('onset', p.keys.offset)}, {p.write('offset', p.keys.onset)}"
    ),
    "unknown emotion": lambda p: p.write("emotion", "boredom"),
    "emotion spelled otherwise": lambda p: p.write(
        "emotion", p.spec.emotions[p.clip.emotion].swapcase()
    ),
    "missing clip folder": _Planter.remove_folder,
    "missing key frame": _Planter.remove_key_frame,
    "missing frames": _Planter.remove_frames,
    "truncated frame": _Planter.truncate,
    "unreadable frame": _Planter.overwrite,
    "file named otherwise": _Planter.rename_file,
    "folder named otherwise": _Planter.rename_folder,
}


def plant(
    root: Path,
    spec: DatasetSpec,
    config: SynthConfig,
    rows: list[WorkbookRow],
    lines: list[list[Any]],
) -> list[PlantedFault]:
    """Plant the faults that `config` asks for, each in a different clip; changes `lines`.

    Faults that the dataset or its layout cannot have are skipped (see `_possible`).

    Raises:
        ConfigError: there are fewer clips than faults.
    """
    layout = config.layout_of(spec)
    kinds = [kind for kind in config.faults if _possible(kind, spec, layout)]
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
            done = _PLANTERS[kind](_Planter(root, spec, layout, row, line))
        planted.append(PlantedFault(kind, row.clip.id, number, done))
    lines[:0] = [[_NOTE]] * above
    return planted


def _possible(kind: str, spec: DatasetSpec, layout: Layout) -> bool:
    """An apex needs a column, a folder must hold one clip, and only JPEG shows a truncated end."""
    if kind in ("missing apex", "apex outside the clip"):
        return column(spec, "apex") is not None
    if kind in ("missing clip folder", "folder named otherwise"):
        return not layout.whole_video
    if kind == "notes above the header":
        return spec.writing.lead >= 0
    return kind != "truncated frame" or Path(layout.file).suffix.lower() == ".jpg"
