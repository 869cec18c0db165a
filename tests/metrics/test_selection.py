"""The inner epoch, and what the original would print, computed by hand."""

import numpy as np
import pytest

from gamdss.errors import FoldError
from gamdss.metrics import chosen_logits, inner_epoch, original_report, predictions
from gamdss.records import FoldResult


def logits(epochs, classes=2, scale=1.0):
    return scale * np.eye(classes, dtype=np.float32)[np.array(epochs)]


def test_the_inner_epoch_has_the_best_uf1_then_the_smallest_loss_then_is_the_first():
    labels = np.array([0, 1])
    assert inner_epoch(logits([[0, 0], [0, 1], [1, 1]]), labels) == 1
    sure = logits([[0, 1], [0, 1], [0, 1], [0, 0]]) * np.array([1, 3, 3, 9])[:, None, None]
    assert inner_epoch(sure, labels) == 1


def test_inner_predictions_are_of_the_chosen_epoch():
    fold = FoldResult(
        "01",
        ("01/a", "01/b"),
        np.array([0, 1]),
        logits([[0, 1], [1, 0], [1, 1]]),
        inner_logits=logits([[1, 1, 0], [0, 1, 1], [0, 0, 1]]),
        inner_labels=np.array([0, 1, 1]),
    )
    found = predictions([fold], 2, "inner")
    assert found.predicted.tolist() == [1, 0]
    assert found.selection == "inner"
    assert predictions([fold], 2, "oracle").predicted.tolist() == [0, 1]
    bare = FoldResult("01", fold.clips, fold.labels, fold.logits)
    with pytest.raises(FoldError, match=r"fold 01 set no inner subjects aside"):
        predictions([bare], 2, "inner")


def test_what_the_original_would_print():
    """Two folds, three classes.

    Fold 01, labels 0 0 0 1: accuracy 3/4, 3/4, 2/4 and UF1 3/7, 11/15, 1/2: the best accuracy is
    at the first epoch, the best F1 at the second. Fold 02, label 2: right at the first epoch,
    where training stops.
    """
    folds = [
        FoldResult(
            "01",
            tuple(f"01/{i}" for i in range(4)),
            np.array([0, 0, 0, 1]),
            logits([[0, 0, 0, 0], [0, 0, 1, 1], [0, 2, 2, 1]], 3),
        ),
        FoldResult("02", ("02/0",), np.array([2]), logits([[2], [0], [2]], 3)),
    ]
    found = original_report(folds, 3, "samm", "c5")
    assert found.accuracy == pytest.approx((3 + 1) / 5)
    # Predicted at the F1 epochs: 0 0 1 1 and 2. F1: 4/5, 2/3, 1. Precision: 1, 1/2, 1.
    assert found.f1 == pytest.approx((4 / 5 + 2 / 3 + 1) / 3)
    assert found.precision == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert found.prints_uar
    assert not original_report(folds, 3, "cas2", "c5").prints_uar
    # The CAS(ME)3 7-class script keeps the accuracy epochs: 0 0 0 0 and 2, never 1.
    one = original_report(folds, 3, "cas3", "c7")
    assert one.one_epoch
    assert one.f1 == pytest.approx((6 / 7 + 0 + 1) / 3)
    assert one.precision == pytest.approx((3 / 4 + 0 + 1) / 3)


def named(*clips, name="01", labels=None):
    count = len(clips) if labels is None else labels
    truth = np.arange(count) % 2
    return FoldResult(name, clips, truth, np.eye(2, dtype=np.float32)[truth][None])


@pytest.mark.parametrize("clip", ["s01_clip", "/data/01/a.mp4", "./01/a.mp4", ""])
def test_clips_name_their_subject(clip):
    folds = [named("01/a", "01/b"), named(clip, name="02")]
    with pytest.raises(FoldError, match=r"^fold 02: the clip '.*\n.*`subject/name`"):
        predictions(folds, 2, "final")


def test_a_clip_counts_once():
    first, again = named("01/a", "01/b"), named("02/a", "01/b", name="02")
    for folds, clip in (([first, again], "01/b"), ([first, first], "01/a")):
        with pytest.raises(FoldError, match=f"the clip '{clip}' is already in fold 01\nPass each"):
            predictions(folds, 2, "final")
    with pytest.raises(FoldError, match="fold 01: the clip '01/a' is already in fold 01"):
        predictions([named("01/a", "01/a")], 2, "final")


def test_every_label_has_a_clip():
    short = named("01/a", labels=2)
    for score in (lambda: predictions([short], 2, "final"), lambda: chosen_logits(short, "final")):
        with pytest.raises(FoldError, match=r"^fold 01: 1 clips, but 2 labels"):
            score()


def test_clips_of_a_composite_are_of_its_datasets_subjects():
    found = predictions([named("cas2-01/a", "samm-01/a")], 2, "final")
    assert found.subjects == ("cas2-01", "samm-01")
