"""A card of a predicted expression: faces, differences, motion level and probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.prediction.predictions import Prediction
from gamdss.records import KEYS
from gamdss.report.colours import SIGNED, change, limit, smoothed
from gamdss.report.motion_curve import Curve, motion_panel
from gamdss.report.style import BLUE, FAINT, VERMILLION, bare, house_style, save

_ROOM = 1.25  # of the width of the bars, for their numbers
_CAPTION = (
    "Black: measured motion. Grey: mean of the courses that fit it. Orange: key frames with their "
    "intervals; each is the median over these courses.\n"
    "The apex need not be where the grey curve is highest. If an expression is held, the orange "
    "line on top is its apex phase."
)


@house_style()
def draw_card(path: Path, number: int, item: Prediction) -> None:
    """Draw the card of a prediction.

    Args:
        path: file to write.
        number: of the prediction in its recording, from 1.
        item: the prediction.

    Raises:
        RunError: the file cannot be written.
    """
    figure = Figure(figsize=(11, 6.9), layout="constrained")
    axes = figure.subplot_mosaic("AABBCCDDEE;FFFFFFGGGG")
    for place, (name, key) in enumerate(zip(KEYS, item.keys.numbers, strict=True)):
        bare(axes["ABC"[place]])
        axes["ABC"[place]].imshow(item.faces[place])
        text = f"{name}: frame {key}, {item.seconds[place]:.2f} s"
        axes["ABC"[place]].set_title(text, size=9)
    _differences(axes["D"], axes["E"], item.faces)
    _curve(axes["F"], item)
    _bars(axes["G"], item)
    verdict = f"{number}. {item.type}-expression: {item.label}"
    figure.suptitle(
        f"{verdict}, fit {item.quality:.2f}{'' if item.reliable else ' (unreliable)'}",
        x=0.01,
        ha="left",
        weight="bold",
        color=None if item.reliable else VERMILLION,
    )
    if item.fit is not None:
        figure.supxlabel(_CAPTION, x=0.01, ha="left", size=8.5, color=FAINT)
    save(figure, path)


def _differences(rising: Axes, falling: Axes, faces: np.ndarray) -> None:
    pictures = [smoothed(change(faces[still], faces[1])) for still in (0, 2)]
    strongest = limit(np.stack(pictures))
    for axes, picture, name in zip((rising, falling), pictures, ("onset", "offset"), strict=True):
        bare(axes)
        axes.imshow(picture, cmap=SIGNED, vmin=-strongest, vmax=strongest)
        axes.set_title(f"apex − {name}", size=9)


def _curve(axes: Axes, item: Prediction) -> None:
    if item.fit is None:
        bare(axes)
        axes.text(0.5, 0.5, "no motion that can be fitted", ha="center", color=FAINT)
        return
    fit = item.fit
    motion_panel(axes, Curve("", fit.times, fit.level, fit.course, None, item.keys))
    axes.set_xlabel("frame")


def _within(chances: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Lengths (2, C) of error bars to the left and right, cut at 0 and 1."""
    return np.stack([np.minimum(spread, chances), np.minimum(spread, 1 - chances)])


def _bars(axes: Axes, item: Prediction) -> None:
    chances = item.chances
    order = np.argsort(chances.chances, kind="stable")
    names = [chances.classes[place] for place in order]
    axes.barh(names, chances.chances[order], color=BLUE, alpha=0.75)
    axes.errorbar(
        chances.chances[order],
        names,
        xerr=_within(chances.chances[order], chances.spread[order]),
        fmt="none",
        ecolor=FAINT,
        capsize=3,
    )
    for row, place in enumerate(order):
        text = f"{chances.chances[place]:.0%} ± {chances.spread[place]:.0%}"
        axes.text(1.03, row, text, va="center", size=9)
    axes.set_xlim(0, _ROOM)
    axes.set_xticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.set_title("probability ± spread over folds and draws", size=9)
