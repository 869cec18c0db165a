"""Figures of an annotation's bias: shifts, groups and uncertainty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.metrics import FEWEST
from gamdss.records import KEYS
from gamdss.report.style import BLUE, FAINT, INK, ORANGE, VERMILLION, house_style, save
from gamdss.studies.bias.groups import SUBJECT, Grouping
from gamdss.studies.bias.moved_clips import draw_clips
from gamdss.studies.bias.sources import JoinedSources
from gamdss.studies.bias.study import Bias, BiasStudy

_ROW = 1.25  # inches of a distribution
_LINE = 0.3  # inches of a group
_HEAD, _FOOT = 1.5, 0.75
_MOST = 40  # groups in a figure: those with the most clips
_WIDEST = 100  # percent of the phase in a figure of groups
_BINS = 31
_EARLY, _LATE = "← labelled early", "labelled late →"
_ENOUGH = f"if of {FEWEST} subjects or more"
_ON_WHITE: dict[str, Any] = {"backgroundcolor": "white"}
_MARK = {"onset": ("o", BLUE), "apex": ("s", ORANGE), "offset": ("D", VERMILLION)}


def draw_all(folder: Path, found: BiasStudy, joined: JoinedSources) -> dict[str, str]:
    """Write every figure into `folder`; returns file names by what they show."""
    figures = {"Annotated minus reselected frame, by key frame": "shifts.png"}
    shift_distributions(folder / "shifts.png", found)
    figures["Spread of the annotation's errors"] = "uncertainty.png"
    uncertainty(folder / "uncertainty.png", found)
    for grouping in found.groupings[1:]:
        file = f"bias_{grouping.plain_name}.png"
        figures[f"Bias by {grouping.name}"] = file
        group_biases(folder / file, found, grouping.name)
    return figures | draw_clips(folder, found, joined)


@house_style()
def shift_distributions(path: Path, found: BiasStudy) -> None:
    """Draw the distribution of shifts: a row for each dataset and custom group.

    Raises:
        RunError: the file cannot be written.
    """
    rows = [(g, name) for g in (found.groupings[0], *found.custom) for name in g.groups]
    figure, panels = _sheet(
        len(rows),
        _ROW,
        "Annotated minus reselected frame, clip by clip",
        "Grey: clips by how far their annotation lies from where the motion puts it.\n"
        f"Mark and bar: bias of the annotation with its 95% interval, {_ENOUGH}.{_true(found)}",
    )
    widest = _reach(found)
    bins = np.linspace(-widest, widest, _BINS + 1)
    for row, (grouping, name) in enumerate(rows):
        for k, key in enumerate(KEYS):
            axes = panels[row][k]
            bias = found.find(grouping.name, name, key)
            _distribution(axes, found, grouping, name, k, bins)
            _ends(axes, widest, row == len(rows) - 1)
            _mark(axes, bias)
            if row == 0:
                _header(axes, key)
        panels[row][0].set_ylabel(
            f"{name}\n{int((grouping.labels == name).sum())} clips",
            rotation=0,
            ha="right",
            va="center",
            labelpad=8,
        )
    save(figure, path)


def _true(found: BiasStudy) -> str:
    return " Black tick: true value." if found.synthetic else ""


def _sheet(rows: int, each: float, title: str, words: str) -> tuple[Figure, list[list[Axes]]]:
    """A figure of three columns, with a title and a line on how to read it."""
    height = _HEAD + _FOOT + each * rows
    figure = Figure(figsize=(11, height))
    panels = figure.subplots(rows, 3, squeeze=False)
    margins = {"left": 0.16, "right": 0.98, "top": 1 - _HEAD / height, "bottom": _FOOT / height}
    figure.subplots_adjust(**margins, wspace=0.1, hspace=0.28)
    figure.text(0.02, 1 - 0.18 / height, title, size=14, weight="bold", va="top")
    figure.text(0.02, 1 - 0.5 / height, words, color=FAINT, va="top", linespacing=1.4)
    return figure, [list(line) for line in panels]


def _header(axes: Axes, key: str) -> None:
    axes.set_title(key, weight="bold", pad=20)
    above: dict[str, Any] = {
        "xytext": (0, 5),
        "xycoords": "axes fraction",
        "textcoords": "offset points",
    }
    for x, words, side in ((0, _EARLY, "left"), (1, _LATE, "right")):
        axes.annotate(words, (x, 1), **above, ha=side, size=8, color=FAINT)


def _reach(found: BiasStudy) -> float:
    """Percent of the phase that contains nearly all shifts, the same on both sides."""
    moved = np.abs(found.shifts.frames * found.shifts.scale("percent"))
    moved = moved[np.isfinite(moved)]
    return max(10.0, _rounded(float(np.quantile(moved, 0.99)) if moved.size else 10.0))


def _rounded(largest: float) -> float:
    """A number of percent with some room above the largest."""
    return float(5 * np.ceil(largest * 1.1 / 5))


def _distribution(
    axes: Axes, found: BiasStudy, grouping: Grouping, name: str, k: int, bins: np.ndarray
) -> None:
    shifts = found.shifts
    chosen = grouping.labels == name
    located = chosen & shifts.located[:, k]
    moved = -(shifts.frames * shifts.scale("percent"))[located, k]
    moved = moved[np.isfinite(moved)]
    axes.hist(np.clip(moved, bins[0], bins[-1]), list(bins), color="#c9c9c9", edgecolor="white")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.45)  # room for the mark
    kept = int((chosen & shifts.labelled[:, k]).sum() - located.sum())
    if kept:
        words = f"{kept} kept"
        axes.text(0.99, 0.5, words, transform=axes.transAxes, ha="right", size=8, color=FAINT)


def _mark(axes: Axes, bias: Bias | None) -> None:
    """Bias with its interval above the bars, and its value."""
    if bias is None:
        place = axes.transAxes
        axes.text(
            *(0.5, 0.5, "not annotated"), transform=place, ha="center", color=FAINT, **_ON_WHITE
        )
        return
    pooled = bias.pooled["percent"]
    if np.isnan(pooled.mean):
        return
    shape, colour = _MARK[bias.key]
    height = axes.get_ylim()[1] * 0.82
    _interval(axes, pooled.mean_interval, height, colour)
    axes.plot(pooled.mean, height, shape, color=colour, markersize=6)
    time = bias.pooled["ms"]
    words = f"{round(pooled.mean, 1) + 0.0:+.1f}%"
    if np.isfinite(time.mean):
        words += f"\n{round(time.mean) + 0.0:+.0f} ms"
    late = pooled.mean >= 0  # where the mark is not
    axes.text(
        *(0.01 if late else 0.99, 0.96, words),
        transform=axes.transAxes,
        ha="left" if late else "right",
        va="top",
        size=9,
        color=colour,
        weight="bold",
        linespacing=1.3,
    )
    if true := bias.true.get("percent"):
        axes.plot(true[0], height, "|", color=INK, markersize=15, markeredgewidth=1.6)


def _ends(axes: Axes, widest: float, last: bool) -> None:
    axes.axvline(0, color=INK, linewidth=0.8, zorder=0)
    axes.set_xlim(-widest, widest)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if last:
        axes.set_xlabel("percent of the phase")
    else:
        axes.set_xticklabels([])


@house_style()
def group_biases(path: Path, found: BiasStudy, grouping: str) -> None:
    """Draw the bias of each group with its interval: a line per group, a column per key frame.

    Raises:
        RunError: the file cannot be written.
    """
    biases = found.of(grouping)
    sizes = {b.group: max(c.clips for c in biases if c.group == b.group) for b in biases}
    names = sorted(sorted(sizes, key=lambda name: -sizes[name])[:_MOST])
    hidden = f" The {_MOST} of {len(sizes)} with the most clips." if len(sizes) > _MOST else ""
    enough = f"if of {FEWEST} clips or more" if grouping == SUBJECT else _ENOUGH
    figure, panels = _sheet(
        1,
        _LINE * len(names) + 0.2,
        f"Bias of the annotation by {grouping}",
        f"Mean error in percent of the phase; bar: its 95% interval, {enough}.\n"
        f"Pale bar: spread from clip to clip.{_true(found)}{hidden}",
    )
    means = [b.pooled["percent"].mean_interval for b in biases if b.group in names]
    largest = float(np.nan_to_num(np.abs(means)).max(initial=0.0))
    widest = max(_reach(found), min(_rounded(largest), _WIDEST))
    for axes, key in zip(panels[0], KEYS, strict=True):
        axes.set_ylim(len(names) - 0.4, -0.6)
        _ends(axes, widest, last=True)
        _header(axes, key)
        for line, name in enumerate(names):
            _line(axes, line, found.find(grouping, name, key))
    panels[0][0].set_yticks(range(len(names)), [f"{n} ({sizes[n]})" for n in names], size=9)
    panels[0][0].tick_params(axis="y", length=0)
    save(figure, path)


def _line(axes: Axes, line: int, bias: Bias | None) -> None:
    if bias is None or np.isnan(bias.pooled["percent"].mean):
        axes.text(*(0, line, "no data"), ha="center", va="center", size=8, color=FAINT, **_ON_WHITE)
        return
    pooled = bias.pooled["percent"]
    shape, colour = _MARK[bias.key]
    around = np.array([-1, 1]) * np.nan_to_num(pooled.spread) + pooled.mean
    axes.plot(around, (line, line), color=colour, linewidth=7, alpha=0.2, solid_capstyle="butt")
    _interval(axes, pooled.mean_interval, line, colour)
    axes.plot(pooled.mean, line, shape, color=colour, markersize=6)
    if true := bias.true.get("percent"):
        axes.plot(true[0], line, "|", color=INK, markersize=12, markeredgewidth=1.6)


def _interval(axes: Axes, ends: tuple[float, float], height: float, colour: str) -> None:
    """A bar from one end to the other, with an arrow where it goes on beyond the border."""
    axes.plot(ends, (height, height), color=colour, linewidth=2, solid_capstyle="butt")
    low, high = axes.get_xlim()
    for border, shape, beyond in ((low, "<", ends[0] < low), (high, ">", ends[1] > high)):
        if beyond:
            axes.plot(border, height, shape, color=colour, markersize=6, clip_on=False)


@house_style()
def uncertainty(path: Path, found: BiasStudy) -> None:
    """Draw the spread of the annotation's errors of each key frame and dataset.

    Raises:
        RunError: the file cannot be written.
    """
    biases = found.of("dataset")
    names = sorted({bias.group for bias in biases})
    timed = any(np.isfinite(bias.pooled["ms"].spread) for bias in biases)
    height = 1.9 + 0.95 * len(names)
    figure = Figure(figsize=(11, height))
    panels = figure.subplots(1, 2)
    figure.subplots_adjust(
        left=0.12, right=0.97, top=1 - 1.05 / height, bottom=0.65 / height, wspace=0.12
    )
    units = (("ms", "milliseconds") if timed else ("frames", "frames"), ("percent", "percent"))
    for axes, (unit, words) in zip(panels, units, strict=True):
        for line, name in enumerate(names):
            for k, key in enumerate(KEYS):
                _spread(axes, line + (k - 1) * 0.25, found.find("dataset", name, key), unit)
        axes.set_xlabel(words if unit != "percent" else "percent of the phase")
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.set_xlim(left=0)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names))
        axes.tick_params(axis="y", length=0)
    handles = [
        panels[0].plot([], [], mark, color=colour, label=key)[0]
        for key, (mark, colour) in _MARK.items()
    ]
    corner = (0.01, 1 - 0.68 / height)
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=corner, ncols=3)
    title = "How uncertain the labels are: spread of their errors from clip to clip"
    figure.text(0.02, 1 - 0.18 / height, title, size=14, weight="bold", va="top")
    words = f"Standard deviation of annotated minus true frame; bar: 95% interval, {_ENOUGH}."
    words += _true(found)
    figure.text(0.02, 1 - 0.5 / height, words, color=FAINT, va="top")
    save(figure, path)


def _spread(axes: Axes, place: float, bias: Bias | None, unit: str) -> None:
    if bias is None or np.isnan(bias.pooled[unit].spread):
        return
    pooled = bias.pooled[unit]
    shape, colour = _MARK[bias.key]
    axes.plot(pooled.spread_interval, (place, place), color=colour, linewidth=2)
    axes.plot(pooled.spread, place, shape, color=colour, markersize=7)
    if true := bias.true.get(unit):
        axes.plot(true[1], place, "|", color=INK, markersize=12, markeredgewidth=1.6)
