"""What a t-SNE figure says: titles, the headline, and how the picture was made."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import numpy as np

from gamdss.report.tables import epoch_name
from gamdss.runs.embedding_space import Points
from gamdss.runs.finished import FinishedRun

_SPACE = (
    "Every fold has its own network. To bring them into one space, the embeddings of each fold are "
    "centred and scaled by its training clips (at most 200 of them), reduced to their principal "
    "components, and rotated (orthogonal Procrustes) so that the training clips shared with fold "
    "{reference} coincide with those of its network; neither held-out clips nor labels are used. "
    "How much of the variance of those clips a fold's network then has in common with that one "
    "(R², 1 if both place them alike): {agreement}. If it is low, do not compare clusters of "
    "different folds. "
)
_ONE_FOLD = "One network; embeddings centred and scaled by its training clips. "


def run_names(runs: Sequence[FinishedRun]) -> list[str]:
    """The folder of each run, with as many parent folders as make the names unique."""
    paths = [item.path.resolve() for item in runs]
    tails = (["/".join(path.parts[-depth:]) for path in paths] for depth in count(1))
    return next(names for names in tails if len(set(names)) == len(set(paths)))


def panel_title(run: FinishedRun, name: str) -> str:
    """Which key frames the networks of a run see, and the name of the run if it has one."""
    reselection = run.config.reselection
    if reselection.preset == "none":
        words = "annotated key frames"
    else:
        where = "" if reselection.clips == "all" else ", training clips only"
        words = f"reselected key frames ({reselection.preset}{where})"
    if reselection.draws and reselection.train_draws:
        words += f", trained on {reselection.draws} draws"
    return f"{words}: {name}" if name else words


def headline(runs: Sequence[FinishedRun], fold: str | None, clips: str) -> str:
    """Dataset, task and protocol, and below which clips and networks are drawn."""
    data = " and ".join(
        dict.fromkeys(
            f"{item.results.dataset}, {item.results.task}, {item.results.protocol}" for item in runs
        )
    )
    epochs = " and ".join(dict.fromkeys(epoch_name(item.results) for item in runs))
    if fold is None:
        which = f"held-out clips of all folds, networks of the {epochs}"
    else:
        which = f"{clips} clips of fold {fold}, its network of the {epochs}"
    return f"{data}\n{which}"


def method(drawn: Sequence[tuple[Points, float]], seed: int) -> str:
    """How the picture was made.

    Args:
        drawn: the points of each run before t-SNE, and the perplexity.
        seed: of t-SNE.
    """
    perplexities = " and ".join(dict.fromkeys(f"{used:.3g}" for _, used in drawn))
    # A run of one fold has nothing to agree with.
    several = [points for points, _ in drawn if points.agreement]
    space = _ONE_FOLD
    if several:
        space = _SPACE.format(
            reference=" and ".join(dict.fromkeys(points.reference for points in several)),
            agreement=" and ".join(map(_agreement, several)),
        )
    return (
        f"t-SNE (perplexity {perplexities}, seed {seed}) of the embeddings before the classifier. "
        f"{space}Distances between clusters and their sizes have no meaning in t-SNE."
    )


def _agreement(points: Points) -> str:
    low, middle, high = np.quantile(points.agreement, (0, 0.5, 1))
    if len(points.agreement) == 1:
        return f"{middle:.2f}"
    return f"median of the folds {middle:.2f}, {low:.2f} to {high:.2f}"
