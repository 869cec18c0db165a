"""Features of several folds in one space, and how well they separate the classes.

Every fold has a network of its own, started from other weights, so axis 7 of one fold has nothing
to do with axis 7 of another. The folds do share training clips, and these tell how one network's
space is turned against another's. No held-out clip and no label takes part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import orthogonal_procrustes
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from gamdss.errors import ConfigError, FoldError

COMPONENTS = 50
FEWEST = 5


@dataclass(frozen=True, eq=False)
class FoldFeatures:
    """Features of a fold's network before its classifier.

    `training_clips` and `held_out_clips` are places of clips in the dataset; `training` (N, D) and
    `held_out` (H, D) their features, `training_predicted` (N,) and `held_out_predicted` (H,) the
    predicted class indices, in that order.
    """

    name: str
    training_clips: tuple[int, ...]
    held_out_clips: tuple[int, ...]
    training: np.ndarray
    held_out: np.ndarray
    training_predicted: np.ndarray
    held_out_predicted: np.ndarray


@dataclass(frozen=True, eq=False)
class Points:
    """Clips in one space: `clips` (N,) places in the dataset, `folds` (N,) names, `values` (N, K).

    `agreement` has, for each fold but the reference, which share of the variance of the shared
    training clips is common to both folds' networks after turning (1: the same picture).
    """

    clips: np.ndarray
    folds: np.ndarray
    values: np.ndarray
    reference: str = ""
    agreement: tuple[float, ...] = ()


def one_fold(fold: FoldFeatures, training: bool) -> Points:
    """The training or the held-out clips of one fold, centred and scaled by its training clips."""
    space = _Space.of(fold, COMPONENTS)
    clips = fold.training_clips if training else fold.held_out_clips
    values = space.map(fold.training if training else fold.held_out)
    return Points(np.array(clips), np.full(len(clips), fold.name), values)


def all_folds(folds: Sequence[FoldFeatures]) -> Points:
    """The held-out clips of all folds, in the space of the fold with most training clips.

    Each fold's features are centred and scaled by its own training clips (mean; root mean square
    distance from it), reduced to their principal components (50, or fewer where the folds share
    fewer clips), and turned (orthogonal Procrustes) so that the training clips shared with the
    reference fold lie where that fold's network puts them.

    Raises:
        FoldError: a fold shares fewer than three training clips with the reference.
    """
    reference = max(folds, key=lambda fold: len(fold.training_clips))
    shared = {fold.name: _shared(fold, reference) for fold in folds}
    components = min(COMPONENTS, *(len(places) - 1 for places, _ in shared.values()))
    target = _Space.of(reference, components)
    values, agreement = [], []
    for fold in folds:
        space = _Space.of(fold, components)
        here, there = shared[fold.name]
        ours, theirs = space.map(fold.training[here]), target.map(reference.training[there])
        rotation, _ = orthogonal_procrustes(ours, theirs)
        values.append(space.map(fold.held_out) @ rotation)
        if fold is not reference:
            missed = np.square(ours @ rotation - theirs).sum()
            agreement.append(float(1 - missed / np.square(theirs - theirs.mean(0)).sum()))
    return Points(
        clips=np.concatenate([fold.held_out_clips for fold in folds]),
        folds=np.concatenate([[fold.name] * len(fold.held_out_clips) for fold in folds]),
        values=np.concatenate(values),
        reference=reference.name,
        agreement=tuple(agreement),
    )


@dataclass(frozen=True, eq=False)
class _Space:
    """A fold's own: the mean of its training clips, their principal axes (D, K), their extent."""

    mean: np.ndarray
    axes: np.ndarray
    scale: float

    @classmethod
    def of(cls, fold: FoldFeatures, components: int) -> _Space:
        values = fold.training.astype(np.float64)
        mean = values.mean(0)
        axes = np.linalg.svd(values - mean, full_matrices=False)[2][:components].T
        scale = float(np.sqrt(np.square(values - mean).sum(1).mean()))
        return cls(mean, axes, max(scale, np.finfo(np.float64).tiny))

    def map(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean) @ self.axes / self.scale


def _shared(fold: FoldFeatures, reference: FoldFeatures) -> tuple[list[int], list[int]]:
    """Rows of the training clips that both folds have, in each."""
    there = {clip: row for row, clip in enumerate(reference.training_clips)}
    rows = [(i, there[clip]) for i, clip in enumerate(fold.training_clips) if clip in there]
    if len(rows) < 3:
        raise FoldError(
            f"folds {fold.name} and {reference.name} share {len(rows)} training clip(s), so their "
            "features cannot be brought into one space",
            remedy=f"Draw one fold: --fold {fold.name}",
        )
    return [here for here, _ in rows], [there for _, there in rows]


def tsne(values: np.ndarray, perplexity: float | None, seed: int) -> tuple[np.ndarray, float]:
    """t-SNE (N, 2) of points (N, K), and the perplexity: 30, or a third of fewer points.

    Raises:
        ConfigError: too few points, or a perplexity that they do not allow.
    """
    count = len(values)
    if count < FEWEST:
        raise ConfigError(
            f"there are {count} clips to draw", remedy=f"t-SNE needs {FEWEST} at least."
        )
    used = min(30.0, (count - 1) / 3) if perplexity is None else perplexity
    if not 1 <= used < count:
        raise ConfigError(
            f"--perplexity is {used:g}, for {count} clips",
            remedy=f"It must be at least 1 and below {count}.",
        )
    model = TSNE(2, perplexity=used, init="pca", learning_rate="auto", random_state=seed)
    return model.fit_transform(values), used


def silhouette(values: np.ndarray, labels: np.ndarray) -> float | None:
    """Mean silhouette of the labels in a space (N, K), -1 to 1; None where it is undefined."""
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(values, labels))
