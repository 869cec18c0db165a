"""Scores of spotting as a table."""

from __future__ import annotations

from collections.abc import Mapping

from tabulate import tabulate

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
            counts, ends = score.counts, score.intervals[2]
            interval = "" if ends is None else f"{ends[0]:.2f} to {ends[1]:.2f}"
            rows.append(
                (
                    *(recordings, name, f"{counts.tp}/{counts.fp}/{counts.fn}"),
                    *(f"{counts.precision:.2f}", f"{counts.recall:.2f}"),
                    *(f"{counts.f1:.3f}", interval),
                )
            )
    return tabulate(rows, _HEADER, tablefmt=tablefmt, disable_numparse=True)
