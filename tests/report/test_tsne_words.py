"""What a t-SNE figure says of how far the networks of the folds agree."""

import numpy as np
import pytest

from gamdss.report.tsne_words import method
from gamdss.runs.embedding_space import FoldEmbedding, all_folds, one_fold


def fold(name, held_out):
    """Held-out clips of ten, the others training clips, in a space rotated by the name."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(10, 4)) @ np.linalg.qr(rng.normal(size=(4, 4)) + int(name))[0]
    training = [clip for clip in range(10) if clip not in held_out]
    clips = tuple(training), tuple(held_out)
    predicted = (np.zeros(len(part), int) for part in clips)
    return FoldEmbedding(name, *clips, points[training], points[held_out], *predicted)


def words(*folds):
    return method([(all_folds(folds), 2.0)], 0)


def test_the_agreement_of_several_folds_is_explained():
    said = words(*(fold(str(number), [number, 9 - number]) for number in range(3)))
    assert "in common with that one (R², 1 if both place them alike): median of the folds" in said
    assert "do not compare clusters of different folds" in said
    pair = words(fold("0", [0, 1]), fold("1", [8, 9]))
    assert "place them alike): 1.00. If" in pair or "place them alike): 0." in pair


@pytest.mark.parametrize("draw", [lambda one: all_folds([one]), lambda one: one_fold(one, True)])
def test_one_network_agrees_with_nothing(draw):
    said = method([(draw(fold("0", [0, 1])), 2.0)], 0)
    assert "R²" not in said
    assert "One network" in said
