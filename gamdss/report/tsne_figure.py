"""t-SNE of embeddings: a panel for each run, classes by colour and marker."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gamdss.files import write_csv
from gamdss.report.style import FAINT, INK, bare, class_style, house_style, save, wrapped

# Inches.
PANEL, LEGEND, SIDE = 5.6, 2.3, 0.3


@dataclass(frozen=True, eq=False)
class Panel:
    """The points of one run.

    `places` (N, 2) are their positions by t-SNE; `labels` and `predicted` (N,) are class indices,
    `clips` and `folds` (N,) names. The silhouettes are of the true classes, in the embedding and in
    the picture; None if undefined.
    """

    title: str
    run: str
    places: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    clips: Sequence[str]
    folds: Sequence[str]
    silhouette: float | None
    silhouette_drawn: float | None


@house_style()
def tsne_figure(
    paths: Sequence[Path], panels: Sequence[Panel], classes: Sequence[str], headline: str, how: str
) -> None:
    """Draw the runs side by side.

    Args:
        paths: files to write, such as a PNG and a PDF of the same figure.
        panels: one or several runs with the same classes.
        classes: names of the classes.
        headline: what is drawn.
        how: how it was computed; stands below the panels.

    Raises:
        RunError: a file cannot be written.
    """
    width = PANEL * len(panels) + LEGEND
    figure = Figure(figsize=(width, PANEL + 2.5), layout="constrained")
    figure.set_layout_engine("constrained", w_pad=SIDE, h_pad=0.12, wspace=0)
    title = wrapped(headline, width)
    figure.suptitle(title, x=SIDE / width, ha="left", weight="bold", fontsize=12, linespacing=1.5)
    words = textwrap.fill(how, int(width * 14.5))
    figure.supxlabel(words, x=SIDE / width, ha="left", color=FAINT, fontsize=8.5, linespacing=1.5)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        _panel(axes, panel)
    counts = np.bincount(panels[0].labels, minlength=len(classes))
    figure.legend(
        handles=_legend(classes, counts if len(panels) == 1 else None),
        loc="outside right center",
        labelspacing=0.9,
    )
    for path in paths:
        save(figure, path)


def _panel(axes: Axes, panel: Panel) -> None:
    bare(axes)
    axes.set_title(f"{panel.title}\n{_scores(panel)}", linespacing=1.6, fontsize=10)
    right = panel.predicted == panel.labels
    for number in np.unique(panel.labels):
        colour, marker = class_style(int(number))
        for recognised in (True, False):
            chosen = (panel.labels == number) & (right == recognised)
            axes.scatter(
                panel.places[chosen, 0],
                panel.places[chosen, 1],
                s=46,
                marker=marker,
                facecolors=colour if recognised else "white",
                edgecolors="white" if recognised else colour,
                linewidths=0.6 if recognised else 1.5,
                zorder=2 + recognised,
            )
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)


def _scores(panel: Panel) -> str:
    def number(value: float | None) -> str:
        return "undefined" if value is None else f"{value:.2f}"

    return (
        f"silhouette of the classes: {number(panel.silhouette)} in the embedding, "
        f"{number(panel.silhouette_drawn)} in the picture"
    )


def _legend(classes: Sequence[str], counts: np.ndarray | None) -> list[Line2D]:
    def entry(label: str, marker: str, face: str, edge: str, width: float) -> Line2D:
        return Line2D(
            *([], []),
            linestyle="",
            marker=marker,
            markersize=8,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=width,
            label=label,
        )

    entries = []
    for number, name in enumerate(classes):
        colour, marker = class_style(number)
        label = name if counts is None else f"{name} ({counts[number]})"
        entries.append(entry(label, marker, colour, "white", 0.6))
    entries.append(entry("filled: recognised", "o", FAINT, "white", 0.6))
    entries.append(entry("hollow: not recognised", "o", "white", INK, 1.3))
    return entries


def write_points(path: Path, panels: Sequence[Panel], classes: Sequence[str]) -> None:
    """Write the points as CSV: run, fold, clip, true and predicted class, position."""
    lines: list[tuple[object, ...]] = [("run", "fold", "clip", "class", "predicted", "x", "y")]
    for panel in panels:
        rows = zip(
            *(panel.folds, panel.clips, panel.labels, panel.predicted, panel.places), strict=True
        )
        for fold, clip, label, predicted, (x, y) in rows:
            names = classes[label], classes[predicted]
            lines.append((panel.run, fold, clip, *names, f"{x:.5f}", f"{y:.5f}"))
    write_csv(path, lines)
