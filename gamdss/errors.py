"""Errors a user can act on: each names the file, the row and the value, and says what to do."""

from __future__ import annotations

from pathlib import Path


class GamdssError(Exception):
    """A mistake in data, configuration or environment that the user can mend.

    The command line prints the message alone, without a traceback, and exits with `exit_code`.

    Args:
        problem: what is wrong, with the value that was received.
        remedy: what the user can do about it, a sentence in the imperative.
        file: the file (or folder) concerned.
        row: the row as a spreadsheet program counts it (header on line 1, first data row 2).
        kind: what kind of fault it is, in the words of `gamdss check`.
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
        where = "" if file is None else f"{file}"
        if row is not None:
            where = f"{where}, row {row}" if where else f"row {row}"
        message = f"{where}: {problem}" if where else problem
        super().__init__(f"{message}\n{remedy}" if remedy else message)


class ConfigError(GamdssError):
    """A configuration field has a wrong name, type or value."""


class DataRootError(GamdssError):
    """The dataset's folder or workbook cannot be found."""


class AnnotationError(GamdssError):
    """A workbook lacks a column, or a cell holds something unusable."""


class FrameError(GamdssError):
    """A clip's folder or one of its frames is missing or unusable."""


class FoldError(GamdssError):
    """The clips cannot be split into folds that can be trained and judged."""


class RunError(GamdssError):
    """The run directory cannot be written or belongs to another configuration."""


class CheckpointError(GamdssError):
    """A checkpoint is truncated, or of another architecture."""


class DeviceError(GamdssError):
    """The requested device is not there."""


class DetectorError(GamdssError):
    """A face detector's package or model file is missing or broken."""
