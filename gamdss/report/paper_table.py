"""What a table of the paper holds: columns, rows, figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """A figure with its 95% interval, spread over seeds (None for one), and whether it is best."""

    value: float
    interval: tuple[float, float] | None = None
    spread: float | None = None
    best: bool = False


@dataclass(frozen=True)
class Column:
    """A column: its key in the CSV, its header and what it shares with its neighbours.

    `group` is the shared part of the header (a selection); figures have so many `digits` after
    the point, and `signed` ones a plus. In a `ranked` column the best figure is marked.
    """

    key: str
    title: str
    group: str = ""
    digits: int = 3
    signed: bool = False
    ranked: bool = False

    def text(self, value: float) -> str:
        """A value of this column, with a true minus sign."""
        return f"{value:{'+' if self.signed else ''},.{self.digits}f}".replace("-", "−")


@dataclass(frozen=True)
class PaperRow:
    """A row: its labels, its cells by column, and texts of the last columns."""

    labels: tuple[str, ...]
    cells: Mapping[str, Cell]
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaperTable:
    """A table: `label_titles` head the labels, `text_titles` (by key) the last columns."""

    name: str
    caption: str
    label_titles: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]
    text_titles: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
