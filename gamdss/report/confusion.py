"""The confusion matrix as a figure: which class was predicted as which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.report.style import FAINT, house_style, save
from gamdss.report.tables import epoch_name
from gamdss.training.results import RunResults

COLOURS = "Blues"
# Above this share of a row the cell is too dark for dark text.
WHITE_TEXT_FROM = 0.55


@house_style()
def confusion_figure(results: RunResults, path: Path) -> None:
    """Draw the pooled confusion matrix at the selection that the run is evaluated by.

    A cell shows the number of clips and its share of the row, which colours it; the row of a class
    without clips is empty.

    Args:
        results: of the run.
        path: file to write.

    Raises:
        RunError: the file cannot be written.
    """
    classes = results.classes
    counts = np.array(results.evaluated.confusion)
    side = 1.6 + 0.95 * len(classes)
    figure = Figure(figsize=(max(side + 1.4, 6.2), max(side + 0.9, 4.6)), layout="constrained")
    axes = figure.add_subplot()
    _cells(axes, counts)
    _class_names(axes, classes, counts)
    bar = figure.colorbar(axes.images[0], ax=axes, shrink=0.8, ticks=[0, 0.25, 0.5, 0.75, 1])
    bar.ax.set_yticklabels(["0%", "25%", "50%", "75%", "100%"])
    bar.set_label("share of the true class")
    bar.ax.spines["outline"].set_visible(False)
    _title(axes, results)
    save(figure, path)


def _cells(axes: Axes, counts: np.ndarray) -> None:
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
    axes.imshow(shares, cmap=COLOURS, vmin=0, vmax=1)
    size = len(counts)
    for row in range(size):
        if not totals[row, 0]:
            axes.text((size - 1) / 2, row, "no clips", ha="center", va="center", color=FAINT)
            continue
        for column in range(size):
            share = shares[row, column]
            # Zeros are faint, so that cells with clips stand out.
            dark = "white" if share >= WHITE_TEXT_FROM else "black" if share else FAINT
            weight = "bold" if row == column else "normal"
            number, percent = str(counts[row, column]), f"{share:.0%}"
            axes.text(
                column, row - 0.11, number, ha="center", va="center", color=dark, weight=weight
            )
            axes.text(column, row + 0.19, percent, ha="center", va="center", color=dark, fontsize=8)


def _class_names(axes: Axes, classes: Sequence[str], counts: np.ndarray) -> None:
    places = np.arange(len(classes))
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)
    tilt = max(map(len, classes)) > 10
    axes.set_xticks(
        places,
        [f"{name}\nn={n}" for name, n in zip(classes, predicted, strict=True)],
        rotation=35 if tilt else 0,
        ha="right" if tilt else "center",
        rotation_mode="anchor" if tilt else "default",
    )
    axes.set_yticks(places, [f"{name}\nn={n}" for name, n in zip(classes, true, strict=True)])
    axes.set_xlabel("predicted class", labelpad=10)
    axes.set_ylabel("true class", labelpad=10)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    # White lines between the cells, at minor ticks on the borders.
    axes.set_xticks(places[1:] - 0.5, minor=True)
    axes.set_yticks(places[1:] - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="minor", length=0)


def _title(axes: Axes, results: RunResults) -> None:
    found = results.evaluated
    axes.set_title(
        f"{results.dataset}, {results.task}\n"
        f"{results.clips} held-out clips of {results.subjects} subjects, {epoch_name(results)}\n"
        f"accuracy {found.accuracy:.3f}   UF1 {found.uf1:.3f}   UAR {found.uar:.3f}",
        linespacing=1.6,
        loc="center",
    )


def confusion_words(results: RunResults) -> str:
    """The diagonal in words."""
    counts = results.evaluated.confusion
    hits = (f"{n}: {counts[i][i]} of {sum(counts[i])}" for i, n in enumerate(results.classes))
    return f"Recognised are {', '.join(hits)}."
