"""`gamdss tsne`, which the scripts under `visual/` call too: a finished run's features, drawn."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jsonargparse import ArgumentParser

from gamdss.cli.runs import add_data_options, add_demo_options, chosen_runs, open_data
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError
from gamdss.report.tables import judged_epoch

if TYPE_CHECKING:
    from gamdss.report.tsne_figure import Panel
    from gamdss.runs.embedding_space import Points
    from gamdss.runs.finished import FinishedRun

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


def parser() -> ArgumentParser:
    """Options: the runs, what of them is drawn, and t-SNE's own."""
    options = new_parser(
        "draw a finished run's features before the classifier with t-SNE; two runs "
        "side by side, such as annotated against reselected key frames. "
        + SPACE.format(reference="F (the one with most training clips)")
        + "With --fold, one fold's network alone is drawn and nothing is turned.",
        "tsne",
    )
    options.usage = "gamdss tsne [RUN [RUN2]] [options]"
    options.add_argument(
        "runs", nargs="*", default=[], help="run directories as `gamdss train` leaves them"
    )
    options.add_argument("--fold", help="draw this fold's network alone")
    options.add_argument(
        "--clips",
        choices=["held-out", "training"],
        default="held-out",
        help="which clips are drawn; the training clips of one fold (--fold) as the release does",
    )
    options.add_argument(
        "--perplexity", type=float, help="of t-SNE; 30, or a third of fewer clips, if left out"
    )
    options.add_argument("--seed", type=int, default=0, help="of t-SNE")
    options.add_argument("--output", help="folder of the picture; the first run's if left out")
    add_demo_options(options)
    add_data_options(options)
    return options


def run(namespace: Any) -> None:
    """Compute features with the folds' checkpoints, draw them, and say where the picture lies."""
    from gamdss.report.tsne_figure import tsne_figure, write_points  # noqa: PLC0415

    if namespace.clips == "training" and namespace.fold is None:
        raise ConfigError(
            "--clips is 'training', but every fold has training clips of its own",
            remedy="Name the fold whose training clips are drawn: --fold NAME",
        )
    runs = chosen_runs(list(namespace.runs), namespace)
    classes = runs[0].results["classes"]
    for other in runs[1:]:
        if other.results["classes"] != classes:
            raise ConfigError(
                f"the classes of this run are {', '.join(other.results['classes'])}; "
                f"{runs[0].path} has {', '.join(classes)}",
                file=other.path,
                remedy="Draw runs of the same task side by side.",
            )
    names = _names(runs)
    drawn = [
        _panel(item, namespace, name if len(runs) > 1 else "")
        for item, name in zip(runs, names, strict=True)
    ]
    folder = Path(namespace.output).expanduser() if namespace.output else runs[0].path
    stem = folder / _stem(namespace, names)
    pictures = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".png", ".pdf")]
    table = stem.with_name(f"{stem.name}.csv")
    panels = [panel for panel, _ in drawn]
    tsne_figure(pictures, panels, classes, _headline(namespace, runs), _how(namespace, drawn))
    write_points(table, panels, classes)
    for panel in panels:
        print(f"{panel.title}: {_number(panel.silhouette)} (silhouette of the true classes)")
    for name, file in zip(("picture", "picture", "points"), (*pictures, table), strict=True):
        print(f"{name:<7}  {file}")


def _names(runs: list[FinishedRun]) -> list[str]:
    """What each run's folder is called, with as many of those above as tell them apart."""
    paths = [item.path.resolve() for item in runs]
    tails = (["/".join(path.parts[-depth:]) for path in paths] for depth in count(1))
    return next(names for names in tails if len(set(names)) == len(set(paths)))


def _panel(item: FinishedRun, namespace: Any, name: str) -> tuple[Panel, tuple[Points, float]]:
    """One run's points, with the space they lie in and the perplexity used."""
    from gamdss.report.tsne_figure import Panel  # noqa: PLC0415
    from gamdss.runs.embedding import features  # noqa: PLC0415
    from gamdss.runs.embedding_space import all_folds, one_fold, silhouette, tsne  # noqa: PLC0415

    if namespace.fold is not None:
        item.fold(namespace.fold)  # an unknown name lists the known ones
    opened = open_data(item, namespace)
    wanted = [fold for fold in opened.folds if namespace.fold in (None, fold.name)]
    found = features(opened, wanted, ALIGNING if namespace.fold is None else None)
    training = namespace.clips == "training"
    points = one_fold(found[0], training) if namespace.fold is not None else all_folds(found)
    places, perplexity = tsne(points.values, namespace.perplexity, namespace.seed)
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


def _headline(namespace: Any, runs: list[FinishedRun]) -> str:
    values = runs[0].results
    epochs = " and ".join(dict.fromkeys(judged_epoch(item.results) for item in runs))
    if namespace.fold is None:
        which = f"held-out clips of all folds, networks of the {epochs}"
    else:
        which = f"{namespace.clips} clips of fold {namespace.fold}, its network of the {epochs}"
    return f"{values['dataset']}, {values['task']}\n{which}"


def _how(namespace: Any, drawn: list[tuple[Panel, tuple[Points, float]]]) -> str:
    perplexities = " and ".join(dict.fromkeys(f"{used:.3g}" for _, (_, used) in drawn))
    text = (
        f"t-SNE (perplexity {perplexities}, seed {namespace.seed}) of the features before the "
        "classifier. "
    )
    if namespace.fold is not None:
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


def _stem(namespace: Any, names: list[str]) -> str:
    stem = "tsne"
    if namespace.fold is not None:
        stem += f"_{namespace.fold}_{namespace.clips}"
    return "_against_".join([stem, *(name.replace("/", "_") for name in names[1:])])


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
