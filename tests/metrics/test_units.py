"""F1 of action units and its mean, against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from gamdss.errors import FoldError
from gamdss.metrics import (
    accuracy_by_epoch,
    compare,
    inner_epoch,
    intervals,
    oracle_epochs,
    predictions,
    unit_intervals,
)
from gamdss.metrics.units import scored_units, unit_counts, unit_measures, unit_scores
from gamdss.records import FoldResult

NAMES = ("AU1", "AU2", "AU4", "AU9")


def fold(subject, labels, logits, trained=(5, 5, 5, 5)):
    """A fold of one subject with one epoch."""
    labels = np.array(labels)
    return FoldResult(
        subject,
        clips=tuple(f"{subject}/{number}" for number in range(len(labels))),
        labels=labels,
        logits=np.array(logits, np.float32)[None],
        training_positives=np.array(trained),
    )


@pytest.fixture(scope="module")
def folds():
    """Four people; unit AU4 is never there, and AU9 only in the first one's clips."""
    rng = np.random.default_rng(0)
    found = []
    for subject in ("01", "02", "03", "04"):
        labels = rng.integers(0, 2, (15, 4)) * (1, 1, 0, subject == "01")
        logits = rng.normal(size=(15, 4)) + labels
        trained = (20, 20, 0, 0 if subject == "01" else 8)
        found.append(fold(subject, labels, logits, trained))
    return found


def test_f1_and_its_mean_are_those_of_scikit_learn_over_the_scored_units(folds):
    found = predictions(folds, 4, "final")
    truth = np.concatenate([one.labels for one in folds])
    above = np.concatenate([one.logits[0] for one in folds]) > 0
    scores = found.scores(4)
    f1 = [f1_score(truth[:, i], above[:, i]) for i in (0, 1)]
    recall = [recall_score(truth[:, i], above[:, i]) for i in (0, 1)]
    assert [by.f1 for by in scores.per_class[:2]] == pytest.approx(f1)
    assert scores.uf1 == pytest.approx(np.mean(f1))
    assert scores.uar == pytest.approx(np.mean(recall))
    assert scores.weighted_f1 == pytest.approx(np.average(f1, weights=truth[:, :2].sum(0)))
    assert scores.accuracy == pytest.approx((above == truth).mean())


def test_a_unit_without_clips_on_one_side_has_no_f1(folds):
    scores = predictions(folds, 4, "final").scores(4)
    never, alone = scores.per_class[2:]
    assert (never.f1, never.precision, never.recall, never.support) == (None, None, None, 0)
    assert alone.f1 is None
    assert alone.support == folds[0].labels[:, 3].sum() > 0
    # With clips to train on it is scored.
    trained = [replace(folds[0], training_positives=np.array((9, 9, 9, 9))), *folds[1:]]
    assert scored_units(trained).tolist() == [True, True, False, True]


def test_counts_are_absent_false_missed_found():
    labels, predicted = np.array([[0, 1], [0, 1], [1, 1]]), np.array([[1, 1], [0, 0], [1, 1]])
    counts = unit_counts(labels, predicted, np.array([0, 0, 1]), 2)
    assert counts[0].tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    assert counts[1].tolist() == [[0, 0, 0, 1], [0, 0, 0, 1]]
    both = unit_measures(counts.sum(0), counts.sum(0), np.array([True, True]))
    assert both == pytest.approx(
        [4 / 6, (2 / 3 + 4 / 5) / 2, (1 + 2 / 3) / 2, (2 / 3 + 12 / 5) / 4]
    )


def test_intervals_are_over_subjects_and_of_each_scored_unit(folds):
    found = predictions(folds, 4, "final")
    of_units = unit_intervals(found, NAMES)
    assert set(of_units) == {"AU1", "AU2"}
    for name, (low, high) in of_units.items():
        assert 0 <= low < found.scores(4).per_class[NAMES.index(name)].f1 < high <= 1
    low, high = intervals(found, 4)["uf1"]
    assert low < found.scores(4).uf1 < high
    # More clips of the same people do not narrow them.
    twice = [
        replace(
            one,
            clips=(*one.clips, *(f"{clip}b" for clip in one.clips)),
            labels=np.concatenate([one.labels] * 2),
            logits=np.concatenate([one.logits] * 2, axis=1),
        )
        for one in folds
    ]
    found = unit_intervals(predictions(twice, 4, "final"), NAMES)
    for name, ends in of_units.items():
        assert found[name] == pytest.approx(ends)


def test_a_unit_that_one_subject_tells_of_has_no_interval():
    shown = [fold("01", [[1], [0]], [[1], [-1]], (3,)), fold("02", [[0], [0]], [[-1], [-1]], (3,))]
    assert unit_intervals(predictions(shown, 1, "final"), ("AU1",)) == {"AU1": None}


def test_epochs_are_chosen_by_the_mean_f1_of_units_that_are_there():
    labels = np.array([[1, 0], [0, 0], [1, 0]])
    worse, better = np.array([[1, -1], [1, -1], [-1, -1]]), np.array([[1, 1], [-1, 1], [1, 1]])
    logits = np.stack([worse, better, better, worse]).astype(np.float32)
    assert inner_epoch(logits, labels) == 1
    chosen = oracle_epochs(logits, labels)
    assert (chosen.accuracy, chosen.f1) == (0, 2)  # AU2 is always false in the better ones
    accuracy = accuracy_by_epoch(fold_of(logits, labels))
    assert accuracy.tolist() == pytest.approx([4 / 6, 3 / 6, 3 / 6, 4 / 6])
    # Equal F1: the smallest loss decides.
    logits[2] *= (1, 0.1)
    assert inner_epoch(logits, labels) == 2


def fold_of(logits, labels):
    return FoldResult("01", tuple(map(str, range(len(labels)))), labels, logits)


def test_runs_are_compared_on_the_units_that_both_score(folds):
    other = [replace(one, training_positives=np.array((20, 0, 0, 0))) for one in folds]
    a, b = (predictions(side, 4, "final") for side in (folds, other))
    found = compare([a], [b], 4)
    first = a.scores(4).per_class[0].f1
    assert found.a["uf1"].mean == found.b["uf1"].mean == pytest.approx(first)
    assert found.mcnemar[0].only_a == 0
    nothing = [replace(one, training_positives=np.array((0, 0, 0, 0))) for one in folds]
    with pytest.raises(FoldError, match="no action unit is scored"):
        compare([a], [predictions(nothing, 4, "final")], 4)


@pytest.mark.parametrize("labels", [np.array([[0, 2]]), np.array([[0, -1]])])
def test_other_labels_than_0_and_1_are_refused(labels):
    with pytest.raises(FoldError, match="other values than 0 and 1"):
        predictions([fold("01", labels, np.zeros((1, 2)), (1, 1))], 2, "final")


def test_nothing_to_score_is_an_error():
    labels = np.array([[1, 0]])
    with pytest.raises(FoldError, match="0 of them scored"):
        unit_scores(labels, labels, np.array([False, False]))
