"""An experiment from its config to its report: what scripts and notebooks start from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from gamdss import demo
from gamdss.config import Config
from gamdss.config.command_line import Command, exit_on_mistake, split_configs
from gamdss.data.composite import short_name
from gamdss.data.dataset import Dataset
from gamdss.files import cache_folder
from gamdss.report.figures import ClipFrames, write_report
from gamdss.training.folds import Run, RunFolds


@dataclass
class TrainOptions:
    """Train and evaluate a network, leaving one subject out; draw its tables and figures.

    Args:
        demo: run on a small synthetic dataset, in minutes on a CPU. Its settings replace those of
            every `--config`; every other option replaces its settings.
        folds: train only the folds of these subjects (A,B,...); a later start with the same
            `--output`, or `gamdss merge` of the outputs, completes the run.
    """

    demo: bool = False
    folds: str | None = None


class Experiment(RunFolds):
    """A run on a dataset: folds are trained one by one and reported together.

    Use it in a `with` statement; until its end, no other process can write to the run directory:

        config = gamdss.Config(dataset="cas2", task="c5", data_root="/data/CASME2")
        with gamdss.Experiment(config) as experiment:
            dataset = experiment.open_dataset()
            for fold in experiment.folds(dataset):
                experiment.trainer(dataset, fold).run()
            print(experiment.report(dataset))

    Args:
        config: every setting; `config.output` is the run directory, `runs/<dataset>_<task>` if
            omitted.
        synthetic: use synthetic clips in the dataset's layout, generated first if not cached.
        only: names of the folds to train now; all if None.
        progress: show progress bars.

    Raises:
        GamdssError: the device, a package, the network or its weights are not available.
    """

    def __init__(
        self,
        config: Config,
        *,
        synthetic: bool = False,
        only: Sequence[str] | None = None,
        progress: bool = True,
    ) -> None:
        output = (
            Path(config.output).expanduser() if config.output else default_output(config, synthetic)
        )
        super().__init__(on_demo_data(config) if synthetic else config, output, only, progress)

    @classmethod
    def from_command_line(
        cls, config: str | Path, words: Sequence[str] | None = None
    ) -> Experiment:
        """The experiment of a script: its config, and the options that the user gives.

        A user's mistake, here or within the `with` statement, ends the program with a message.

        Args:
            config: the script's YAML file.
            words: the options; those of the command line if None.
        """
        with exit_on_mistake():
            given = ["--config", str(config), *(sys.argv[1:] if words is None else words)]
            options, settings = TRAIN.parse("train", given)
            return cls.from_options(options, settings).of_a_script()

    @classmethod
    def from_options(cls, options: TrainOptions, config: Config) -> Experiment:
        """The experiment of parsed options."""
        only = None if options.folds is None else [f.strip() for f in options.folds.split(",")]
        return cls(config, synthetic=options.demo, only=only)

    def report(self, dataset: Dataset) -> str:
        """Write `results.json`, `results.md` and the figures.

        Returns:
            What the terminal shows; empty on ranks other than the first.
        """
        run = self.finish(dataset)
        return "" if run is None else report(run)


def report(run: Run) -> str:
    """Write tables and figures of a finished run; returns their summary, or the missing folds."""
    if run.results is None:
        done, total = len(run.folds), len(run.folds) + len(run.missing)
        return (
            f"{done} of {total} folds are finished in {run.directory.path}\n"
            f"missing: {', '.join(run.missing)}"
        )
    store = run.dataset.store
    frames = ClipFrames(
        clips=run.dataset.annotations.clips,
        frames=store.frames,
        annotated=store.annotated,
        reselected=store.reselected,
        reselected_keys=store.reselected_keys,
        truth=run.dataset.truth,
    )
    return write_report(run.directory.path, run.results, run.folds, frames)


def default_output(config: Config, is_demo: bool = False) -> Path:
    """The run directory of a config without `output`."""
    prefix = "demo_" if is_demo else ""
    return Path("runs") / f"{prefix}{short_name(config.dataset)}_{config.task}"


def on_demo_data(config: Config) -> Config:
    """The config on synthetic clips in its dataset's layout, generated first if not cached.

    Raises:
        ConfigError: it has a `data_root`.
    """
    demo.check_no_data(config.data_root)
    root = demo.data_root(config, cache_folder(config.cache))
    return replace(config, data_root=root, annotations=None)


def demo_last(words: Sequence[str]) -> list[str]:
    """The options of `train --demo` by precedence, whatever the user's order; later ones win.

    Config files come first, then the demo's settings, then the other options.
    """
    if not _wants_demo(words):
        return list(words)
    files, options = split_configs(words)
    named = [word for file in [*files, str(demo.SETTINGS)] for word in ("--config", file)]
    return [*named, *options]


def _wants_demo(words: Sequence[str]) -> bool:
    """Whether `--demo` is among the words, and not as `--demo false`."""
    for word, following in pairwise([*words, ""]):
        name, equals, value = word.partition("=")
        if name == "--demo":
            return (value if equals else following).lower() not in ("false", "no", "0")
    return False


def run_experiment(options: TrainOptions, config: Config) -> None:
    """`gamdss train`: what every script does."""
    with Experiment.from_options(options, config) as experiment:
        dataset = experiment.open_dataset()
        for fold in experiment.folds(dataset):
            experiment.trainer(dataset, fold).run()
        print(experiment.report(dataset))


TRAIN = Command(run_experiment, TrainOptions, Config, arrange=demo_last)
