"""Training subjects that a fold sets aside to choose its epoch on; the held-out one is not seen."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from gamdss.data.splits import Fold, Labelled
from gamdss.errors import FoldError


def set_aside(
    fold: Fold, data: Labelled, share: float, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Whole training subjects with about `share` of the fold's training clips.

    Subjects are divided into parts with classes as balanced as whole subjects allow
    (scikit-learn); of the parts that leave every class to train on, the one whose classes are
    most like those of all training clips is taken. Nothing of the held-out clips is used.

    Args:
        fold: the fold.
        data: clips and labels that its indices are of.
        share: of the training clips.
        seed: of the division.

    Returns:
        Indices of the clips that remain to train on, and of those set aside.

    Raises:
        FoldError: one training subject only, or no subjects can go without a class going too.
    """
    training = np.array(fold.training)
    labels = np.array([data.labels[i] for i in training])
    subjects = np.array([data.clips[i].subject for i in training])
    count = np.bincount(labels, minlength=len(data.classes))
    parts = min(max(round(1 / share), 2), len(set(subjects)), int(count.max()))
    if parts < 2:
        raise FoldError(
            f"fold {fold.name} trains on one subject or clip ({', '.join(sorted(set(subjects)))}): "
            "none can be set aside",
            remedy="Use --training.selection final.",
        )
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # A class may have fewer clips than there are parts: then not all parts have it.
        warnings.simplefilter("ignore", UserWarning)
        divided = [aside for _, aside in splitter.split(training, labels, subjects)]
    kept = [
        aside for aside in divided if len(aside) and _leaves_all(labels, aside, len(data.classes))
    ]
    if not kept:
        raise FoldError(
            f"fold {fold.name}: whichever training subjects are set aside, a class goes with them",
            remedy="Use --training.selection final, or a smaller --training.inner-share.",
        )
    aside = min(kept, key=lambda chosen: _unlike(labels, chosen, count, share))
    rest = np.setdiff1d(np.arange(len(training)), aside)
    return tuple(training[rest].tolist()), tuple(training[aside].tolist())


def _leaves_all(labels: np.ndarray, aside: Sequence[int], classes: int) -> bool:
    left = np.bincount(np.delete(labels, aside), minlength=classes)
    return bool(((left > 0) == (np.bincount(labels, minlength=classes) > 0)).all())


def _unlike(labels: np.ndarray, aside: np.ndarray, count: np.ndarray, share: float) -> float:
    """How far the classes of a part are from the share of each that is wanted, in clips."""
    found = np.bincount(labels[aside], minlength=len(count))
    return float(np.abs(found - share * count).sum())
