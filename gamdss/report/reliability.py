"""Reliability diagram: how often predictions of a given confidence are correct."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gamdss.metrics.calibration import BINS, Calibration, calibration, pooled
from gamdss.records import FoldResult
from gamdss.report.style import BLUE, FAINT, INK, VERMILLION, house_style, save
from gamdss.report.tables import epoch_name
from gamdss.training.results import RunResults


@house_style()
def reliability_figure(results: RunResults, folds: Sequence[FoldResult], path: Path) -> None:
    """Draw accuracy against confidence in ten bins, with the number of clips below.

    Raises:
        FoldError: no folds.
        RunError: the file cannot be written.
    """
    logits, labels, _ = pooled(folds, results.selection)
    found = calibration(logits, labels)
    figure = Figure(figsize=(6.4, 6.6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
    _diagram(upper, found)
    _counts(lower, found)
    # Outside of the axes: inside it would cover points of low confidence and high accuracy.
    figure.legend(loc="outside lower center", ncols=2)
    upper.set_title(
        f"{results.dataset}, {results.task}\n"
        f"{len(labels)} held-out clips, {epoch_name(results)}; "
        f"expected calibration error {found.error:.3f}",
        linespacing=1.6,
    )
    save(figure, path)


def _diagram(axes: Axes, found: Calibration) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfectly calibrated")
    for number, b in enumerate(found.bins):
        # The calibration error is the mean of these gaps, weighted by clips.
        axes.plot(
            *([b.confidence, b.confidence], [b.confidence, b.accuracy]),
            color=VERMILLION,
            linewidth=5,
            alpha=0.35,
            solid_capstyle="butt",
            label=None if number else "gap to the confidence",
        )
        axes.plot(
            *([b.confidence, b.confidence], b.interval),
            color=BLUE,
            linewidth=1.2,
            label=None if number else "95% interval (Wilson)",
        )
    points = [b.confidence for b in found.bins], [b.accuracy for b in found.bins]
    axes.plot(*points, "o", color=BLUE, markersize=7, label="accuracy of a bin")
    axes.set_ylabel("share of clips recognised")
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1))


def _counts(axes: Axes, found: Calibration) -> None:
    middles = [(b.low + b.high) / 2 for b in found.bins]
    axes.bar(middles, [b.clips for b in found.bins], width=0.9 / BINS, color=BLUE, alpha=0.6)
    for middle, b in zip(middles, found.bins, strict=True):
        axes.annotate(
            *(str(b.clips), (middle, b.clips)),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=INK,
        )
    axes.set_ylabel("clips")
    axes.set_ylim(0, 1.25 * max(b.clips for b in found.bins))
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_xlabel("confidence: probability of the predicted class")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
