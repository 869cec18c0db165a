"""Spotting is scored by the rule of the MEGC, and as its published counts say."""

import pytest

from gamdss.errors import ConfigError
from gamdss.metrics.spotting import (
    Counts,
    Span,
    SpottedRecording,
    count_matches,
    iou,
    spotting_scores,
)


@pytest.mark.parametrize(
    ("counts", "f1"),
    [((21, 5014, 36), 0.0082), ((109, 1414, 191), 0.1196), ((130, 6428, 227), 0.0376)],
)
def test_f1_of_the_published_counts_of_the_megc2020_baseline(counts, f1):
    assert Counts(*counts).f1 == pytest.approx(f1, abs=5e-5)


def test_iou_counts_both_ends_and_is_0_of_apart_spans():
    assert iou(micro(1, 10), micro(6, 15)) == pytest.approx(5 / 15)
    assert iou(micro(1, 10), micro(10, 10)) == pytest.approx(1 / 10)
    assert iou(micro(1, 10), micro(11, 20)) == iou(micro(1, 10), micro(50, 60)) == 0


def test_half_of_the_union_is_enough():
    assert count_matches([micro(1, 10)], [micro(1, 5)]) == Counts(1, 0, 0)
    assert count_matches([micro(1, 10)], [micro(1, 4)]) == Counts(0, 1, 1)


def test_a_second_prediction_on_a_label_is_a_false_positive():
    assert count_matches([micro(1, 10)], [micro(1, 10), micro(2, 10)]) == Counts(1, 1, 0)


def test_one_prediction_on_two_labels_counts_twice_by_megc_and_once_one_to_one():
    labels, found = [micro(1, 10), micro(2, 11)], [micro(1, 11)]
    assert count_matches(labels, found) == Counts(2, 0, 0)
    assert count_matches(labels, found, "one_to_one") == Counts(1, 0, 1)


def test_one_to_one_takes_the_best_pairs_first():
    labels, found = [micro(1, 10), micro(3, 12)], [micro(2, 11), micro(3, 12)]
    assert count_matches(labels, found, "one_to_one") == Counts(2, 0, 0)


def test_types_are_apart_and_recordings_without_labels_count():
    recordings = [
        SpottedRecording("a", (micro(1, 10), macro(20, 60)), (macro(1, 10), macro(20, 60))),
        SpottedRecording("a", (), (micro(5, 9),)),
        SpottedRecording("b", (macro(1, 30),), ()),
    ]
    found = {name: score.counts for name, score in spotting_scores(recordings).items()}
    assert found["micro"] == Counts(0, 1, 1)
    assert found["macro"] == Counts(1, 1, 1)
    assert found["overall"] == Counts(1, 2, 2)


def test_intervals_contain_the_score_and_need_two_subjects():
    one = SpottedRecording("a", (micro(1, 10), micro(40, 50)), (micro(1, 10),))
    many = [one, *(SpottedRecording(str(n), one.labels, one.labels[: n % 3]) for n in range(8))]
    for position, value in enumerate(("precision", "recall", "f1")):
        score = spotting_scores(many)["micro"]
        low, high = score.intervals[position]
        assert 0 <= low <= getattr(score.counts, value) <= high <= 1
    assert spotting_scores([one])["micro"].intervals == (None, None, None)


def test_nothing_found_scores_0_without_an_error():
    empty = spotting_scores([SpottedRecording("a", (), ())])["overall"].counts
    assert (empty.precision, empty.recall, empty.f1) == (0, 0, 0)


def test_a_span_that_ends_before_it_begins_is_refused():
    with pytest.raises(ConfigError, match="from frame 9 to 3"):
        Span("micro", 9, 3)


def micro(onset, offset):
    return Span("micro", onset, offset)


def macro(onset, offset):
    return Span("macro", onset, offset)
