"""`gamdss bias`: how far a dataset's annotated key frames lie from where the motion puts them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gamdss.config import TRAINED_ONLY, Config
from gamdss.config.command_line import Command
from gamdss.data.composite import short_name
from gamdss.errors import require
from gamdss.files import cache_folder
from gamdss.studies.bias.report import bias_summary, write_report
from gamdss.studies.bias.sources import measure_bias


@dataclass
class Options:
    """Measure the bias and uncertainty of a dataset's annotation, and write a corrected one.

    Args:
        groups: a CSV file with columns subject and group (annotator, culture ...; each further
            column is another grouping; dataset and clip are optional).
        fps: frames per second, instead of the workbook's and the spec's.
    """

    groups: str | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        require(self.fps is None or self.fps > 0, "fps", self.fps, "above 0, such as 200")


def run(options: Options, config: Config) -> None:
    """Reselect, measure, write and draw, and print where the results are."""
    output = Path(config.output or f"runs/bias_{short_name(config.dataset)}").expanduser()
    groups = Path(options.groups).expanduser() if options.groups is not None else None
    found, joined = measure_bias(config, cache_folder(config.cache), options.fps, groups)
    files = write_report(output, found, joined)
    print(bias_summary(found))
    print(f"\nreport   {files.report}")
    for book in files.workbooks:
        print(f"workbook {book}")
    for figure in files.figures.values():
        print(f"figure   {figure}")


COMMAND = Command(
    run,
    Options,
    Config,
    unused=(
        *("features", "model", "augmentation", "training", "protocol"),
        *("init_from", "init_from_seen", "seed", "device", "threads", "tensorboard"),
        *TRAINED_ONLY,
    ),
    # Under the fixed prior a clip's own evidence is known apart from the annotation's.
    defaults={"reselection.preset": "motion", "reselection.prior": "fixed", "task": "all"},
)
