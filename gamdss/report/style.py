"""How every figure looks and is saved: fonts, colours, resolution, atomic writes.

Figures are built with matplotlib's object-oriented interface, without pyplot: no figure is shown
or left open, and the caller's matplotlib settings neither affect figures nor are affected.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.errors import RunError
from gamdss.files import write_atomic

# Colours that colour-blind readers can distinguish: Okabe and Ito, "Color Universal Design", 2008.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
INK, FAINT = "#222222", "#767676"
# Colours of classes; yellow, the palest on white, comes last.
CLASS_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK, YELLOW)
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

DPI = 150

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # part of matplotlib, so the same everywhere
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 10,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "text.parse_math": False,  # "$" in a class name is not the start of a formula
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.hashsalt": "gamdss",  # otherwise element names are random
}

# Otherwise a file contains its date or the release of matplotlib.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Settings of this library's figures within a `with` block or decorated function."""
    with rc_context():
        rcdefaults()
        rcParams.update(_STYLE)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix; the same figure gives the same bytes.

    Raises:
        RunError: a suffix other than `.png`, `.pdf` or `.svg`, or an unwritable folder.
    """
    suffix = path.suffix.lower()
    if suffix not in _METADATA:
        raise RunError(
            f"a figure cannot be written as {path.suffix or 'a file without suffix'!r}",
            file=path,
            remedy=f"Choose a file name that ends in {', '.join(_METADATA)}.",
        )
    write_atomic(
        path, lambda target: figure.savefig(target, metadata=_METADATA[suffix], facecolor="white")
    )


def bare(axes: Axes) -> None:
    """Remove ticks and numbers from a picture, and give it a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)


def axes_at(figure: Figure, left: float, low: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the lower left corner of the figure."""
    total = figure.get_size_inches()
    return figure.add_axes((left / total[0], low / total[1], width / total[0], height / total[1]))


def text_at(figure: Figure, x: float, y: float, words: str, **style: Any) -> None:
    """Text at a place in inches, which is its upper left corner unless aligned otherwise."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, words, **{"va": "top", **style})


def class_style(number: int) -> tuple[str, str]:
    """(colour, marker) of a class; from the ninth class on, colours have other markers."""
    count = len(CLASS_COLOURS)
    shift = number // count
    return CLASS_COLOURS[number % count], CLASS_MARKERS[(number + shift) % count]
