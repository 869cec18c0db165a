"""Embeddings of several folds in one space, and how well they separate the classes.

Every fold has its own network with other initial weights, so axis 7 of one fold has no relation to
axis 7 of another. But the folds share training clips, and these determine the rotation between the
spaces of two networks. Neither held-out clips nor labels are used for it.
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
class FoldEmbedding:
    """Embeddings by the network of a fold.

    `training_clips` and `held_out_clips` are indices of clips in the dataset. In the same order are
    `training` (N, D) and `held_out` (H, D), their embeddings, and `training_predicted` (N,) and
    `held_out_predicted` (H,), the predicted class indices.
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
    """Clips in one space.

    `clips` (N,) are indices in the dataset, `folds` (N,) names, `values` (N, K) the points and
    `predicted` (N,) class indices. `agreement` has, for each fold except `reference`, the share
    (R²) of the variance of the shared training clips that both networks have in common after the
    rotation.
    """

    clips: np.ndarray
    folds: np.ndarray
    values: np.ndarray
    predicted: np.ndarray
    reference: str = ""
    agreement: tuple[float, ...] = ()


def one_fold(fold: FoldEmbedding, training: bool) -> Points:
    """The training or the held-out clips of one fold, centred and scaled by its training clips."""
    space = _Space.of(fold, COMPONENTS)
    clips = fold.training_clips if training else fold.held_out_clips
    values = space.map(fold.training if training else fold.held_out)
    predicted = fold.training_predicted if training else fold.held_out_predicted
    return Points(np.array(clips), np.full(len(clips), fold.name), values, predicted)


def all_folds(folds: Sequence[FoldEmbedding]) -> Points:
    """The held-out clips of all folds, in the space of the fold with most training clips.

    The embeddings of each fold are centred and scaled by its training clips (mean, and root mean
    square distance from it), reduced to their principal components (50, or fewer if the folds
    share fewer clips), and rotated (orthogonal Procrustes) so that the training clips shared with
    the reference fold coincide with those of its network.

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
        predicted=np.concatenate([fold.held_out_predicted for fold in folds]),
        reference=reference.name,
        agreement=tuple(agreement),
    )


@dataclass(frozen=True, eq=False)
class _Space:
    """The space of a fold: mean (D,), principal axes (D, K) and scale of its training clips."""

    mean: np.ndarray
    axes: np.ndarray
    scale: float

    @classmethod
    def of(cls, fold: FoldEmbedding, components: int) -> _Space:
        values = fold.training.astype(np.float64)
        mean = values.mean(0)
        axes = np.linalg.svd(values - mean, full_matrices=False)[2][:components].T
        scale = float(np.sqrt(np.square(values - mean).sum(1).mean()))
        return cls(mean, axes, max(scale, np.finfo(np.float64).tiny))

    def map(self, values: np.ndarray) -> np.ndarray:
        return (values - self.mean) @ self.axes / self.scale


def _shared(fold: FoldEmbedding, reference: FoldEmbedding) -> tuple[list[int], list[int]]:
    """Rows of the shared training clips in each of the two folds."""
    there = {clip: row for row, clip in enumerate(reference.training_clips)}
    rows = [(i, there[clip]) for i, clip in enumerate(fold.training_clips) if clip in there]
    if len(rows) < 3:
        raise FoldError(
            f"folds {fold.name} and {reference.name} share {len(rows)} training clip(s), so their "
            "embeddings cannot be brought into one space",
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
            f"there are {count} clips to draw", remedy=f"t-SNE needs at least {FEWEST}."
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
    """Mean silhouette of the labels in a space (N, K), -1 to 1; None if it is undefined."""
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    return float(silhouette_score(values, labels))
