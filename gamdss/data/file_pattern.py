"""The frames of a folder whose files are named as `--frames.pattern` says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from gamdss.data.folders import files_by_number
from gamdss.data.folders import frame_number as last_number
from gamdss.data.specs.spec import FRAME_SUFFIXES, filled

_FRAME = re.compile(r"\{frame(?::0?(\d*)d?)?\}")
_MARK = "\0"  # where the frame's number is
_DIGITS = re.compile(r"\d+")


def frames_named(
    template: str, names: Mapping[str, str | int], files: Iterable[Path]
) -> dict[int, Path]:
    """Frames by their number, in rising order; other files are left out.

    Case and zero padding may differ, and the suffix of frames that have no file with that of the
    template. If files have the width of the template, such as `{frame:03d}`, those of another width
    are left out.

    Args:
        template: of a file's name, such as `aligned_{frame}.png`; `*` stands for any characters.
        names: of the clip, for other names in braces.
        files: of the folder.

    Raises:
        FrameError: two files have one number.
    """
    form, suffix = _form(template, names)
    found: dict[Path, str] = {}
    for file in files:
        match = form.fullmatch(file.stem.casefold())
        if match and last_number(file) is not None:  # a frame, and not hidden
            found[file] = match[1]
    width = next(iter(_FRAME.findall(template)), "")
    if width:
        exact = {f: d for f, d in found.items() if d == f"{int(d):0{int(width)}d}"}
        found = exact or found
    numbers = {file: int(digits) for file, digits in found.items()}
    native = {number for file, number in numbers.items() if file.suffix.lower() == suffix}
    usable = {f: n for f, n in numbers.items() if n not in native or f.suffix.lower() == suffix}
    return files_by_number(usable, usable)


def names_clips(template: str) -> bool:
    """Whether the name of a file says of which clip or person it is."""
    return "{" in _FRAME.sub("", template)


def _form(template: str, names: Mapping[str, str | int]) -> tuple[re.Pattern[str], str]:
    """A pattern of a file's stem in small letters, with the number as a group, and the suffix."""
    name = filled(_FRAME.sub(_MARK, template), **names)
    suffix = PurePath(name).suffix.lower()
    stem = (name[: -len(suffix)] if suffix in FRAME_SUFFIXES else name).casefold()
    before, _, after = stem.partition(_MARK)
    return re.compile(rf"{_literal(before)}(\d+){_literal(after)}"), suffix


def _literal(text: str) -> str:
    """A pattern of a text in any zero padding, where `*` stands for any characters."""
    padded = _DIGITS.sub(lambda digits: f"0*{digits[0].lstrip('0')}", re.escape(text))
    return padded.replace(r"\*", ".*").replace(_MARK, r"\d+")
