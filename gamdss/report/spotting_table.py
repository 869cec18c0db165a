"""Scores of spotting as a table."""

from __future__ import annotations

from collections.abc import Mapping

from tabulate import tabulate

from gamdss.metrics import interval_text
from gamdss.metrics.spotting import SpottingScore

TITLES = ("TP/FP/FN", "precision", "recall", "F1", "95% interval")


def score_cells(score: SpottingScore, form: str = ".2f") -> tuple[str, ...]:
    """The cells below `TITLES`; `form` is the format of all shares but F1."""
    counts = score.counts
    return (
        f"{counts.tp}/{counts.fp}/{counts.fn}",
        f"{counts.precision:{form}}",
        f"{counts.recall:{form}}",
        f"{counts.f1:.3f}",
        interval_text(score.intervals[2], form),
    )


def spotting_table(
    results: Mapping[str, Mapping[str, SpottingScore]], tablefmt: str = "pipe"
) -> str:
    """Counts, precision, recall and F1 with its 95% interval over subjects.

    Args:
        results: scores by type, by what was spotted.
        tablefmt: as in `tabulate`; Markdown by default.
    """
    rows = [
        (recordings, name, *score_cells(score))
        for recordings, scores in results.items()
        for name, score in scores.items()
    ]
    return tabulate(rows, ("recordings", "type", *TITLES), tablefmt=tablefmt, disable_numparse=True)
