"""`gamdss merge`: run directories with different folds of one run become one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gamdss.config.command_line import Command, positional
from gamdss.experiment import Experiment
from gamdss.runs.merge import merge
from gamdss.runs.moved_data import MovedData, moved, own_options


@dataclass
class Options(MovedData):
    """Merge run directories with different folds of one run, and report.

    Args:
        output: the directory of the merged run.
        init_from: the weights of `--init-from`, if they have moved.
        weights: the file of `--model.weights`, if it has moved.
    """

    runs: list[str] = positional("run directories of the same config and data", nargs="+")
    output: str = field(kw_only=True)
    init_from: str | None = field(default=None, kw_only=True)
    weights: str | None = field(default=None, kw_only=True)


def run(options: Options) -> None:
    """Copy the folds, and report as `gamdss train` does if none is missing."""
    output = Path(options.output).expanduser()
    config = merge([Path(name).expanduser() for name in options.runs], output)
    start = moved("init-from", options.init_from, config.init_from)
    weights = moved("weights", options.weights, config.model.weights)
    # Nothing is trained, so that the GPU of the training need not be there.
    here = replace(options.placed(config), output=str(output), init_from=start, device="cpu")
    model = replace(config.model, weights=weights)
    here = replace(here, model=model, cache=options.cache or config.cache)
    with own_options(), Experiment(here, only=()) as experiment:
        dataset = experiment.open_dataset()
        list(experiment.folds(dataset))
        print(experiment.report(dataset))


COMMAND = Command(run, Options)
