"""Paired comparison on cases computed by hand."""

import numpy as np
import pytest
from planted import MIX, predict, subjects
from statsmodels.stats.contingency_tables import mcnemar

from gamdss.errors import FoldError
from gamdss.metrics import FEWEST, Predictions, compare
from gamdss.report.comparison import Compared, comparison_text

CLIPS = ("a/1", "a/2", "b/1", "b/2", "c/1", "c/2", "d/1", "d/2")


def run(predicted, clips=CLIPS, labels=(0, 1) * 4):
    predicted = np.array(predicted)
    return Predictions("final", clips, np.array(labels), predicted, predicted)


def test_a_run_does_not_differ_from_itself():
    same = run([0, 1, 0, 0, 1, 1, 0, 1])
    found = compare([same], [same], 2)
    for difference in found.differences.values():
        assert (difference.value, difference.interval, difference.p) == (0, (0, 0), 1)
        assert not difference.shown
    assert found.mcnemar[0].p == 1


def test_a_difference_equal_in_every_draw_has_no_interval_and_no_p():
    found = compare([run([1, 0] * 4)], [run([0, 1] * 4)], 2)
    for difference in found.differences.values():
        assert (difference.value, difference.interval, difference.p) == (1, None, None)
        assert not difference.shown
    words = text(found)
    assert "no interval of accuracy" in words
    assert "No figure differs" not in words


def text(found):
    return comparison_text(
        Compared(found, "synthetic", "c5", ("a", "b"), ("final", "final"), ((2,), (2,)), {})
    )


@pytest.mark.parametrize("subjects", [1, 2, 3])
def test_too_few_subjects_have_no_interval_and_nothing_is_concluded(subjects):
    clips, labels = CLIPS[: 2 * subjects], (0, 1) * subjects
    a, b = (run(said, clips, labels) for said in ((1, 0) * subjects, labels))
    found = compare([a], [b], 2)
    for difference in found.differences.values():
        assert (difference.interval, difference.p, difference.shown) == (None, None, False)
    assert found.a["uf1"].interval is None
    words = text(found)
    assert f"Too few subjects for intervals ({subjects}; it takes {FEWEST} or more)" in words
    assert "by more than" not in words
    assert "interval)" not in words
    assert "McNemar" in words


def test_an_interval_ends_at_the_largest_possible_difference():
    wrong, right = run([1, 0, 1, 0, 1, 0, 0, 1]), run([0, 1, 0, 1, 0, 1, 0, 1])
    found = compare([wrong], [right], 2).differences["accuracy"]
    assert found.value == 0.75
    assert found.interval[1] == 1.0  # Student's t of four subjects reaches further
    assert -0.2 < found.interval[0] < 0


def test_differences_and_discordant_clips():
    found = compare([run([1, 0, 0, 0, 0, 1, 0, 1])], [run([0, 1, 0, 1, 0, 0, 0, 1])], 2)
    assert found.differences["accuracy"].value == pytest.approx(7 / 8 - 5 / 8)
    (test,) = found.mcnemar
    assert (test.only_a, test.only_b) == (1, 3)
    assert test.p == pytest.approx(mcnemar([[2, 1], [3, 0]], exact=True).pvalue)
    assert (found.clips, found.subjects) == (8, 4)


def test_clips_are_matched_by_name_not_position():
    a = run([0, 0, 0, 1, 0, 1, 1, 1])
    order = [5, 3, 1, 0, 7, 2, 4, 6]
    b = Predictions(
        "final",
        tuple(a.clips[i] for i in order),
        a.labels[order],
        a.predicted[order],
        a.for_accuracy[order],
    )
    found = compare([a], [b], 2)
    assert (found.mcnemar[0].only_a, found.mcnemar[0].only_b) == (0, 0)
    assert found.differences["uf1"].interval == (0, 0)


def test_the_paired_interval_is_narrower_than_that_of_two_samples():
    rng = np.random.default_rng(2)
    made = subjects(rng, 20, 2.0)
    a, b = (predict(rng, made, accuracy) for accuracy in (0.6, 0.75))
    found = compare([a], [b], len(MIX))
    low, high = found.differences["accuracy"].interval
    alone = [side["accuracy"].interval for side in (found.a, found.b)]
    assert high - low < min(end[1] - end[0] for end in alone)
    assert found.differences["accuracy"].shown
    assert found.differences["accuracy"].p < 0.05


def test_seeds_are_paired_in_order_or_each_with_each():
    a, b = run([0, 1] * 4), run([1, 0, 0, 1, 0, 1, 0, 1])
    assert [test.runs for test in compare([a, a], [b, b], 2).mcnemar] == [(0, 0), (1, 1)]
    assert [test.runs for test in compare([a], [b, b], 2).mcnemar] == [(0, 0), (0, 1)]


def test_errors_name_the_clips_that_differ():
    a = run([0, 1] * 4)
    other = run([0, 1], ("a/1", "a/2"), (0, 1))
    with pytest.raises(FoldError, match=r"6 clip\(s\) are only in the first run: b/1, b/2"):
        compare([a], [other], 2)
    with pytest.raises(FoldError, match="only in the other run"):
        compare([other], [a], 2)
    with pytest.raises(FoldError, match=r"1 clip\(s\) have another true class.*: d/2"):
        compare([a], [run([0, 1] * 4, labels=(0, 1, 0, 1, 0, 1, 0, 0))], 2)
