"""t-SNE of the embeddings of finished runs: what the scripts under `visual/` start from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Literal

import numpy as np

from gamdss.config import Config
from gamdss.config.command_line import Command, exit_on_mistake, positional
from gamdss.config.load import checked
from gamdss.errors import ConfigError, RunError
from gamdss.experiment import TRAIN, default_output, run_experiment
from gamdss.files import read_yaml
from gamdss.report.tables import epoch_name
from gamdss.report.tsne_figure import Panel, tsne_figure, write_points
from gamdss.runs.embedding import features
from gamdss.runs.embedding_space import Points, all_folds, one_fold, silhouette, tsne
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.runs.reopened import DataOptions, open_run
from gamdss.training.run_files import differences, read_config

# Training clips that tell how the folds' spaces are turned: enough for 50 axes, and with 94 folds
# a quarter of the time that all 860 clips of CAS(ME)3 would take.
ALIGNING = 200
SPACE = (
    "Every fold has a network of its own. To bring them into one space, each fold's features are "
    "centred and scaled by its own training clips (at most 200 of them), reduced to their "
    "principal components, and turned (orthogonal Procrustes) so that the training clips it "
    "shares with fold {reference} lie where that fold's network puts them; neither held-out clips "
    "nor labels take part. "
)


@dataclass
class TsneOptions(DataOptions):
    """Draw the embeddings of a finished run, before the classifier, with t-SNE.

    Two runs are drawn side by side, such as annotated against reselected key frames. Every fold
    has its own network. To bring them into one space, the embeddings of each fold are centred and
    scaled by its training clips (at most 200), reduced to principal components, and rotated
    (orthogonal Procrustes) so that the training clips shared with the fold that has most of them
    coincide; neither held-out clips nor labels take part. With `--fold` one network is drawn alone.

    Args:
        fold: draw the network of this fold alone.
        clips: which clips are drawn; the training clips of one `--fold`, as the release does.
        perplexity: of t-SNE; 30, or a third of fewer clips, if omitted.
        seed: of t-SNE.
        output: folder of the picture; the first run's if omitted.
        experiment: a config: its run under `runs/` is drawn where no RUN is named, and a RUN must
            be of its dataset and task.
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
        if self.clips == "training" and self.fold is None:
            raise ConfigError(
                "--clips is 'training', but every fold has its own training clips",
                remedy="Name the fold whose training clips are drawn: --fold NAME",
            )


class TsnePicture:
    """A picture of one or several runs, a panel each.

    Args:
        options: which runs, and how they are drawn.

    Raises:
        GamdssError: there is no such run, or it is not finished.
    """

    def __init__(self, options: TsneOptions) -> None:
        self.options = options
        self.runs = chosen_runs(options)
        self._drawn: list[tuple[Panel, tuple[Points, float]]] = []
        self._held = ExitStack()

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
            picture = cls(*TSNE.parse("tsne", given))
        picture._held.enter_context(exit_on_mistake())
        return picture

    def __enter__(self) -> TsnePicture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._held.__exit__(kind, error, trace)

    def draw(self, run: FinishedRun) -> None:
        """Compute the embeddings of a run with its checkpoints, and place them by t-SNE."""
        name = _names(self.runs)[self.runs.index(run)] if len(self.runs) > 1 else ""
        self._drawn.append(_panel(run, self.options, name))

    def save(self) -> str:
        """Write the picture (PNG, PDF) and its points (CSV); returns what the terminal shows."""
        options, runs = self.options, self.runs
        folder = Path(options.output).expanduser() if options.output else runs[0].path
        stem = folder / _stem(options, _names(runs))
        pictures = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".png", ".pdf")]
        table = stem.with_name(f"{stem.name}.csv")
        panels, classes = [panel for panel, _ in self._drawn], runs[0].classes
        tsne_figure(pictures, panels, classes, _headline(options, runs), _how(options, self._drawn))
        write_points(table, panels, classes)
        lines = [
            f"{p.title}: {_number(p.silhouette)} (silhouette of the true classes)" for p in panels
        ]
        return "\n".join([*lines, *(f"picture  {file}" for file in pictures), f"points   {table}"])


