"""The original's figures of a run in words, beside what this project calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from gamdss.metrics import OriginalReport


def original_text(report: OriginalReport, results: Mapping[str, Any]) -> str:
    """What the terminal shows.

    Args:
        report: the figures in the original's sense.
        results: the values of the run's `results.json`.
    """
    final = results["final"]
    f1_epoch = "accuracy" if report.one_epoch else "F1"
    printed = "" if report.prints_uar else " (its scripts for CASME II do not print it)"
    rows = [
        ["accuracy", report.accuracy, "of each fold's epoch with the best held-out accuracy"],
        ["F1", report.f1, f"UF1 of each fold's epoch with the best held-out {f1_epoch}"],
        ["UAR", report.precision, f"in truth the mean precision, of those epochs{printed}"],
    ]
    return "\n\n".join(
        [
            f"{results['dataset']}, {results['task']}, seed {results['seed']}: what the original "
            "code (v1.0.1) would have printed",
            tabulate(rows, ["", "oracle", "what it is"], tablefmt="simple", floatfmt=".4f"),
            "Its epochs were chosen on the subjects they are judged on, with a stop at 100%: these "
            "figures compare\nwith published ones chosen that way, and are no result. At the final "
            f"epoch this run has accuracy {final['accuracy']:.4f},\nUF1 {final['uf1']:.4f} and "
            f"(true) UAR {final['uar']:.4f}.",
        ]
    )
