"""`gamdss original-report`: what the original code would have printed for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.config.load import new_parser
from gamdss.report.original import original_text


def parser() -> ArgumentParser:
    """Options: the run."""
    options = new_parser(
        "print what the original code would have printed for a run, and what it means",
        "original-report",
    )
    options.add_argument("run", help="the directory of a finished run")
    return options


def run(namespace: Any) -> None:
    """Judge the kept logits in the original's way."""
    from gamdss.metrics import original_report  # noqa: PLC0415
    from gamdss.runs.finished import read_run  # noqa: PLC0415

    found = read_run(Path(namespace.run).expanduser())
    dataset, task = Path(found.config.dataset).stem, found.config.task
    report = original_report(found.folds, len(found.classes), dataset, task)
    print(original_text(report, found.results))
