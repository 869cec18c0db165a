"""Embeddings of several networks in one space: rotated copies coincide, unrelated ones do not."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from gamdss.errors import ConfigError, FoldError
from gamdss.runs.embedding_space import FoldEmbedding, all_folds, one_fold, silhouette, tsne

CLASSES, CLIPS, WIDTH = 3, 60, 16
LABELS = np.arange(CLIPS) % CLASSES


def truth(spread=0.3):
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((CLASSES, WIDTH))
    return centres[LABELS] + spread * rng.standard_normal((CLIPS, WIDTH))


def folds(of, parts=3):
    """Each part held out once; `of(number, clips)` are the fold's embeddings of these clips."""
    everyone = np.arange(CLIPS)
    for number in range(parts):
        held_out = everyone[number * CLIPS // parts : (number + 1) * CLIPS // parts]
        training = np.setdiff1d(everyone, held_out)
        clips = tuple(map(int, training)), tuple(map(int, held_out))
        embeddings = of(number, training), of(number, held_out)
        yield FoldEmbedding(str(number), *clips, *embeddings, LABELS[training], LABELS[held_out])


def rotated(number, clips):
    """The same points, rotated, shifted and scaled differently for each fold."""
    rotation = ortho_group.rvs(WIDTH, random_state=number)
    return (1 + number) * truth()[clips] @ rotation + 5 * number


def test_networks_that_see_the_same_agree_whatever_their_axes():
    points = all_folds(list(folds(rotated)))
    assert sorted(points.clips) == list(range(CLIPS))
    assert points.reference == "0"
    assert len(points.agreement) == 2
    assert min(points.agreement) > 0.97
    together = silhouette(points.values, LABELS[points.clips])
    assert together == pytest.approx(silhouette(truth(), LABELS), abs=0.05)
    untouched = np.concatenate([fold.held_out for fold in folds(rotated)])
    assert silhouette(untouched, LABELS) < together - 0.3


def test_networks_that_see_nothing_in_common_do_not_agree():
    def noise(number, clips):
        return np.random.default_rng(number).standard_normal((CLIPS, WIDTH))[clips]

    points = all_folds(list(folds(noise)))
    # A rotation of 16 axes fits some of the noise, but does not separate the classes.
    assert max(points.agreement) < 0.6
    assert silhouette(points.values, LABELS[points.clips]) < 0.1


def test_neither_held_out_clips_nor_labels_affect_the_rotation():
    first = list(folds(rotated))
    other = FoldEmbedding(
        *(first[1].name, first[1].training_clips, first[1].held_out_clips[:1]),
        *(first[1].training, first[1].held_out[:1]),
        *(first[1].training_predicted, first[1].held_out_predicted[:1]),
    )
    all_clips, fewer = all_folds(first), all_folds([first[0], other, first[2]])
    assert np.allclose(all_clips.values[:21], fewer.values[:21])


def test_folds_without_common_training_clips():
    first, second = list(folds(rotated, 2))
    with pytest.raises(FoldError, match="--fold 1"):
        all_folds([first, second])


def test_one_fold_is_centred_and_scaled_by_its_training_clips():
    fold = next(iter(folds(rotated)))
    points = one_fold(fold, training=True)
    assert np.allclose(points.values.mean(0), 0)
    assert np.square(points.values).sum(1).mean() == pytest.approx(1)
    assert list(one_fold(fold, training=False).clips) == list(fold.held_out_clips)


def test_tsne_is_reproducible_and_refuses_what_it_cannot_do():
    values = truth()
    places, perplexity = tsne(values, None, 0)
    assert perplexity == pytest.approx(59 / 3)
    assert np.array_equal(places, tsne(values, None, 0)[0])
    assert silhouette(places, LABELS) > 0.5
    for perplexity in (0.5, 60, 99):
        with pytest.raises(ConfigError, match="below 60"):
            tsne(values, perplexity, 0)
    with pytest.raises(ConfigError, match="at least 5"):
        tsne(values[:4], None, 0)


def test_an_undefined_silhouette_is_none():
    assert silhouette(truth()[:5], np.zeros(5)) is None
    assert silhouette(truth()[:5], np.arange(5)) is None
