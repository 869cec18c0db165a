"""t-SNE of the embeddings of finished runs: what the scripts under `visual/` start from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gamdss.config import Config
from gamdss.config.command_line import Command, Session, exit_on_mistake, positional
from gamdss.errors import ConfigError, RunError, is_whole, require
from gamdss.experiment import TRAIN, default_output, run_experiment
from gamdss.report.tsne_figure import Panel, tsne_figure, write_points
from gamdss.report.tsne_words import headline, method, panel_title, run_names
from gamdss.runs.choice import how_to_get_one, read_experiment, read_runs
from gamdss.runs.embedding import embed
from gamdss.runs.embedding_space import Points, all_folds, one_fold, silhouette, tsne
from gamdss.runs.finished import FinishedRun, read_scored_run, require_classes
from gamdss.runs.reopened import DataOptions, open_run
from gamdss.training.run_files import difference_lines, differences, read_config

# Training clips that determine the rotation between folds: enough for 50 axes, and with 94 folds a
# quarter of the time that all 860 clips of CAS(ME)3 would take.
ALIGNING = 200


@dataclass
class TsneOptions(DataOptions):
    """Draw the embeddings of a finished run, before the classifier, with t-SNE.

    Two runs are drawn side by side, such as annotated against reselected key frames. Every fold
    has its own network. To bring them into one space, the embeddings of each fold are centred and
    scaled by its training clips (at most 200), reduced to principal components, and rotated
    (orthogonal Procrustes) so that the training clips shared with the fold that has most of them
    coincide; neither held-out clips nor labels take part. With `--fold` one network is drawn alone.

    Args:
        fold: draw only the network of this fold.
        clips: which clips are drawn; training clips of one `--fold`, as in the release's scripts.
        perplexity: of t-SNE; default 30, at most a third of the clips.
        seed: of t-SNE.
        output: folder of the picture; the first run's if omitted.
        experiment: a config: its run under `runs/` is drawn if no RUN is named, and a RUN must be
            of its dataset and task.
        demo: draw the run of `gamdss train --demo`, trained first if it does not exist.
    """

    runs: list[str] = positional("run directories as `gamdss train` leaves them", nargs="*")
    fold: str | None = None
    clips: Literal["held-out", "training"] = "held-out"
    perplexity: float | None = None
    seed: int = 0
    output: str | None = None
    experiment: str | None = None
    demo: bool = False

    def __post_init__(self) -> None:
        require(is_whole(self.seed) and self.seed < 2**32, "seed", self.seed, "0 to 4294967295")
        if self.clips == "training" and self.fold is None:
            raise ConfigError(
                "--clips is 'training', but every fold has its own training clips",
                remedy="Name the fold whose training clips are drawn: --fold NAME",
            )


class TsnePicture(Session):
    """A picture of one or several runs, with a panel for each.

    Args:
        options: which runs, and how they are drawn.

    Raises:
        GamdssError: a run is missing or not finished.
    """

    def __init__(self, options: TsneOptions) -> None:
        super().__init__()
        self.options = options
        self.runs = chosen_runs(options)
        for run in self.runs:
            require_classes(run, "t-SNE colours")
        self._panels: list[Panel] = []
        self._drawn: list[tuple[Points, float]] = []

    @classmethod
    def from_command_line(
        cls, experiment: str | Path, words: Sequence[str] | None = None
    ) -> TsnePicture:
        """The picture of a script: runs of an experiment, and the options that the user gives.

        A user's mistake, here or within the `with` statement, ends the program with a message.

        Args:
            experiment: the YAML file of the experiment.
            words: the options; those of the command line if None.
        """
        with exit_on_mistake():
            given = ["--experiment", str(experiment), *(sys.argv[1:] if words is None else words)]
            return cls(*TSNE.parse("tsne", given)).of_a_script()

    def draw(self, run: FinishedRun) -> None:
        """Compute the embeddings of a run by its checkpoints, and place them by t-SNE."""
        options, fold = self.options, self.options.fold
        if fold is not None:
            run.fold(fold)  # raises an error with the known names
        opened = open_run(run, options)
        wanted = [item for item in opened.folds if fold in (None, item.name)]
        found = embed(opened, wanted, ALIGNING if fold is None else None)
        training = options.clips == "training"
        points = all_folds(found) if fold is None else one_fold(found[0], training)
        places, perplexity = tsne(points.values, options.perplexity, options.seed)
        clips = opened.dataset.annotations.clips
        labels = np.array(opened.dataset.annotations.labels)[points.clips]
        name = run_names(self.runs)[self.runs.index(run)] if len(self.runs) > 1 else ""
        panel = Panel(
            title=panel_title(run, name),
            run=str(run.path),
            places=places,
            labels=labels,
            predicted=points.predicted,
            clips=[clips[i].id for i in points.clips],
            folds=list(points.folds),
            silhouette=silhouette(points.values, labels),
            silhouette_drawn=silhouette(places, labels),
        )
        self._panels.append(panel)
        self._drawn.append((points, perplexity))

    def save(self) -> str:
        """Write the picture (PNG, PDF) and its points (CSV); returns what the terminal shows."""
        options, classes = self.options, self.runs[0].classes
        folder = Path(options.output).expanduser() if options.output else self.runs[0].path
        fold = "" if options.fold is None else f"_{options.fold}_{options.clips}"
        others = [name.replace("/", "_") for name in run_names(self.runs)[1:]]
        stem = "_against_".join([f"tsne{fold}", *others])
        pictures = [folder / f"{stem}{suffix}" for suffix in (".png", ".pdf")]
        table = folder / f"{stem}.csv"
        title = headline(self.runs, options.fold, options.clips)
        how = method(self._drawn, options.seed)
        tsne_figure(pictures, self._panels, classes, title, how)
        write_points(table, self._panels, classes)
        lines = []
        for panel in self._panels:
            value = "undefined" if panel.silhouette is None else f"{panel.silhouette:.2f}"
            lines.append(f"{panel.title}: {value} (silhouette of the true classes)")
        return "\n".join([*lines, *(f"picture  {file}" for file in pictures), f"points   {table}"])


def draw_runs(options: TsneOptions) -> None:
    """`gamdss tsne`: what every script under `visual/` does."""
    picture = TsnePicture(options)
    for run in picture.runs:
        picture.draw(run)
    print(picture.save())


TSNE = Command(draw_runs, TsneOptions)


def chosen_runs(options: TsneOptions) -> list[FinishedRun]:
    """The runs that are named, or the run of `--experiment` or `--demo`.

    Raises:
        ConfigError: no run is named, or runs differ from each other or the experiment.
        RunError: a run is missing or not finished.
    """
    asked = read_experiment(options.experiment)
    if options.runs and options.demo:
        raise ConfigError(
            f"--demo trains its own run, but {options.runs[0]} is named",
            remedy="Omit one of the two.",
        )
    if options.runs:
        return read_runs(options.runs, options.experiment)
    if options.demo:
        return [read_scored_run(_demo(options, asked))]
    remedy = how_to_get_one(asked, options.experiment)
    if options.experiment is None:
        raise ConfigError("no run is named", remedy=remedy)
    path = default_output(asked)
    if not path.is_dir():
        raise RunError("the run does not exist", file=path, remedy=remedy)
    return read_runs([str(path)], options.experiment)


def _demo(options: TsneOptions, asked: Config) -> Path:
    """The run directory of the demo, trained first if it is not finished.

    Raises:
        RunError: it contains a finished run of another config.
    """
    path = default_output(asked, is_demo=True)
    config = ["--config", options.experiment] if options.experiment else []
    words = [*config, "--device", options.device, "--output", str(path), "--demo"]
    words += ["--cache", options.cache] if options.cache else []
    chosen, settings = TRAIN.parse("train", words)
    if not (path / "results.json").is_file():
        run_experiment(chosen, settings)
        return path
    found = differences(read_config(path), settings, machine=False)
    if found:
        command = " ".join(["gamdss", "train", *config, "--demo"])
        raise RunError(
            f"the demo's run is of another config:{difference_lines(found)}",
            file=path,
            remedy=f"Remove it, or train another ({command} --output DIR) and name DIR.",
        )
    return path
