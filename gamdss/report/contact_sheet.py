"""Contact sheet: a small picture of every clip with its name, on one or several pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gamdss.report.style import (
    FAINT,
    INK,
    ORANGE,
    VERMILLION,
    axes_at,
    bare,
    house_style,
    save,
    text_at,
)

COLUMNS, ROWS = 8, 5
# Inches.
PICTURE, GAP, EDGE, TOP, CAPTION = 1.15, 0.16, 0.4, 0.85, 0.44


@dataclass(frozen=True, eq=False)
class Cell:
    """A clip on the sheet.

    Args:
        name: below the picture.
        picture: returns the uint8 RGB image (H, W, 3), or None if there is none.
        note: a second line below the picture.
        failed: whether the picture is crossed out.
        quiet: the note is not a warning, and the picture has no coloured frame.
    """

    name: str
    picture: Callable[[], np.ndarray | None]
    note: str = ""
    failed: bool = False
    quiet: bool = False


def contact_sheet(
    path: Path, cells: Sequence[Cell], title: str, shape: tuple[int, int] = (340, 280)
) -> list[Path]:
    """Draw all cells, and delete surplus pages of an earlier sheet.

    Args:
        path: file of the first page; the second is `..._2` and so on.
        cells: what to draw, row by row.
        title: above the first page.
        shape: height and width of all pictures in pixels.

    Returns:
        The files of the pages.

    Raises:
        RunError: a page cannot be written.
    """
    per_page = COLUMNS * ROWS
    count = max(1, -(-len(cells) // per_page))
    pages = []
    for page in range(count):
        words = title if count == 1 else f"{title} · page {page + 1} of {count}"
        chosen = cells[page * per_page : (page + 1) * per_page]
        pages.append(_page_file(path, page + 1))
        _page(pages[-1], chosen, words, PICTURE * shape[0] / shape[1])
    beyond = count + 1
    while (old := _page_file(path, beyond)).is_file():
        old.unlink()
        beyond += 1
    return pages


def _page_file(path: Path, page: int) -> Path:
    return path if page == 1 else path.with_stem(f"{path.stem}_{page}")


@house_style()
def _page(path: Path, cells: Sequence[Cell], title: str, high: float) -> None:
    """One page; `high` is the height of a picture in inches."""
    columns = max(4, min(COLUMNS, len(cells)))
    rows = -(-len(cells) // columns)
    width = 2 * EDGE + columns * (PICTURE + GAP) - GAP
    height = TOP + rows * (high + CAPTION) + 0.15
    figure = Figure(figsize=(width, height))
    size = min(13.0, 105 * (width - 2 * EDGE) / len(title))  # a page may be narrow
    text_at(figure, EDGE, height - 0.38, title, size=size, weight="bold")
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        left = EDGE + column * (PICTURE + GAP)
        low = height - TOP - row * (high + CAPTION) - high
        _cell(figure, cell, left, low, high)
    save(figure, path)


def _cell(figure: Figure, cell: Cell, left: float, low: float, high: float) -> None:
    """A picture and the text below it; all places are in inches."""
    axes = axes_at(figure, left, low, PICTURE, high)
    bare(axes)
    picture = cell.picture()
    if picture is not None:
        axes.imshow(picture, aspect="auto", interpolation="antialiased")
    else:
        axes.set_facecolor("#f2f2f2")
    colour = VERMILLION if cell.failed else ORANGE if cell.note else INK
    if cell.failed:
        for ends in ((0, 1), (1, 0)):
            axes.plot((0, 1), ends, transform=axes.transAxes, color=VERMILLION, linewidth=1.2)
        if picture is None:
            axes.set(xlim=(0, 1), ylim=(0, 1))
    if cell.failed or (cell.note and not cell.quiet):
        for spine in axes.spines.values():
            spine.set(color=colour, linewidth=1.4)
    middle = left + PICTURE / 2
    ink = VERMILLION if cell.failed else INK
    text_at(figure, middle, low - 0.05, _short(cell.name, 20), ha="center", size=7.5, color=ink)
    ink = colour if cell.failed else FAINT
    text_at(figure, middle, low - 0.18, _short(cell.note, 24), ha="center", size=6.5, color=ink)


def _short(words: str, most: int) -> str:
    """The words, without their middle if too long: both ends distinguish clips."""
    if len(words) <= most:
        return words
    half = (most - 1) // 2
    return f"{words[: most - 1 - half]}…{words[-half:]}"
