"""Attribution maps: where on the apex face a network sees its evidence, for each phase."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gamdss.report.colours import SIGNED, evidence, limit, smoothed
from gamdss.report.style import (
    FAINT,
    INK,
    VERMILLION,
    axes_at,
    bare,
    house_style,
    save,
    text_at,
    wrapped,
)

# Inches.
FACE, GAP, SIDE, TOP, HEADING, BAR, BOTTOM = 2.3, 0.18, 0.35, 1.05, 0.78, 1.0, 0.85
NAMES = {"rising": "rising phase", "falling": "falling phase"}
HOW = (
    "Integrated gradients from the clip without motion to the clip, {steps} steps, summed over "
    "colours, smoothed, over the grey apex face. Each clip has its own colour scale, in logits a "
    "pixel. Red: motion here raises the logit of the class, blue: lowers it. The numbers are the "
    "change of that logit by all motion together. Networks of the {epoch}."
)


@dataclass(frozen=True, eq=False)
class MapRow:
    """A clip: heading, apex face (S, S, 3), and for each phase a map (S, S) and logit change."""

    heading: str
    right: bool
    apex: np.ndarray
    maps: Mapping[str, np.ndarray]
    changes: Mapping[str, float]


@house_style()
def attribution_figure(
    paths: Sequence[Path], rows: Sequence[MapRow], headline: str, steps: int, epoch: str
) -> None:
    """Draw a row for each clip: the apex face, then the evidence in each phase.

    `epoch` is the name of the networks' epoch in the caption.

    Raises:
        RunError: a file cannot be written.
    """
    columns = 1 + max(len(row.maps) for row in rows)
    width = 2 * SIDE + columns * (FACE + GAP) + BAR
    height = TOP + len(rows) * (HEADING + FACE + 0.3) + BOTTOM
    figure = Figure(figsize=(width, height))
    text_at(figure, SIDE, height - 0.35, wrapped(headline, width), weight="bold", fontsize=12)
    for number, row in enumerate(rows):
        _row(figure, row, height - TOP - number * (HEADING + FACE + 0.3))
    words = textwrap.fill(HOW.format(steps=steps, epoch=epoch), int(width * 13))
    text_at(figure, SIDE, BOTTOM - 0.1, words, color=FAINT, fontsize=8.5, linespacing=1.5)
    for path in paths:
        save(figure, path)


def _row(figure: Figure, row: MapRow, top: float) -> None:
    """The pictures of a clip, the upper edge `top` inches above the lower edge of the figure."""
    colour = INK if row.right else VERMILLION
    text_at(figure, SIDE, top, row.heading, weight="bold", color=colour)
    shown = {name: smoothed(values) for name, values in row.maps.items()}
    strongest = limit(np.stack(list(shown.values())))
    pictures = [("apex", row.apex)] + [
        (f"{NAMES[name]}: {row.changes[name]:+.2g}", evidence(row.apex, values, strongest))
        for name, values in shown.items()
    ]
    low = top - HEADING - FACE
    for number, (words, picture) in enumerate(pictures):
        axes = axes_at(figure, SIDE + number * (FACE + GAP), low, FACE, FACE)
        axes.imshow(picture)
        axes.set_title(words, fontsize=9, loc="center", pad=5)
        bare(axes)
    left = SIDE + len(pictures) * (FACE + GAP)
    cax = axes_at(figure, left, low + 0.3, 0.1, FACE - 0.6)
    bar = figure.colorbar(ScalarMappable(Normalize(-1, 1), SIGNED), cax=cax, ticks=[-1, 0, 1])
    ends = [f"against\n{-strongest:.1g}", "0", f"for\n{strongest:+.1g}"]
    bar.ax.set_yticklabels(ends, fontsize=8)
    bar.ax.tick_params(length=2)
    bar.ax.spines["outline"].set_visible(False)
