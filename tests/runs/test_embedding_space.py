"""Features of several networks in one space: turned spaces fall on each other, strangers do not."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from gamdss.errors import ConfigError, FoldError
from gamdss.runs.embedding_space import FoldFeatures, all_folds, one_fold, silhouette, tsne

CLASSES, CLIPS, WIDTH = 3, 60, 16
LABELS = np.arange(CLIPS) % CLASSES


def truth(spread=0.3):
    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((CLASSES, WIDTH))
    return centres[LABELS] + spread * rng.standard_normal((CLIPS, WIDTH))


def folds(of, parts=3):
    """Each part held out once; `of(number, clips)` are the fold's features of these clips."""
    everyone = np.arange(CLIPS)
    for number in range(parts):
        held_out = everyone[number * CLIPS // parts : (number + 1) * CLIPS // parts]
        training = np.setdiff1d(everyone, held_out)
        clips = tuple(map(int, training)), tuple(map(int, held_out))
        features = of(number, training), of(number, held_out)
        yield FoldFeatures(str(number), *clips, *features, LABELS[training], LABELS[held_out])


def turned(number, clips):
    """One truth, seen by each fold turned, moved and scaled in a way of its own."""
    rotation = ortho_group.rvs(WIDTH, random_state=number)
    return (1 + number) * truth()[clips] @ rotation + 5 * number


def test_networks_that_see_the_same_agree_whatever_their_axes():
    points = all_folds(list(folds(turned)))
    assert sorted(points.clips) == list(range(CLIPS))
    assert points.reference == "0"
    assert len(points.agreement) == 2
    assert min(points.agreement) > 0.97
    together = silhouette(points.values, LABELS[points.clips])
    assert together == pytest.approx(silhouette(truth(), LABELS), abs=0.05)
    untouched = np.concatenate([fold.held_out for fold in folds(turned)])
    assert silhouette(untouched, LABELS) < together - 0.3


def test_networks_that_see_nothing_in_common_do_not_agree():
    def noise(number, clips):
        return np.random.default_rng(number).standard_normal((CLIPS, WIDTH))[clips]

    points = all_folds(list(folds(noise)))
    # Turning 16 axes fits some of the noise, but nothing of the classes follows from it.
    assert max(points.agreement) < 0.6
    assert silhouette(points.values, LABELS[points.clips]) < 0.1


def test_neither_held_out_clips_nor_labels_turn_a_space():
    first = list(folds(turned))
    other = FoldFeatures(
        *(first[1].name, first[1].training_clips, first[1].held_out_clips[:1]),
        *(first[1].training, first[1].held_out[:1]),
        *(first[1].training_predicted, first[1].held_out_predicted[:1]),
    )
    whole, less = all_folds(first), all_folds([first[0], other, first[2]])
    assert np.allclose(whole.values[:21], less.values[:21])


def test_folds_without_common_training_clips():
    first, second = list(folds(turned, 2))
    with pytest.raises(FoldError, match="--fold 1"):
        all_folds([first, second])


def test_one_fold_is_centred_and_scaled_by_its_training_clips():
    fold = next(iter(folds(turned)))
    points = one_fold(fold, training=True)
    assert np.allclose(points.values.mean(0), 0)
    assert np.square(points.values).sum(1).mean() == pytest.approx(1)
    assert list(one_fold(fold, training=False).clips) == list(fold.held_out_clips)


def test_tsne_repeats_itself_and_names_what_it_cannot_do():
    values = truth()
    places, perplexity = tsne(values, None, 0)
    assert perplexity == pytest.approx(59 / 3)
    assert np.array_equal(places, tsne(values, None, 0)[0])
    assert silhouette(places, LABELS) > 0.5
    for perplexity in (0.5, 60, 99):
        with pytest.raises(ConfigError, match="below 60"):
            tsne(values, perplexity, 0)
    with pytest.raises(ConfigError, match="5 at least"):
        tsne(values[:4], None, 0)


def test_a_silhouette_that_is_not_defined():
    assert silhouette(truth()[:5], np.zeros(5)) is None
    assert silhouette(truth()[:5], np.arange(5)) is None
