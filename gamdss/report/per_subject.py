"""Accuracy of every subject: does the result hold for everybody, or only for a few?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from gamdss.metrics import Selection, wilson
from gamdss.metrics.calibration import pooled
from gamdss.records import FoldResult, subject_of
from gamdss.report.style import BLUE, INK, VERMILLION, house_style, save, wrapped
from gamdss.report.tables import epoch_name
from gamdss.training.results import RunResults

# More names than this would overlap.
MOST_NAMES = 100


@dataclass(frozen=True)
class Subject:
    """A subject's held-out clips, and how many of them are recognised."""

    name: str
    clips: int
    right: int

    @property
    def accuracy(self) -> float:
        """Share of the clips that are recognised."""
        return self.right / self.clips


def subjects(folds: Sequence[FoldResult], selection: Selection) -> list[Subject]:
    """Every evaluated subject, the best first; of equals, the one with more clips.

    Raises:
        FoldError: no folds.
    """
    logits, labels, clips = pooled(folds, selection)
    right = logits.argmax(1) == labels
    owners = np.array([subject_of(clip) for clip in clips])
    found = [
        Subject(name, int((owners == name).sum()), int(right[owners == name].sum()))
        for name in dict.fromkeys(owners.tolist())
    ]
    return sorted(found, key=lambda subject: (-subject.accuracy, -subject.clips, subject.name))


@house_style()
def per_subject_figure(results: RunResults, folds: Sequence[FoldResult], path: Path) -> None:
    """Draw accuracy, 95% interval and number of clips of every subject.

    Raises:
        FoldError: no folds.
        RunError: the file cannot be written.
    """
    found = subjects(folds, results.selection)
    width = float(np.clip(2.6 + 0.24 * len(found), 8.6, 15))
    figure = Figure(figsize=(width, 4.9), layout="constrained")
    axes = figure.add_subplot()
    _points(axes, found)
    _names(axes, found)
    all_clips = results.evaluated.accuracy
    label = f"all clips pooled: {all_clips:.3f}"
    axes.axhline(all_clips, color=VERMILLION, linestyle="--", zorder=1, label=label)
    mean = float(np.mean([subject.accuracy for subject in found]))
    axes.axhline(mean, color=INK, linestyle=":", zorder=1, label=f"mean of subjects: {mean:.3f}")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.12), ncols=3, borderaxespad=0)
    about = f"{results.dataset}, {results.task}"
    axes.set_title(wrapped(f"{about}: accuracy by subject, {epoch_name(results)}", width), pad=36)
    save(figure, path)


def _points(axes: Axes, found: Sequence[Subject]) -> None:
    places = np.arange(len(found))
    intervals = np.array([wilson(subject.right, subject.clips) for subject in found])
    axes.vlines(places, *intervals.T, color=BLUE, alpha=0.45, linewidth=1.6, zorder=2)
    # The area is the number of clips: 30 clips count more than 2.
    clips = np.array([subject.clips for subject in found])
    axes.scatter(
        places,
        [subject.accuracy for subject in found],
        s=18 + 90 * clips / clips.max(),
        color=BLUE,
        edgecolors="white",
        linewidths=0.8,
        zorder=3,
        label="subject, with 95% interval; area: clips",
    )
    axes.set_ylim(-0.04, 1.06)
    axes.set_xlim(-0.8, len(found) - 0.2)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_ylabel("share of clips recognised")


def _names(axes: Axes, found: Sequence[Subject]) -> None:
    if len(found) > MOST_NAMES:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(found)} subjects, the best first")
        return
    upright = len(found) > 14 or max(len(subject.name) for subject in found) > 6
    between = "  " if upright else "\n"
    names = [f"{subject.name}{between}({subject.right}/{subject.clips})" for subject in found]
    axes.set_xticks(np.arange(len(found)), names, rotation=90 if upright else 0)
    axes.tick_params(axis="x", length=0, labelsize=8.5)
    axes.set_xlabel("subject (clips recognised / clips)")
