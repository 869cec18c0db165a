"""Intervals contain the truth as often as stated; draws are scored as `scores` does."""

import sys

import numpy as np
import pytest
from planted import MIX, predict, subjects

from gamdss.errors import FoldError
from gamdss.metrics import MEASURES, Predictions, compare, intervals, scores, seed_mean
from gamdss.metrics.bootstrap import subject_draws
from gamdss.metrics.intervals import confusions, drawn_measures
from gamdss.metrics.scores import measures

C = len(MIX)
REPEATS = 200


@pytest.fixture(autouse=True, scope="module")
def _fewer_draws():
    """A quarter of the draws: the error of an interval comes from its few subjects."""
    with pytest.MonkeyPatch.context() as patch:
        module = sys.modules["gamdss.metrics.intervals"]
        patch.setattr(module, "subject_draws", lambda count: subject_draws(count)[:500])
        yield


@pytest.mark.parametrize("seed", range(5))
def test_measures_of_counts_equal_scores(seed):
    rng = np.random.default_rng(seed)
    made = predict(rng, subjects(rng, 5, 1.0), 0.5)
    found = measures(*confusions(made, C).sum(1))
    expected = scores(made.labels, made.predicted, C)
    assert found == pytest.approx([getattr(expected, name) for name in MEASURES])


def test_a_draw_is_of_whole_subjects():
    labels = np.array([0, 0, 0, 1])
    right = Predictions("final", ("a/1", "a/2", "a/3", "b/1"), labels, labels * 0, labels * 0)
    accuracy = drawn_measures(confusions(right, 2))[:, 0]
    # Subject a (all right) twice, each once, or b (all wrong) twice: 1, 3/4, 0.
    assert set(accuracy.round(6)) == {0.0, 0.75, 1.0}
    assert accuracy.mean() == pytest.approx((1 + 2 * 0.75 + 0) / 4, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "accuracy", "difficulty"), [(4, 0.6, 0.8), (8, 0.8, 0.8), (26, 0.6, 0.5)]
)
def test_intervals_cover_planted_figures(count, accuracy, difficulty):
    """95% intervals contain the value over all subjects in 90 to 99% of datasets."""
    rng = np.random.default_rng(7)
    everybody = predict(rng, subjects(rng, 20_000, difficulty), accuracy)
    truth = dict(zip(MEASURES, measures(*confusions(everybody, C).sum(1)), strict=True))
    contained = dict.fromkeys(MEASURES, 0)
    for _ in range(REPEATS):
        found = intervals(predict(rng, subjects(rng, count, difficulty), accuracy), C)
        for name, (low, high) in found.items():
            contained[name] += low <= truth[name] <= high
    for name, times in contained.items():
        assert 0.90 <= times / REPEATS <= 0.99, (name, times / REPEATS)


@pytest.mark.slow
def test_intervals_of_a_difference_cover_it():
    rng = np.random.default_rng(8)
    everybody = subjects(rng, 20_000, 0.8)
    both = [predict(rng, everybody, accuracy) for accuracy in (0.6, 0.7)]
    truth = compare(both[:1], both[1:], C).differences
    contained = dict.fromkeys(MEASURES, 0)
    for _ in range(REPEATS // 2):
        made = subjects(rng, 6, 0.8)
        a, b = (predict(rng, made, accuracy) for accuracy in (0.6, 0.7))
        for name, found in compare([a], [b], C).differences.items():
            contained[name] += found.interval[0] <= truth[name].value <= found.interval[1]
    for name, times in contained.items():
        assert 0.90 <= 2 * times / REPEATS <= 0.99, (name, times)


def test_an_interval_has_a_width_and_stays_within_0_and_1():
    labels = np.array([0, 1] * 4)
    clips = tuple(f"{name}/{number}" for name in "abcd" for number in (1, 2))
    perfect = Predictions("final", clips, labels, labels, labels)
    low, high = intervals(perfect, 2)["accuracy"]
    assert 0 < low < 0.6
    assert high == 1
    one_wrong = Predictions("final", clips, labels, np.array([0, 1] * 3 + [0, 0]), labels * 0)
    for low, high in intervals(one_wrong, 2).values():
        assert 0 <= low < high <= 1
    for few in (2, 4, 6):  # clips of 1, 2 and 3 subjects
        alone = Predictions("final", clips[:few], *[labels[:few]] * 3)
        assert set(intervals(alone, 2).values()) == {None}


def test_seeds_give_mean_and_spread():
    labels = np.array([0, 0, 1, 1])
    clips = ("a/1", "b/1", "a/2", "b/2")
    runs = [
        Predictions("final", clips, labels, np.array(p), np.array(p))
        for p in ([0, 0, 1, 1], [0, 1, 1, 1], [0, 1, 1, 0])
    ]
    found = seed_mean(runs, 2)["accuracy"]
    assert found.values == (1, 0.75, 0.5)
    assert found.mean == 0.75
    assert found.spread == pytest.approx(0.25)
    other = Predictions("final", ("a/1", "b/1", "a/2", "c/2"), labels, labels, labels)
    with pytest.raises(FoldError, match=r"1 clip\(s\) are only in the first run: b/2"):
        seed_mean([runs[0], other], 2)


def test_intervals_are_the_same_each_time():
    rng = np.random.default_rng(0)
    made = predict(rng, subjects(rng, 12, 0.5), 0.7)
    assert intervals(made, C) == intervals(made, C)
