"""Motion level of a clip over time, with annotated and reselected key frames and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from gamdss.records import KEYS, RELIABLE, KeyFrames
from gamdss.report.style import BLUE, FAINT, INK, VERMILLION, house_style, save

_HEIGHT = 3.3  # inches of a panel
_HEAD = 0.9
_PHASE: dict[str, Any] = {"color": VERMILLION, "marker": "|", "linewidth": 1.6}
_CLOSE = 0.1  # share of the panel's width within which two labels would overlap
_CLOSE_TICKS = 0.12  # and of its height


@dataclass(frozen=True, eq=False)
class Curve:
    """A clip's measured motion level and fitted course.

    Args:
        name: title of the panel.
        times: (T,) frame numbers.
        level: (T,) motion level in any unit.
        course: (T,) fitted strength of the expression, 0 to 1.
        annotated: as in the workbook; None for clips without annotation.
        reselected: with its intervals.
        true: of a synthetic clip.
        quality: of the fit, shown with the name.
    """

    name: str
    times: np.ndarray
    level: np.ndarray
    course: np.ndarray
    annotated: KeyFrames | None
    reselected: KeyFrames
    true: KeyFrames | None = None
    quality: float | None = None

    @property
    def title(self) -> str:
        """The name, and how good the fit is."""
        if self.quality is None:
            return self.name
        weak = " (unreliable)" if self.quality < RELIABLE else ""
        return f"{self.name}, fit {self.quality:.2f}{weak}"


@house_style()
def motion_curves(path: Path, curves: Sequence[Curve]) -> None:
    """Draw a panel for each clip.

    Args:
        path: file to write.
        curves: at least one.

    Raises:
        RunError: the file cannot be written.
    """
    height = _HEAD + _HEIGHT * len(curves)
    layout = ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - _HEAD / height))
    figure = Figure(figsize=(10, height), layout=layout)
    left = 0.02
    figure.text(
        *(left, 1 - 0.16 / height, "Motion level and key frames"),
        size=14,
        weight="bold",
        va="top",
    )
    figure.legend(
        handles=_legend(
            any(curve.annotated for curve in curves),
            any(curve.reselected.apex_phase for curve in curves),
            any(curve.true for curve in curves),
        ),
        loc="upper left",
        bbox_to_anchor=(left - 0.01, 1 - 0.45 / height),
        ncols=7,
        columnspacing=1.4,
        handlelength=1.6,
    )
    panels = figure.subplots(len(curves), 1, squeeze=False)[:, 0]
    for axes, curve in zip(panels, curves, strict=True):
        motion_panel(axes, curve)
    panels[-1].set_xlabel("frame")
    save(figure, path)


def _legend(with_annotation: bool, held: bool, with_truth: bool) -> list[Line2D | Patch]:
    annotated = Line2D([], [], color=BLUE, linestyle="--", linewidth=1.6, label="annotated")
    found = "reselected" if with_annotation else "spotted"
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=INK, marker=".", linewidth=0.8, label="motion level"),
        Line2D([], [], color=FAINT, linewidth=2.5, alpha=0.6, label="fitted course"),
        *([annotated] if with_annotation else []),
        Line2D([], [], color=VERMILLION, linewidth=1.8, label=found),
        Patch(color=VERMILLION, alpha=0.18, label="80% interval"),
        *([Line2D([], [], **_PHASE, label="apex phase")] if held else []),
    ]
    if with_truth:
        handles.append(
            Line2D([], [], color=INK, marker="^", linestyle="", markersize=7, label="true")
        )
    return handles


def motion_panel(axes: Axes, curve: Curve) -> None:
    """Draw the level, the course and the key frames of a clip."""
    axes.set_title(curve.title, weight="bold", pad=34)
    scaled = _scaled(curve.level, curve.course)
    axes.plot(curve.times, curve.course, color=FAINT, linewidth=4, alpha=0.45, zorder=2)
    axes.plot(curve.times, scaled, color=INK, linewidth=0.8, marker=".", markersize=4, zorder=3)
    ends = curve.reselected.intervals or ((0, 0),) * 3
    shown = curve.annotated or curve.reselected
    numbers = zip(KEYS, shown.numbers, curve.reselected.numbers, ends, strict=True)
    sides = _sides(shown.numbers, curve.times)
    for (name, before, after, (low, high)), side in zip(numbers, sides, strict=True):
        if curve.reselected.intervals:
            axes.axvspan(low - 0.5, high + 0.5, color=VERMILLION, alpha=0.15, linewidth=0)
        axes.axvline(after, color=VERMILLION, linewidth=1.8, zorder=4)
        if curve.annotated is not None:
            axes.axvline(before, color=BLUE, linewidth=1.6, linestyle="--", zorder=5)
        moved = f"{after - before:+d}" if after != before else "kept"
        axes.annotate(
            f"{name}\n{before} → {after} ({moved})" if after != before else f"{name}\n{before}",
            ((before + after) / 2, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),
            textcoords="offset points",
            ha=side,
            va="bottom",
            size=8.5,
            linespacing=1.3,
        )
    if curve.reselected.apex_phase is not None:
        above = axes.get_xaxis_transform()
        axes.plot(curve.reselected.apex_phase, [0.98] * 2, transform=above, **_PHASE)
    if curve.true is not None:
        place = [-0.06] * 3
        axes.plot(curve.true.numbers, place, "^", color=INK, markersize=8, zorder=6, clip_on=False)
    axes.set_ylabel("motion level")
    low, high = min(-0.12, scaled.min() - 0.05), max(1.12, scaled.max() + 0.05)
    axes.set_ylim(low, high)
    axes.set_yticks([0, 1], ["rest", "peak"])
    if high - low > 1 / _CLOSE_TICKS:
        rest, peak = axes.get_yticklabels()
        rest.set_verticalalignment("top")
        peak.set_verticalalignment("bottom")
    axes.set_xlim(curve.times[0] - 1, curve.times[-1] + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _sides(numbers: tuple[int, int, int], times: np.ndarray) -> list[str]:
    """Anchors of the labels of onset, apex and offset: close ones do not overlap."""
    onset, apex, offset = numbers
    close = _CLOSE * (times[-1] - times[0])
    first = "right" if apex - onset < close else "center"
    last = "left" if offset - apex < close else "center"
    middle = {("right", "center"): "left", ("center", "left"): "right"}.get((first, last), "center")
    return [first, middle, last]


def _scaled(level: np.ndarray, course: np.ndarray) -> np.ndarray:
    """The level (T,) in units of the course, by the best height and base."""
    design = np.stack([course, np.ones_like(course)], axis=1)
    height, base = np.linalg.lstsq(design, level, rcond=None)[0]
    return np.asarray((level - base) / (height if abs(height) > 1e-9 else 1.0))
