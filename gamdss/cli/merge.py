"""`gamdss merge`: run directories with different folds of one run become one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gamdss.config.command_line import Command, positional
from gamdss.experiment import Experiment
from gamdss.runs.merge import merge


@dataclass
class Options:
    """Merge run directories with different folds of one run, and report.

    Args:
        output: the directory of the merged run.
        data_root: the dataset's folder, if it has moved.
    """

    runs: list[str] = positional("run directories of the same config and data", nargs="+")
    output: str = field(kw_only=True)
    data_root: str | None = None


def run(options: Options) -> None:
    """Copy the folds, and report as `gamdss train` does if none is missing."""
    output = Path(options.output).expanduser()
    config = merge([Path(name).expanduser() for name in options.runs], output)
    # Nothing is trained, so that the GPU of the training need not be there.
    root = options.data_root or config.data_root
    config = replace(config, output=str(output), device="cpu", data_root=root)
    with Experiment(config, only=()) as experiment:
        dataset = experiment.open_dataset()
        list(experiment.folds(dataset))
        print(experiment.report(dataset))


COMMAND = Command(run, Options)
