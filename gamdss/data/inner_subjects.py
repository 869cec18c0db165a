"""Training subjects that a fold sets aside, to choose an epoch on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gamdss.data.splits import Fold, Labelled, divided
from gamdss.errors import FoldError


def set_aside(
    fold: Fold, data: Labelled, share: float, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Set aside whole training subjects, with about `share` of the training clips.

    Subjects are divided into parts with classes as balanced as possible (scikit-learn). Among the
    parts that leave every class to train on, the one whose class distribution is closest to that
    of all training clips is chosen; of action units, among those that leave the most units. The
    held-out clips are not used.

    Args:
        fold: the fold.
        data: clips and labels that the fold's indices refer to.
        share: share of the training clips.
        seed: for the division.

    Returns:
        Indices of the clips that remain to train on, and of those set aside.

    Raises:
        FoldError: there is only one training subject, or setting subjects aside removes a class.
    """
    training = np.array(fold.training)
    labels = data.strata[training]
    subjects = np.array([data.clips[i].subject for i in training])
    count = np.bincount(labels, minlength=len(data.classes))
    parts = min(max(round(1 / share), 2), len(set(subjects)), int(count.max()))
    if parts < 2:
        raise FoldError(
            f"fold {fold.name} trains on one subject or clip ({', '.join(sorted(set(subjects)))}): "
            "none can be set aside",
            remedy="Use --training.selection final.",
        )
    choices = [aside for _, aside in divided(parts, seed, labels, subjects)]
    kept = _leaving_most(data, training, choices)
    if not kept:
        raise FoldError(
            f"fold {fold.name}: setting any training subjects aside removes all clips of a class",
            remedy="Use --training.selection final, or a smaller --training.inner-share.",
        )
    aside = min(kept, key=lambda chosen: _unlike(labels, chosen, count, share))
    rest = np.setdiff1d(np.arange(len(training)), aside)
    return tuple(training[rest].tolist()), tuple(training[aside].tolist())


def _leaving_most(
    data: Labelled, training: np.ndarray, choices: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The parts without which every class has clips, or as many action units as possible."""
    if data.units is None:
        of_class = data.strata[training, None] == np.arange(len(data.classes))  # (N, C)
    else:
        of_class = data.units[training] == 1
    lost = {
        number: int((of_class.any(0) & ~np.delete(of_class, aside, 0).any(0)).sum())
        for number, aside in enumerate(choices)
        if len(aside)
    }
    allowed = 0 if data.units is None else min(lost.values())
    return [choices[number] for number, count in lost.items() if count <= allowed]


def _unlike(labels: np.ndarray, aside: np.ndarray, count: np.ndarray, share: float) -> float:
    """Difference between a part's class counts and the requested share of each, in clips."""
    found = np.bincount(labels[aside], minlength=len(count))
    return float(np.abs(found - share * count).sum())
