"""How every figure looks and is saved: fonts, colours, resolution, atomic writes.

Figures are built with matplotlib's object-oriented interface, without pyplot: no figure is shown
or left open, and the caller's matplotlib settings neither affect figures nor are affected.
"""

from __future__ import annotations

import logging
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import get_cachedir, rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.text import Text

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

log = logging.getLogger("gamdss")
_FONT = "DejaVu Sans"  # part of matplotlib, so the same everywhere
# For the characters that it lacks, mostly of names of people and clips, if they are installed.
_FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Unifont"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "Malgun Gothic"),  # Windows
    *("PingFang SC", "Hiragino Sans GB", "Apple SD Gothic Neo", "Arial Unicode MS"),  # macOS
)
_LATIN = 0x250  # letters below it are in `_FONT`
_LETTERS = 9.5  # of a title in an inch
_BOXES: set[str] = set()  # what was warned of
_STYLE: dict[Any, Any] = {
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
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    with rc_context():
        rcdefaults()
        rcParams.update({**_STYLE, "font.family": _fonts()})
        fonts.setLevel(logging.ERROR)  # without a warning of each font that has no bold letters
        try:
            yield
        finally:
            fonts.setLevel(level)


def _fonts() -> list[str]:
    installed = {font.name for font in fontManager.ttflist}
    return [_FONT, *(name for name in _FALLBACKS if name in installed)]


def _check_characters(figure: Figure) -> None:
    """Warn once if figures show boxes in place of characters of names."""
    if _BOXES:
        return
    words = {text.get_text() for text in figure.findobj(Text)}
    letters = {letter for text in words for letter in text if letter.isprintable()}
    known = set(range(_LATIN))
    for name in _fonts():
        if all(ord(letter) in known for letter in letters):
            return
        known |= get_font(findfont(name)).get_charmap().keys()
    if missing := sorted(letter for letter in letters if ord(letter) not in known):
        _BOXES.update(missing)
        log.warning(
            "figures show boxes for characters that no installed font has, such as %s: install one "
            "that has them, such as Noto Sans CJK, and delete fontlist-*.json in %s",
            missing[0],
            get_cachedir(),
        )


def check_suffix(path: Path) -> str:
    """The format of a figure, `.png`, `.pdf` or `.svg`.

    Raises:
        RunError: the path has another suffix.
    """
    suffix = path.suffix.lower()
    if suffix not in _METADATA:
        raise RunError(
            f"a figure cannot be written as {path.suffix or 'a file without suffix'!r}",
            file=path,
            remedy=f"Choose a file name that ends in {', '.join(_METADATA)}.",
        )
    return suffix


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the suffix; the same figure gives the same bytes.

    Raises:
        RunError: a suffix other than `.png`, `.pdf` or `.svg`, or an unwritable folder.
    """
    suffix = check_suffix(path)
    _check_characters(figure)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # one for each character
        write_atomic(
            path,
            lambda target: figure.savefig(target, metadata=_METADATA[suffix], facecolor="white"),
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


def wrapped(title: str, width: float) -> str:
    """A title in lines that fit into a figure of so many inches."""
    return "\n".join(textwrap.fill(line, int(width * _LETTERS)) for line in title.splitlines())


def text_at(figure: Figure, x: float, y: float, words: str, **style: Any) -> None:
    """Text at a place in inches, which is its upper left corner unless aligned otherwise."""
    width, height = figure.get_size_inches()
    figure.text(x / width, y / height, words, **{"va": "top", **style})


def class_style(number: int) -> tuple[str, str]:
    """(colour, marker) of a class; from the ninth class on, colours have other markers."""
    count = len(CLASS_COLOURS)
    shift = number // count
    return CLASS_COLOURS[number % count], CLASS_MARKERS[(number + shift) % count]