def draw_runs(options: TsneOptions) -> None:
    """`gamdss tsne`: what every script under `visual/` does."""
    picture = TsnePicture(options)
    for run in picture.runs:
        picture.draw(run)
    print(picture.save())


TSNE = Command(draw_runs, TsneOptions)


def chosen_runs(options: TsneOptions) -> list[FinishedRun]:
    """The runs that are named, or the one of `--experiment` or `--demo`.

    Raises:
        ConfigError: none is named, or one is of another dataset or task than `--experiment`, or
            they differ in classes.
        RunError: there is no such run, or it is not finished.
    """
    asked = _experiment(options.experiment)
    if options.runs:
        if options.demo:
            raise ConfigError(
                f"--demo trains its own run, but {options.runs[0]} is named",
                remedy="Omit one of the two.",
            )
        runs = [read_run(Path(name).expanduser()) for name in options.runs]
        for run in runs if options.experiment else ():
            _check_same(run, asked, str(options.experiment))
        _check_classes(runs)
        return runs
    if options.demo:
        return [read_run(_demo(options, asked))]
    if options.experiment is None:
        raise ConfigError("no run is named", remedy=_how_to_get_one(asked, None))
    path = default_output(asked)
    if not path.is_dir():
        raise RunError(
            "there is no run to draw",
            file=path,
            remedy=_how_to_get_one(asked, options.experiment),
        )
    return [read_run(path)]


def _check_classes(runs: Sequence[FinishedRun]) -> None:
    for other in runs[1:]:
        if other.classes != runs[0].classes:
            raise ConfigError(
                f"the classes of this run are {', '.join(other.classes)}; "
                f"{runs[0].path} has {', '.join(runs[0].classes)}",
                file=other.path,
                remedy="Draw runs of the same task side by side.",
            )


def _experiment(file: str | None) -> Config:
    if file is None:
        return Config()
    path = Path(file).expanduser()
    values = read_yaml(path, "the config", "--experiment")
    if not isinstance(values, dict):
        raise ConfigError("this is no config", file=file, remedy="Check --experiment.")
    return checked(Config, values, path)


def _check_same(run: FinishedRun, asked: Config, file: str) -> None:
    here, wanted = ((c.dataset, c.task) for c in (run.config, asked))
    if here != wanted:
        raise ConfigError(
            f"this run is of {' '.join(here)}, {Path(file).name} of {' '.join(wanted)}",
            file=run.path,
            remedy="Name a run of that config, or leave --experiment out: `gamdss tsne RUN`.",
        )


def _how_to_get_one(asked: Config, file: str | None) -> str:
    config = f"--config {_short(file)} " if file else ""
    return (
        f"Train one: gamdss train {config}--data-root /data/{asked.dataset.upper()}\n"
        "and name its directory if it is not in runs/. To see the picture on a made dataset, "
        "without any data: add --demo"
    )


def _short(file: str) -> Path:
    """A path as it was given, or from here if it is below."""
    path = Path(file)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


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
    if (path / "results.json").is_file():
        _check_config(path, settings, ["gamdss", "train", *config, "--demo"])
    else:
        run_experiment(chosen, settings)
    return path


def _check_config(path: Path, config: Config, command: list[str]) -> None:
    found = differences(read_config(path), config, machine=False)
    other = [f"{n}: {there!r} there, {now!r} now" for n, (there, now) in found.items()]
    if other:
        raise RunError(
            "the demo's run is of another config:\n  " + "\n  ".join(other),
            file=path,
            remedy=f"Remove it, or make another ({' '.join(command)} --output DIR) and name DIR.",
        )


