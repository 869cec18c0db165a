"""The spot-then-recognise score is the product of both F1, with an interval over subjects."""

import numpy as np
import pytest

from gamdss.metrics.spotting import Span, SpottedRecording
from gamdss.metrics.strs import RecognisedRecording, StrsScore, analysis_f1, strs_score

CLASSES = ("neg", "pos")


def recording(subject, true, predicted):
    """Micro-expressions that are all spotted, and one macro-expression."""
    spans = tuple(Span("micro", 20 * i, 20 * i + 9) for i in range(len(true)))
    spotted = SpottedRecording(subject, (*spans, Span("macro", 1, 99)), spans)
    return RecognisedRecording(spotted, (*true, "pos"), predicted)


def test_recognition_averages_over_classes_first():
    # Precision 2/3 and 0, recall 1 and 0; the label of another class is left out.
    score = strs_score(
        [recording("a", ("neg", "neg", "pos", None), ("neg", "neg", "neg", "pos"))], CLASSES
    )
    precision, recall = (2 / 3 + 0) / 2, (1 + 0) / 2
    expected = 2 * precision * recall / (precision + recall)
    assert score.analysis_f1 == pytest.approx(expected)
    assert score.spotting_f1 == 1  # macro-expressions do not count
    assert score.value == pytest.approx(expected)
    assert (score.pairs, score.interval) == (3, None)
    assert analysis_f1(np.zeros((2, 2))) == 0


def test_missed_and_extra_expressions_lower_the_spotting_factor():
    one = recording("a", ("neg",), ("neg",))
    spotted = SpottedRecording("b", (Span("micro", 1, 9),), (Span("micro", 40, 49),))
    score = strs_score([one, RecognisedRecording(spotted, ("pos",), ("pos",))], CLASSES)
    assert score.spotting_f1 == pytest.approx(0.5)
    assert score.analysis_f1 == pytest.approx(0.5)  # `pos` has no pair
    assert score.value == pytest.approx(0.25)


def test_without_recordings_it_is_0():
    assert strs_score([], CLASSES) == StrsScore(0, 0, 0, 0, None)


def test_the_interval_over_subjects_contains_the_score():
    many = [recording(str(n), ("neg", "pos"), ("neg", "pos" if n % 3 else "neg")) for n in range(9)]
    score = strs_score(many, CLASSES)
    assert 0 <= score.interval[0] < score.value < score.interval[1] <= 1
