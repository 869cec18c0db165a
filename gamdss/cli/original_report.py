"""`gamdss original-report`: what the release would have printed for a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gamdss.config.command_line import Command, positional
from gamdss.data.composite import short_name
from gamdss.metrics import original_report
from gamdss.report.tables import original_text
from gamdss.runs.finished import read_scored_run, require_classes


@dataclass
class Options:
    """Print what the release would have printed for a run, and what it means."""

    run: str = positional("the directory of a finished run")


def run(options: Options) -> None:
    """Evaluate the stored logits in the release's way."""
    found = read_scored_run(Path(options.run).expanduser())
    require_classes(found, "the release predicts")
    dataset, task = short_name(found.config.dataset), found.config.task
    report = original_report(found.folds, len(found.classes), dataset, task)
    print(original_text(report, found.results))


COMMAND = Command(run, Options)
