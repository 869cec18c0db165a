"""Calibration, accuracy by subject, and the clips to look at, against known numbers."""

import numpy as np
import pytest

from gamdss.config import Config, TrainingConfig
from gamdss.metrics.calibration import calibration, clip_predictions, notable
from gamdss.records import FoldResult
from gamdss.report.per_subject import per_subject_figure, subjects
from gamdss.report.reliability import reliability_figure
from gamdss.training.scoring import results


def results_of(folds):
    config = Config(task="c2", training=TrainingConfig(epochs=1))
    return results(config, "Invented", True, ("a", "b"), folds, len(folds))


def of_confidence(confidence, right):
    """Logits of two classes, label 0, with this confidence, correct or not."""
    confidence, right = np.asarray(confidence), np.asarray(right)
    chance = np.where(right, confidence, 1 - confidence)
    return np.log(np.stack([chance, 1 - chance], 1))


def fold(name, right, confidence=None):
    right = np.asarray(right, bool)
    sure = np.full(len(right), 0.9) if confidence is None else confidence
    logits = of_confidence(sure, right)[None].astype(np.float32)
    clips = tuple(f"{name}/{i}" for i in range(len(right)))
    return FoldResult(name, clips, np.zeros(len(right), np.int64), logits)


def test_the_error_of_known_confidences():
    sure = [0.95] * 10 + [0.65] * 10
    found = calibration(of_confidence(sure, [1] * 9 + [0] + [1] * 4 + [0] * 6), np.zeros(20, int))
    assert [(b.clips, round(b.low, 1), b.accuracy) for b in found.bins] == [
        (10, 0.6, 0.4),
        (10, 0.9, 0.9),
    ]
    assert found.error == pytest.approx((0.05 + 0.25) / 2)
    assert found.bins[0].interval == pytest.approx((0.168, 0.687), abs=1e-3)  # Wilson, 4 of 10


def test_accurate_confidences_have_no_error():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 20000)
    found = calibration(of_confidence(sure, rng.random(20000) < sure), np.zeros(20000, int))
    assert found.error < 0.015
    assert sum(b.clips for b in found.bins) == 20000


@pytest.mark.slow
def test_subjects_from_the_best_to_the_worst(tmp_path):
    folds = [fold("a", [1, 0]), fold("b", [1, 1, 1]), fold("c", [1]), fold("d", [0, 0])]
    found = subjects(folds, "final")
    assert [(s.name, s.right, s.clips) for s in found] == [
        ("b", 3, 3),
        ("c", 1, 1),
        ("a", 1, 2),
        ("d", 0, 2),
    ]
    per_subject_figure(results_of(folds), folds, tmp_path / "s.png")
    many = [fold(f"{i}", [i % 2]) for i in range(150)]
    per_subject_figure(results_of(many), many, tmp_path / "many.png")
    reliability_figure(results_of(folds), folds, tmp_path / "r.png")
    assert all((tmp_path / f"{n}.png").stat().st_size for n in ("s", "many", "r"))


def test_the_legend_covers_neither_points_nor_the_title(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("gamdss.report.reliability.save", lambda figure, _: drawn.append(figure))
    folds = [fold("a", [1, 1, 1], np.full(3, 0.55))]
    reliability_figure(results_of(folds), folds, tmp_path / "r.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    assert not [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert not any(box.overlaps(axes.get_tightbbox()) for axes in figure.axes)


def test_a_clip_to_look_at_is_shown_once():
    sure = np.array([0.99, 0.8, 0.6, 0.97, 0.55])
    found = notable(clip_predictions([fold("a", [1, 1, 1, 0, 0], sure)], "final"), 2)
    assert {kind: [v.clip for v in clips] for kind, clips in found.items()} == {
        "Most certain, and right": ["a/0", "a/1"],
        "Most certain, and wrong": ["a/3", "a/4"],
        "Least certain": ["a/2"],
    }
    assert [len(x) for x in notable(clip_predictions([fold("a", [1])], "final"), 2).values()] == [1]
