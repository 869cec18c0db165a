"""Predictions with a planted accuracy, by subjects of unequal size that differ in difficulty."""

import numpy as np

from gamdss.metrics import Predictions

SIZES = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 12, 13, 16, 20, 30])
MIX = np.array([0.4, 0.3, 0.2, 0.1])


def subjects(rng, count, difficulty):
    """What two runs on the same clips share: clips, true labels, how hard each subject is."""
    clips, labels, hard = [], [], []
    for number, size in enumerate(rng.choice(SIZES, count)):
        clips += [f"{number:04d}/{i}" for i in range(size)]
        labels.append(rng.choice(len(MIX), size, p=rng.dirichlet(8 * MIX)))
        hard.append(np.full(size, difficulty * rng.standard_normal()))
    return tuple(clips), np.concatenate(labels), np.concatenate(hard)


def predict(rng, shared, accuracy, selection="final"):
    """Predictions with that accuracy in a subject of average difficulty."""
    clips, labels, hard = shared
    right = rng.random(len(labels)) < 1 / (1 + np.exp(-np.log(accuracy / (1 - accuracy)) - hard))
    wrong = (labels + rng.integers(1, len(MIX), len(labels))) % len(MIX)
    predicted = np.where(right, labels, wrong)
    return Predictions(selection, clips, labels, predicted, predicted)
