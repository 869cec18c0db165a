"""How every figure looks and is written: fonts, colours, size of a pixel, whole files only.

Figures are built with matplotlib's object-oriented interface, without pyplot: nothing is shown,
nothing is left open, and a caller's own matplotlib settings neither change nor are changed.
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

# Colours that colour-blind readers tell apart: Okabe and Ito, "Color Universal Design", 2008.
BLUE, VERMILLION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
INK, FAINT = "#222222", "#767676"

DPI = 150

_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # matplotlib brings it along, so it is the same everywhere
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
    "text.parse_math": False,  # a "$" in a class name is a "$"
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "svg.hashsalt": "gamdss",  # else element names are drawn at random
}

# Without these a file would name the moment or the release of matplotlib that wrote it.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".svg": {"Date": None, "Creator": None},
}


@contextmanager
def house_style() -> Iterator[None]:
    """Settings of this library's figures, for the time of a `with` block or decorated function."""
    with rc_context():
        rcdefaults()
        rcParams.update(_STYLE)
        yield


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix; the same figure gives the same bytes.

    Raises:
        RunError: a suffix that is not `.png`, `.pdf` or `.svg`, or a folder that cannot be written.
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
    """Leave a picture without ticks and numbers, in a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.6)