def _names(runs: list[FinishedRun]) -> list[str]:
    """What each run's folder is called, with as many of those above as tell them apart."""
    paths = [item.path.resolve() for item in runs]
    tails = (["/".join(path.parts[-depth:]) for path in paths] for depth in count(1))
    return next(names for names in tails if len(set(names)) == len(set(paths)))


def _panel(
    item: FinishedRun, options: TsneOptions, name: str
) -> tuple[Panel, tuple[Points, float]]:
    """One run's points, with the space they lie in and the perplexity used."""
    if options.fold is not None:
        item.fold(options.fold)  # an unknown name lists the known ones
    opened = open_run(item, options)
    wanted = [fold for fold in opened.folds if options.fold in (None, fold.name)]
    found = features(opened, wanted, ALIGNING if options.fold is None else None)
    training = options.clips == "training"
    points = one_fold(found[0], training) if options.fold is not None else all_folds(found)
    places, perplexity = tsne(points.values, options.perplexity, options.seed)
    annotations = opened.dataset.annotations
    labels = np.array(annotations.labels)[points.clips]
    by_clip = {
        clip: predicted
        for fold in found
        for clip, predicted in zip(
            fold.training_clips if training else fold.held_out_clips,
            fold.training_predicted if training else fold.held_out_predicted,
            strict=True,
        )
    }
    panel = Panel(
        title=_title(item, name),
        run=str(item.path),
        places=places,
        labels=labels,
        predicted=np.array([by_clip[clip] for clip in points.clips]),
        clips=[annotations.clips[i].id for i in points.clips],
        folds=list(points.folds),
        silhouette=silhouette(points.values, labels),
        silhouette_drawn=silhouette(places, labels),
    )
    return panel, (points, perplexity)


def _title(item: FinishedRun, name: str) -> str:
    """Which key frames the run's networks see, and the run's name if there is another."""
    reselection = item.config.reselection
    if reselection.preset == "none":
        words = "annotated key frames"
    else:
        where = "" if reselection.clips == "all" else ", training clips only"
        words = f"reselected key frames ({reselection.preset}{where})"
    return f"{words}: {name}" if name else words


def _headline(options: TsneOptions, runs: list[FinishedRun]) -> str:
    values = runs[0].results
    epochs = " and ".join(dict.fromkeys(epoch_name(item.results) for item in runs))
    if options.fold is None:
        which = f"held-out clips of all folds, networks of the {epochs}"
    else:
        which = f"{options.clips} clips of fold {options.fold}, its network of the {epochs}"
    return f"{values.dataset}, {values.task}\n{which}"


def _how(options: TsneOptions, drawn: list[tuple[Panel, tuple[Points, float]]]) -> str:
    perplexities = " and ".join(dict.fromkeys(f"{used:.3g}" for _, (_, used) in drawn))
    text = (
        f"t-SNE (perplexity {perplexities}, seed {options.seed}) of the features before the "
        "classifier. "
    )
    if options.fold is not None:
        text += "One network; features centred and scaled by its training clips. "
    else:
        text += SPACE.format(
            reference=" and ".join(dict.fromkeys(p.reference for _, (p, _) in drawn))
        )
        text += f"Agreement on those clips afterwards: {_agreement(drawn)}. "
    return text + "Distances between clusters and their sizes have no meaning in t-SNE."


def _agreement(drawn: list[tuple[Panel, tuple[Points, float]]]) -> str:
    """How much of the variance of shared clips the folds have in common, run by run."""
    parts = []
    for _, (points, _) in drawn:
        low, middle, high = np.quantile(points.agreement or (1.0,), (0, 0.5, 1))
        parts.append(f"R² {middle:.2f} ({low:.2f} to {high:.2f})")
    return " and ".join(parts)


def _stem(options: TsneOptions, names: list[str]) -> str:
    stem = "tsne"
    if options.fold is not None:
        stem += f"_{options.fold}_{options.clips}"
    return "_against_".join([stem, *(name.replace("/", "_") for name in names[1:])])


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
