"""Errors that a user can fix: each names the file, row and value, and says what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import cast

# Control characters, and those that change the direction or the lines of a text.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str, keep: str = "") -> str:
    """A text whose control characters, but for those in `keep`, are shown as escapes.

    Names of files and clips may contain them, and a terminal would obey them.
    """
    return _CONTROL.sub(
        lambda found: found[0] if found[0] in keep else found[0].encode("unicode_escape").decode(),
        text,
    )


class GamdssError(Exception):
    """A mistake in data, configuration or environment that the user can fix.

    The command line prints only the message, no traceback, and exits with `exit_code`.

    Args:
        problem: what is wrong, with the value that was received.
        remedy: how to fix it, a sentence in the imperative.
        file: the file or folder.
        row: the row as a spreadsheet program counts it (the header is 1, the first data row 2).
        kind: the kind of fault, as `gamdss check` calls it.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        remedy: str = "",
        file: str | Path | None = None,
        row: int | None = None,
        kind: str = "",
    ) -> None:
        self.kind = kind
        self.problem = problem
        self.remedy = remedy
        self.file = None if file is None else Path(file)
        self.row = row
        where = "" if file is None else printable(str(file))
        if row is not None:
            where = f"{where}, row {row}" if where else f"row {row}"
        message = f"{where}: {problem}" if where else problem
        text = f"{message}\n{remedy}" if remedy else message
        super().__init__(printable(text, keep="\n"))


class ConfigError(GamdssError):
    """A configuration field has a wrong name, type or value."""


class DataRootError(GamdssError):
    """The dataset's folder or workbook cannot be found."""


class AnnotationError(GamdssError):
    """A workbook lacks a column, or a cell is unusable."""


class FrameError(GamdssError):
    """A clip's folder or one of its frames is missing or unusable."""


class FoldError(GamdssError):
    """The clips cannot be split into folds that can be trained and evaluated."""


class RunError(GamdssError):
    """A run or output folder is missing, incomplete, in use, unwritable or of another config."""


class CheckpointError(GamdssError):
    """A checkpoint is incomplete or corrupt, or of another architecture."""


class DeviceError(GamdssError):
    """The requested device is not available, or its memory does not suffice."""


class DetectorError(GamdssError):
    """A face detector's package or model file is missing or broken."""


def require(condition: bool, flag: str, value: object, allowed: str) -> None:
    """Refuse the value of the option `--flag` unless the condition holds.

    Args:
        condition: whether the value is allowed.
        flag: the option's name, with dots; underscores are shown as hyphens.
        value: the value that was received.
        allowed: what is allowed, to complete "It must be".

    Raises:
        ConfigError: it does not hold.
    """
    if not condition:
        flag = flag.replace("_", "-")
        raise ConfigError(f"--{flag} is {value!r}", remedy=f"It must be {allowed}.")


def require_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse the value of an argument unless it is one of some names.

    Raises:
        ConfigError: it is not; names the most similar one, and all.
    """
    if value not in allowed:
        hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
        raise ConfigError(f"{name} is {value!r}", remedy=f"{hint}Use one of {', '.join(allowed)}.")


def is_whole(value: object, least: int | None = 0) -> bool:
    """Whether a value is an integer, NumPy's too, but not a bool, and not below `least`."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and (least is None or cast(int, value) >= least)


def is_number(value: object) -> bool:
    """Whether a value is a real number, NumPy's too, but not a bool or text."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_between(value: object, least: float, most: float) -> bool:
    """Whether a value is a real number from `least` to `most`; False for other types."""
    return is_number(value) and least <= cast(float, value) <= most


def of_type(value: object) -> str:
    """What a value from a file is, to complete "it is"."""
    return "empty" if value is None else f"of type {type(value).__name__}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the most similar known name and a space after it; empty if none is."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def first_line(error: BaseException) -> str:
    """The first line of another library's message, at most 200 letters; its type if it has none."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def short_of_memory(error: BaseException) -> DeviceError:
    """What PyTorch's error about a GPU's memory means to the user."""
    return DeviceError(
        f"the memory of the GPU does not suffice: {first_line(error)}",
        remedy="Free some (nvidia-smi shows who uses it), or let fewer processes share the GPU, "
        "and repeat the command: a training resumes. Smaller batches (--training.batch-size) are "
        "another training, with an --output of its own.",
    )


def unfit_weights(error: BaseException) -> str:
    """The first names and shapes that differ, from an error of `load_state_dict`."""
    lines = [" ".join(line.split())[:200] for line in str(error).strip().splitlines()[1:4]]
    return " ".join(lines) or str(error)


def some(items: Sequence[str], shown: int = 5) -> str:
    """The first items and how many more there are: `a, b and 3 more`."""
    more = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {more} more" if more > 0 else "")
