"""Which runs a command works on: those that the user names, checked against an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gamdss.config import Config
from gamdss.config.load import checked
from gamdss.config.pairs import format_pairs
from gamdss.config.yaml_file import read_yaml
from gamdss.data.composite import JOINT
from gamdss.errors import ConfigError
from gamdss.runs.finished import FinishedRun, read_scored_run


def read_experiment(file: str | None) -> Config:
    """The config of `--experiment`; the defaults if None.

    Raises:
        ConfigError: it is not a config.
    """
    if file is None:
        return Config()
    path = Path(file).expanduser()
    values = read_yaml(path, "the config", "--experiment")
    if not isinstance(values, dict):
        raise ConfigError("not a config", file=file, remedy="Check --experiment.")
    return checked(Config, values, path)


def read_runs(names: Sequence[str], experiment: str | None) -> list[FinishedRun]:
    """Read runs that are drawn side by side.

    Args:
        names: run directories.
        experiment: a config file that the runs must belong to, if any.

    Raises:
        ConfigError: a run has another dataset or task than the experiment, or other classes than
            the first run.
        RunError: not a finished run.
    """
    runs = [read_scored_run(Path(name).expanduser()) for name in names]
    asked = read_experiment(experiment)
    for run in runs if experiment else ():
        here, wanted = ((c.dataset, c.task) for c in (run.config, asked))
        if here != wanted:
            name = Path(str(experiment)).name
            raise ConfigError(
                f"this run is of {' '.join(here)}, {name} of {' '.join(wanted)}",
                file=run.path,
                remedy="Name a run of that config, or omit --experiment: `gamdss tsne RUN`.",
            )
    for run in runs[1:]:
        if run.classes != runs[0].classes:
            raise ConfigError(
                f"the classes of this run are {', '.join(run.classes)}; "
                f"{runs[0].path} has {', '.join(runs[0].classes)}",
                file=run.path,
                remedy="Draw runs of the same task side by side.",
            )
    return runs


def how_to_get_one(asked: Config, experiment: str | None) -> str:
    """A remedy if an experiment has no run yet."""
    config = f"--config {_short(experiment)} " if experiment else ""
    names = asked.dataset.split(JOINT)
    roots = {name: f"/data/{name.upper()}" for name in names}
    root = format_pairs(roots) if len(names) > 1 else roots[names[0]]
    return (
        f"Train one: gamdss train {config}--data-root {root}\n"
        "and name its directory if it is not in runs/. To draw the picture on synthetic clips, "
        "add --demo"
    )


def _short(file: str) -> Path:
    """The path relative to the working directory if it is below it, otherwise unchanged."""
    path = Path(file)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
