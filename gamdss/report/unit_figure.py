"""F1 of each action unit as a figure, with its interval and what needs no network."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.metrics.scores import ClassScores
from gamdss.report.style import BLUE, FAINT, INK, VERMILLION, house_style, save
from gamdss.report.tables import epoch_name
from gamdss.report.unit_tables import UNDEFINED, always_f1
from gamdss.training.results import RunResults


@house_style()
def unit_figure(results: RunResults, path: Path) -> None:
    """Draw the F1 of every unit with its 95% interval, and their mean.

    Raises:
        RunError: the file cannot be written.
    """
    found = results.evaluated
    figure = Figure(figsize=(8.6, 1.9 + 0.34 * len(found.per_class)), layout="constrained")
    axes = figure.add_subplot()
    for row, (name, by) in enumerate(found.per_class.items()):
        _unit(axes, row, by, found.intervals.get(name), results.clips)
    label = f"mean: {found.uf1:.3f}"
    axes.axvline(found.uf1, color=VERMILLION, linestyle="--", zorder=1, label=label)
    # Entries of the legend, whatever units are there.
    label = "F1, with 95% interval" if any(found.intervals.values()) else "F1"
    axes.plot([], [], "o-", color=BLUE, label=label)
    axes.plot([], [], "|", color=INK, markersize=11, label="F1 if always predicted (no network)")
    names = [f"{name} ({by.support} clips)" for name, by in found.per_class.items()]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("F1 over the held-out clips of all folds")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.0 + 0.9 / len(names)), ncols=3)
    about = f"{results.clips} held-out clips of {results.subjects} subjects, {epoch_name(results)}"
    axes.set_title(f"{results.dataset}, {results.task}\n{about}", pad=34, linespacing=1.6)
    save(figure, path)


def _unit(
    axes: Axes, row: int, by: ClassScores, ends: tuple[float, float] | None, clips: int
) -> None:
    if by.f1 is None:
        axes.text(0, row, UNDEFINED, va="center", color=FAINT)
        return
    if ends is not None:
        axes.hlines(row, *ends, color=BLUE, alpha=0.45, linewidth=2.4)
    axes.plot(by.f1, row, "o", color=BLUE, markersize=7)
    axes.plot(always_f1(by.support, clips), row, "|", color=INK, markersize=11)


def unit_words(results: RunResults) -> str:
    """The F1 of each unit in words."""
    found = results.evaluated.per_class.items()
    shown = (f"{name} {UNDEFINED if by.f1 is None else format(by.f1, '.3f')}" for name, by in found)
    return f"F1 of the units: {', '.join(shown)}."
