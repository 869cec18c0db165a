"""Figures of an annotation's bias: distributions of shifts, bias of groups, uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.records import KEYS
from gamdss.report.style import BLUE, FAINT, INK, ORANGE, VERMILLION, house_style, save
from gamdss.studies.bias import Bias, Grouping, Study

_ROW = 1.25  # inches of a distribution
_LINE = 0.3  # inches of a group
_HEAD, _FOOT = 1.5, 0.75
_MOST = 40  # lines of a figure: of more, those with the most clips
_BINS = 31
_EARLY, _LATE = "← labelled early", "labelled late →"
_MARK = {"onset": ("o", BLUE), "apex": ("s", ORANGE), "offset": ("D", VERMILLION)}


@house_style()
def shift_distributions(path: Path, found: Study) -> None:
    """Draw how far annotated frames lie from reselected ones: a row a dataset and group.

    Raises:
        RunError: the file cannot be written.
    """
    rows = [(g, name) for g in (found.divided[0], *found.divided[3:]) for name in g.groups]
    figure, panels = _sheet(
        len(rows),
        _ROW,
        "Annotated minus reselected frame, clip by clip",
        "Grey: clips by how far their annotation lies from where the motion puts it.\n"
        f"Mark and bar: bias of the annotation with its 95% interval.{_true(found)}",
    )
    widest = _reach(found)
    bins = np.linspace(-widest, widest, _BINS + 1)
    for row, (grouping, name) in enumerate(rows):
        for k, key in enumerate(KEYS):
            axes = panels[row][k]
            bias = _find(found.biases, grouping.name, name, key)
            _distribution(axes, found, grouping, name, k, bins)
            _mark(axes, bias)
            _ends(axes, widest, row == len(rows) - 1)
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


def _true(found: Study) -> str:
    return " Black tick: what was planted." if found.made else ""


def _find(biases: Sequence[Bias], grouping: str, group: str, key: str) -> Bias | None:
    for bias in biases:
        if (bias.grouping, bias.group, bias.key) == (grouping, group, key):
            return bias
    return None


def _sheet(rows: int, each: float, title: str, words: str) -> tuple[Figure, list[list[Axes]]]:
    """A figure of three columns, with a title and a line that tells how to read it."""
    height = _HEAD + _FOOT + each * rows
    figure = Figure(figsize=(11, height))
    panels = figure.subplots(rows, 3, squeeze=False)
    figure.subplots_adjust(
        left=0.16,
        right=0.98,
        top=1 - _HEAD / height,
        bottom=_FOOT / height,
        wspace=0.1,
        hspace=0.28,
    )
    figure.text(0.02, 1 - 0.18 / height, title, size=14, weight="bold", va="top")
    figure.text(0.02, 1 - 0.5 / height, words, color=FAINT, va="top", linespacing=1.4)
    return figure, [list(line) for line in panels]


def _header(axes: Axes, key: str) -> None:
    axes.set_title(key, weight="bold", pad=20)
    for x, words, side in ((0, _EARLY, "left"), (1, _LATE, "right")):
        axes.annotate(
            words,
            (x, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            ha=side,
            size=8,
            color=FAINT,
        )


def _reach(found: Study) -> float:
    """Percent of the phase that hold nearly all shifts and intervals, the same on both sides."""
    moved = np.abs(found.shifts.frames * found.shifts.scale("percent"))
    moved = moved[np.isfinite(moved)]
    largest = float(np.quantile(moved, 0.99)) if moved.size else 10.0
    return max(10.0, 5 * np.ceil(largest * 1.1 / 5))


def _distribution(
    axes: Axes, found: Study, grouping: Grouping, name: str, k: int, bins: np.ndarray
) -> None:
    shifts = found.shifts
    chosen = (grouping.labels == name) & shifts.labelled[:, k]
    told = chosen & ~shifts.kept[:, k]
    moved = -(shifts.frames * shifts.scale("percent"))[told, k]
    moved = moved[np.isfinite(moved)]
    axes.hist(np.clip(moved, bins[0], bins[-1]), list(bins), color="#c9c9c9", edgecolor="white")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.45)  # room for the mark
    kept = int(chosen.sum() - told.sum())
    if kept:
        words = f"{kept} kept"
        axes.text(0.99, 0.5, words, transform=axes.transAxes, ha="right", size=8, color=FAINT)


def _mark(axes: Axes, bias: Bias | None) -> None:
    """Bias with its interval above the bars, and its value."""
    if bias is None:
        words = "not annotated"
        axes.text(
            *(0.5, 0.5, words),
            transform=axes.transAxes,
            ha="center",
            color=FAINT,
            backgroundcolor="white",
        )
        return
    pooled = bias.pooled["percent"]
    if np.isnan(pooled.mean):
        return
    shape, colour = _MARK[bias.key]
    height = axes.get_ylim()[1] * 0.82
    low, high = pooled.mean_interval
    axes.plot((low, high), (height, height), color=colour, linewidth=2.5, solid_capstyle="butt")
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
def group_biases(path: Path, found: Study, grouping: str) -> None:
    """Draw the bias of each group with its interval, a line a group and a column a key frame.

    Raises:
        RunError: the file cannot be written.
    """
    biases = found.of(grouping)
    sizes = {b.group: max(c.clips for c in biases if c.group == b.group) for b in biases}
    names = sorted(sorted(sizes, key=lambda name: -sizes[name])[:_MOST])
    hidden = f" Of {len(sizes)}, the {_MOST} with the most clips." if len(sizes) > _MOST else ""
    figure, panels = _sheet(
        1,
        _LINE * len(names) + 0.2,
        f"Bias of the annotation by {grouping}",
        f"Mean error with its 95% interval, percent of the phase; pale bars: spread from clip to "
        f"clip.{_true(found)}{hidden}",
    )
    widest = _reach(found)
    for axes, key in zip(panels[0], KEYS, strict=True):
        for line, name in enumerate(names):
            _line(axes, line, _find(biases, grouping, name, key))
        axes.set_ylim(len(names) - 0.4, -0.6)
        _ends(axes, widest, last=True)
        _header(axes, key)
    panels[0][0].set_yticks(range(len(names)), [f"{n} ({sizes[n]})" for n in names], size=9)
    panels[0][0].tick_params(axis="y", length=0)
    save(figure, path)


def _line(axes: Axes, line: int, bias: Bias | None) -> None:
    if bias is None or np.isnan(bias.pooled["percent"].mean):
        axes.text(
            *(0, line, "nothing to tell"),
            ha="center",
            va="center",
            size=8,
            color=FAINT,
            backgroundcolor="white",
        )
        return
    pooled = bias.pooled["percent"]
    shape, colour = _MARK[bias.key]
    around = np.array([-1, 1]) * np.nan_to_num(pooled.spread) + pooled.mean
    axes.plot(around, (line, line), color=colour, linewidth=7, alpha=0.2, solid_capstyle="butt")
    axes.plot(pooled.mean_interval, (line, line), color=colour, linewidth=2)
    axes.plot(pooled.mean, line, shape, color=colour, markersize=6)
    if true := bias.true.get("percent"):
        axes.plot(true[0], line, "|", color=INK, markersize=12, markeredgewidth=1.6)


@house_style()
def uncertainty(path: Path, found: Study) -> None:
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
                _spread(axes, line + (k - 1) * 0.25, _find(biases, "dataset", name, key), unit)
        axes.set_xlabel(words if unit != "percent" else "percent of the phase")
        axes.set_ylim(len(names) - 0.45, -0.55)
        axes.set_xlim(left=0)
        axes.set_yticks(range(len(names)), names if axes is panels[0] else [""] * len(names))
        axes.tick_params(axis="y", length=0)
    handles = [panels[0].plot([], [], *(_MARK[k][0],), color=_MARK[k][1], label=k)[0] for k in KEYS]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.01, 1 - 0.68 / height),
        ncols=3,
    )
    title = "How uncertain the labels are: spread of their errors from clip to clip"
    figure.text(0.02, 1 - 0.18 / height, title, size=14, weight="bold", va="top")
    words = f"Standard deviation of annotated minus true frame, 95% interval.{_true(found)}"
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
