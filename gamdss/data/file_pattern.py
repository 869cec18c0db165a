"""The frames of a folder whose files are named as `--frames.pattern` says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from gamdss.data.folders import files_by_number, folded
from gamdss.data.folders import frame_number as last_number
from gamdss.data.specs.spec import FRAME_SUFFIXES, filled

_FRAME = re.compile(r"\{frame[^}]*\}")
_MARK = "\0"  # where the frame's number is


def frames_named(
    template: str, names: Mapping[str, str | int], files: Iterable[Path]
) -> dict[int, Path]:
    """Frames by their number, in rising order; other files are left out.

    Case and zero padding may differ, and the suffix if no file has that of the template.

    Args:
        template: of a file's name, such as `aligned_{frame}.png`.
        names: of the clip, for other names in braces.
        files: of the folder.

    Raises:
        FrameError: two files have one number.
    """
    form, suffix = _form(template, names)
    found = {}
    for file in files:
        match = form.fullmatch(folded(file.stem))
        if match and last_number(file) is not None:  # a frame, and not hidden
            found[file] = int(match[1])
    alike = [file for file in found if file.suffix.lower() == suffix]
    return files_by_number(alike or found, found.__getitem__)


def _form(template: str, names: Mapping[str, str | int]) -> tuple[re.Pattern[str], str]:
    """A pattern of a file's folded stem, with the number as a group, and the suffix."""
    name = filled(_FRAME.sub(_MARK, template), **names)
    suffix = PurePath(name).suffix.lower()
    stem = name[: -len(suffix)] if suffix in FRAME_SUFFIXES else name
    before, _, after = (re.escape(part) for part in folded(stem).partition(_MARK))
    return re.compile(rf"{before}(\d+){after.replace(_MARK, r'[0-9]+')}"), suffix
