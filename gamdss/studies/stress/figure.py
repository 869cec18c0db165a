"""Error of key frames by disturbance: a column for each factor, a row for each key frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch

from gamdss.metrics import enough
from gamdss.records import KEYS
from gamdss.report.style import BLUE, FAINT, GREEN, INK, VERMILLION, house_style, save
from gamdss.studies.stress.cells import FACTORS, Factor
from gamdss.studies.stress.numbers import CellNumbers

COLUMNS = 5
_ROWS = {
    "onset": "onset error\n(% of the rise)",
    "apex": "apex error\n(% of the rise)",
    "offset": "offset error\n(% of the fall)",
}
# By way: label, colour, line, marker. Lines differ too, for prints without colour.
_LINES = {
    "annotation": ("annotation", FAINT, "--", "s"),
    "original-full": ("original-full (release)", VERMILLION, "-.", "^"),
    "motion": ("motion", BLUE, "-", "o"),
    "bound": ("bound (true shape known)", GREEN, ":", "D"),
}


class _FactorPanel:
    """What the column of one factor shows, at its L levels.

    Levels that are numbers are joined by lines. `errors` by way and key frame (3, L): mean, lower
    and upper end of its interval (NaN without one). `fails` by key frame (L,): where `motion` is
    worse than the annotation.
    """

    def __init__(self, factor: Factor, numbers: Mapping[str, CellNumbers]) -> None:
        cells = [numbers[name] for _, name in factor.levels]
        self.title = factor.title
        self.labels = [label for label, _ in factor.levels]
        self.errors = {way: {key: _ends(cells, way, key) for key in KEYS} for way in _LINES}
        self.fails = {key: [cell.fails(key) for cell in cells] for key in KEYS}


def _ends(cells: Sequence[CellNumbers], way: str, key: str) -> np.ndarray:
    found = [cell.errors[way][key] for cell in cells]
    return np.array([(e.mean, *(e.interval or (np.nan, np.nan))) for e in found]).T


@house_style()
def stress_figure(numbers: Mapping[str, CellNumbers], factors: Sequence[str], file: Path) -> None:
    """Draw all factors, in blocks of `COLUMNS` with a row for onset, apex and offset.

    Args:
        numbers: by name of the cell.
        factors: names from `FACTORS`, in the order of the panels.
        file: the picture to write.
    """
    panels = [_FactorPanel(FACTORS[name], numbers) for name in factors]
    blocks = [panels[i : i + COLUMNS] for i in range(0, len(panels), COLUMNS)]
    columns = len(blocks[0])
    size = (max(0.6 + 2.6 * columns, 7.0), 0.5 + 6.2 * len(blocks))  # room for the legend
    figure = Figure(figsize=size, layout="constrained")
    parts = np.atleast_1d(np.array(figure.subfigures(len(blocks), 1, hspace=0.03)))
    tops = {key: _top(panels, key) for key in _ROWS}
    for part, block in zip(parts, blocks, strict=True):
        _block(part, block, columns, tops)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    clips = next(iter(numbers.values())).clips
    known = enough(clips)
    handles.append(Patch(color=FAINT, alpha=0.3 if known else 0, linewidth=0))
    band = "band or bar: 95% interval for other clips" if known else "too few clips for intervals"
    labels.append(f"{band} ({clips} a cell)")
    figure.legend(handles, labels, loc="outside upper left", ncols=3 if columns > 1 else 2)
    save(figure, file)


def _top(panels: Sequence[_FactorPanel], key: str) -> float:
    """Upper end of a row's axis, the same in all panels."""
    largest = max(float(np.nanmax(panel.errors[way][key])) for panel in panels for way in _LINES)
    return 1.12 * largest


def _block(
    figure: SubFigure, panels: Sequence[_FactorPanel], columns: int, tops: Mapping[str, float]
) -> None:
    grid = figure.subplots(len(_ROWS), columns, squeeze=False)
    for (key, label), row in zip(_ROWS.items(), grid, strict=True):
        row[0].set_ylabel(label)
        for axes in row[len(panels) :]:
            axes.set_axis_off()
        for place, (axes, panel) in enumerate(zip(row, panels, strict=False)):
            _panel(axes, panel, key, tops[key])
            if place:
                axes.tick_params(labelleft=False)
            if key == "onset":
                axes.set_title(panel.title)
            if key != "offset":
                axes.tick_params(labelbottom=False)


def _panel(axes: Axes, panel: _FactorPanel, key: str, top: float) -> None:
    places = np.arange(len(panel.labels))
    numeric = np.array([_is_number(label) for label in panel.labels])
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    for order, (way, (label, colour, line, marker)) in enumerate(_LINES.items()):
        mean, low, high = panel.errors[way][key]
        joined = places[numeric]
        axes.fill_between(joined, low[numeric], high[numeric], color=colour, alpha=0.16, lw=0)
        axes.plot(joined, mean[numeric], line, color=colour, linewidth=1.6)
        # Levels without order stand side by side, with bars for bands.
        aside = places[~numeric] + 0.14 * (order - (len(_LINES) - 1) / 2)
        for x, bottom, end in zip(aside, low[~numeric], high[~numeric], strict=True):
            axes.plot([x, x], [bottom, end], color=colour, alpha=0.55, linewidth=1.6)
        dots = np.concatenate([joined, aside])
        values = np.concatenate([mean[numeric], mean[~numeric]])
        axes.plot(dots, values, marker, color=colour, markersize=4)
        axes.plot([], [], line, color=colour, marker=marker, markersize=4, label=label)
    _failures(axes, panel, key, top)
    axes.set_xticks(places, panel.labels, fontsize=9)
    if max(map(len, panel.labels)) > 5:
        for text in axes.get_xticklabels():
            text.set(rotation=35, horizontalalignment="right", rotation_mode="anchor")
    axes.set_xlim(-0.45, len(places) - 0.55)
    axes.set_ylim(-0.03 * top, top)  # marks of errors of 0 are not cut off


def _failures(axes: Axes, panel: _FactorPanel, key: str, top: float) -> None:
    """A cross over each level where `motion` is worse than the annotation."""
    failed = np.flatnonzero(panel.fails[key])
    label = "motion worse than annotation"
    (marks,) = axes.plot(failed, np.full(len(failed), 0.95 * top), "X", label=label, zorder=5)
    marks.set(color=INK, markersize=8, markeredgecolor="white")


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True
