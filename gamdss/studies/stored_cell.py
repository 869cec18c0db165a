"""The file of a finished cell of a study, from which an interrupted study resumes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gamdss.config.changes import changes
from gamdss.errors import RunError
from gamdss.files import read_record

CELLS = "cells"  # folder of the cells' files

_Result = TypeVar("_Result")


def cell_file(output: Path, name: str) -> Path:
    """The file of a cell."""
    return output / CELLS / f"{name}.json"


def read_cell(
    file: Path, about: dict[str, Any], parse: Callable[[dict[str, Any]], _Result]
) -> _Result | None:
    """The result of a finished cell; None if it has no file yet.

    Args:
        file: of the cell.
        about: the settings that its numbers depend on, as its file has them.
        parse: makes the result of the file's values.

    Raises:
        RunError: the file is corrupt or has other settings.
    """
    if not file.exists():
        return None
    stored = read_record(file)  # empty if it is corrupt
    # A field that an earlier version lacked is None.
    changed = changes({name: stored.get(name) for name in about}, about) if stored else ""
    if changed:
        raise RunError(
            f"the cell has other settings ({changed})",
            file=file,
            remedy="Choose another --output, or remove the folder to start again.",
        )
    try:
        return parse(stored)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            "incomplete or corrupt cell of a study", file=file, remedy="Remove the file."
        ) from error
