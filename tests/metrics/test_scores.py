"""Scores against scikit-learn and against cases computed by hand."""

import numpy as np
import pytest
from sklearn import metrics as sk

from gamdss.errors import FoldError
from gamdss.metrics import OracleEpochs, chosen_logits, oracle_epochs, predictions, scores
from gamdss.records import FoldResult


def fold(subject: str, labels: list[int], epochs: list[list[int]], classes: int = 3) -> FoldResult:
    """A fold whose every epoch predicts what is listed."""
    logits = np.eye(classes, dtype=np.float32)[np.array(epochs)]
    clips = tuple(f"{subject}/{i}" for i in range(len(labels)))
    return FoldResult(subject, clips, np.array(labels), logits)


@pytest.mark.parametrize("seed", range(100))
def test_scores_are_exactly_those_of_scikit_learn_also_with_absent_classes(seed):
    rng = np.random.default_rng(seed)
    classes, clips = int(rng.integers(2, 8)), rng.integers(1, 40)
    true, predicted = (
        rng.choice(rng.permutation(classes)[: rng.integers(1, classes + 1)], clips) for _ in "tp"
    )
    found = scores(true, predicted, classes)
    assert found.accuracy == sk.accuracy_score(true, predicted)
    assert found.uf1 == sk.f1_score(true, predicted, average="macro", zero_division=0)
    assert found.weighted_f1 == sk.f1_score(true, predicted, average="weighted", zero_division=0)
    occurring = {"labels": np.unique(true), "average": "macro", "zero_division": 0}
    assert found.uar == sk.recall_score(true, predicted, **occurring)
    every = np.arange(classes)
    columns = sk.precision_recall_fscore_support(true, predicted, labels=every, zero_division=0)
    for name, column in zip(("precision", "recall", "f1", "support"), columns, strict=True):
        assert [getattr(by, name) for by in found.per_class] == column.tolist()
    assert found.confusion.tolist() == sk.confusion_matrix(true, predicted, labels=every).tolist()


def test_a_class_that_is_only_predicted_lowers_uf1_and_not_uar():
    found = scores(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 3]), 5)
    # F1: 1, 2/3 and, for class 3, 0. Classes 2 and 4 do not count.
    assert found.uf1 == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found.uar == pytest.approx((1 + 1 / 2) / 2)
    assert found.weighted_f1 == pytest.approx((2 * 1 + 2 * 2 / 3) / 4)
    assert found.confusion[1].tolist() == [0, 1, 0, 1, 0]


def test_a_number_of_classes_that_is_none_is_refused():
    with pytest.raises(FoldError, match="num_classes is inf"):
        scores(np.array([0, 1]), np.array([0, 1]), float("inf"))


def test_oracle_stops_at_the_first_perfect_epoch():
    # Epoch 2 is perfect; epoch 3, perfect too, would win the F1's last-of-equals if it existed.
    result = fold("01", [0, 1], [[0, 0], [1, 1], [0, 1], [0, 1], [2, 2]])
    assert oracle_epochs(result.logits, result.labels) == OracleEpochs(accuracy=2, f1=2)


def test_the_oracle_takes_the_first_best_accuracy_and_the_last_best_f1():
    result = fold("01", [0, 1], [[2, 2], [0, 0], [2, 1], [0, 2], [2, 2]])
    # Accuracy 0, 1/2, 1/2, 1/2, 0; UF1 0, 1/3, 1/3, 1/3, 0.
    assert oracle_epochs(result.logits, result.labels) == OracleEpochs(accuracy=1, f1=3)


def test_best_accuracy_and_best_f1_can_be_different_epochs():
    labels = [0, 0, 0, 1]
    result = fold("01", labels, [[0, 0, 0, 0], [0, 0, 1, 1], [0, 2, 2, 1]])
    # Accuracy 3/4, 3/4, 1/2; UF1 3/7 (0.43), 11/15 (0.73), 1/2.
    assert oracle_epochs(result.logits, result.labels) == OracleEpochs(accuracy=0, f1=1)


@pytest.mark.parametrize("seed", range(8))
def test_oracle_f1_epoch_equals_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, 7)
    result = fold("01", list(labels), rng.integers(0, 5, (30, 7)).tolist(), classes=5)
    by_epoch = [scores(labels, epoch.argmax(axis=1), 5).uf1 for epoch in result.logits]
    last_best = np.flatnonzero(np.isclose(by_epoch, max(by_epoch)))[-1]
    assert oracle_epochs(result.logits, labels).f1 == last_best


def test_the_final_scores_pool_the_last_epoch_of_each_fold():
    folds = [fold("01", [0, 1], [[0, 1], [0, 0]]), fold("02", [2], [[0], [2], [2]])]
    found = predictions(folds, 3, "final").scores(3)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.confusion.tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_the_oracle_scores_take_accuracy_and_the_rest_from_two_networks():
    split = fold("03", [0, 0, 0, 1], [[0, 0, 0, 0], [0, 0, 1, 1], [0, 2, 2, 1]])
    better = fold("04", [0, 0, 0, 0, 0, 1], [[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    # Fold 04: accuracy 5/6, 4/6; UF1 5/11 (0.45), 5/8 (0.63): two epochs, two networks.
    assert oracle_epochs(better.logits, better.labels) == OracleEpochs(accuracy=0, f1=1)
    found = predictions([split, better], 3, "oracle").scores(3)
    assert found.accuracy == pytest.approx((3 + 5) / 10)
    assert found.confusion.tolist() == [[5, 3, 0], [0, 2, 0], [0, 0, 0]]
    assert found.uar == pytest.approx((5 / 8 + 1) / 2)


@pytest.mark.parametrize("selection", ["final", "oracle"])
def test_bad_folds_are_named(selection):
    def evaluate(folds, num_classes):
        return predictions(folds, num_classes, selection)

    good = fold("01", [0, 1], [[0, 1]])
    diverged = fold("07", [0, 1], [[0, 1], [0, 1]])
    diverged.logits[1, 0, 0] = np.nan
    empty = FoldResult("08", (), np.zeros(0, np.int64), np.zeros((2, 0, 3), np.float32))
    with pytest.raises(FoldError, match="no folds"):
        evaluate([], 3)
    with pytest.raises(FoldError, match="fold 07: logits of epoch 1"):
        evaluate([good, diverged], 3)
    with pytest.raises(FoldError, match="fold 08: logits of shape"):
        evaluate([good, empty], 3)
    with pytest.raises(FoldError, match="3 classes, not 4"):
        evaluate([good], 4)
    for bad in (diverged, empty):
        with pytest.raises(FoldError, match=f"fold {bad.name}: logits of"):
            chosen_logits(bad, selection)


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([], [], r"labels have shape \(0,\)"),
        ([0, 1], [0], "2 labels but 1 predictions"),
        ([0, 3], [0, 1], "labels contain 3"),
        ([0, 1], [0, -1], "predictions contain -1"),
        ([0.0, 1.0], [0, 1], "labels contain 0.0"),
        ([[0], [1]], [0, 1], r"labels have shape \(2, 1\)"),
    ],
)
def test_bad_labels(labels, predictions, message):
    with pytest.raises(FoldError, match=message):
        scores(np.array(labels), np.array(predictions), 3)


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3), (4, 2), (4, 3, 3)])
def test_logits_that_do_not_fit(shape):
    with pytest.raises(FoldError, match="logits of shape"):
        oracle_epochs(np.zeros(shape, np.float32), np.zeros(2, np.int64))
