"""UF1 against the annotator's error, a line for each way to choose key frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gamdss.report.style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    house_style,
    save,
)
from gamdss.studies.recognition.numbers import LevelNumbers
from gamdss.studies.recognition.settings import (
    ANNOTATED,
    DRAWS,
    JITTER,
    MOTION,
    MOVED,
    TESTED,
    TRUE,
)

# By way: label, colour, line, marker. Lines differ too, for prints without colour.
_LINES = {
    TRUE: ("true key frames", GREEN, ":", "D"),
    DRAWS: ("motion, trained and tested on draws", VERMILLION, "-", "^"),
    TESTED: ("motion, tested on draws", ORANGE, "-.", "v"),
    MOTION: ("motion", BLUE, "-", "o"),
    MOVED: ("motion, trained with jitter", PURPLE, "--", "X"),
    JITTER: ("annotated, trained with jitter", INK, "-.", "P"),
    ANNOTATED: ("annotated", FAINT, "--", "s"),
}


@house_style()
def recognition_figure(numbers: Mapping[int, LevelNumbers], title: str, file: Path) -> None:
    """Draw UF1 by level; bars are 95% intervals over people and seeds.

    Args:
        numbers: by level in percent of a phase.
        title: what was trained.
        file: the picture to write.
    """
    figure = Figure(figsize=(8.6, 5.4), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="y", color=FAINT, alpha=0.25, linewidth=0.6)
    levels = np.array(sorted(numbers), float)
    # Between ways side by side, so that bars do not hide each other: near their level.
    step = min(0.07 * np.diff(levels).min(), 0.02 * np.ptp(levels)) if len(levels) > 1 else 0.7
    for place, (way, (label, colour, line, marker)) in enumerate(_LINES.items()):
        found = [numbers[int(level)].uf1[way] for level in levels]
        at = levels + step * (place - (len(_LINES) - 1) / 2)
        ends = np.array([e.interval or (np.nan, np.nan) for e in found])
        axes.vlines(at, *ends.T, color=colour, alpha=0.45, linewidth=1.4)
        means = [e.mean for e in found]
        axes.plot(at, means, line, color=colour, marker=marker, markersize=5, label=label)
    axes.set_xticks(levels, [f"{level:g}" for level in levels])
    axes.set_xlabel("standard deviation of the annotator's error (% of a phase)")
    axes.set_ylabel("UF1 on people not trained on")
    known = any(e.interval for found in numbers.values() for e in found.uf1.values())
    bars = "Bars: 95% intervals." if known else "Too few people for intervals."
    axes.set_title(f"{title}\n{bars}", linespacing=1.6)
    figure.legend(loc="outside lower center", ncols=2)
    save(figure, file)
