"""Scores of spotting as a table."""

from __future__ import annotations

from collections.abc import Mapping

from tabulate import tabulate

from gamdss.metrics import interval_text
from gamdss.metrics.spotting import SpottingScore

_HEADER = ("recordings", "type", "TP/FP/FN", "precision", "recall", "F1", "95% interval")


def spotting_table(
    results: Mapping[str, Mapping[str, SpottingScore]], tablefmt: str = "pipe"
) -> str:
    """Counts, precision, recall and F1 with its 95% interval over subjects.

    Args:
        results: scores by type, by what was spotted.
        tablefmt: as in `tabulate`; Markdown by default.
    """
    rows = []
    for recordings, scores in results.items():
        for name, score in scores.items():
            counts = score.counts
            rows.append(
                (
                    *(recordings, name, f"{counts.tp}/{counts.fp}/{counts.fn}"),
                    *(f"{counts.precision:.2f}", f"{counts.recall:.2f}"),
                    *(f"{counts.f1:.3f}", interval_text(score.intervals[2], ".2f")),
                )
            )
    return tabulate(rows, _HEADER, tablefmt=tablefmt, disable_numparse=True)
