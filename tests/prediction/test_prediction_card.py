"""The card of an expression explains its curve."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gamdss.prediction import prediction_card
from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import Expected, fit_course
from gamdss.reselection.motion.fit import MotionFit


@pytest.fixture
def sinking():
    """The fit of a held level that sinks: its peak is early, the apex is not."""
    times = np.arange(60)
    level = np.interp(times, [0, 10, 14, 40, 50, 59], [0, 0, 1, 0.97, 0, 0])
    posterior = fit_course(level, times, Expected(np.array([10, 25, 48]), np.full(3, 8.0)))
    keys = KeyFrames(*map(int, posterior.middle().round()), intervals=posterior.intervals())
    keys = replace(keys, apex_phase=posterior.apex_phase)
    return MotionFit(times, level, posterior.course, keys, posterior)


@pytest.fixture
def caption(monkeypatch):
    figures = []
    monkeypatch.setattr(prediction_card, "save", lambda figure, _: figures.append(figure))

    def draw(fit):
        one = np.array([1.0])
        item = SimpleNamespace(
            keys=KeyFrames(10, 25, 48) if fit is None else fit.keys,
            **{"seconds": (0.1, 0.2, 0.3), "faces": np.zeros((3, 8, 8, 3), np.uint8), "fit": fit},
            **{"type": "macro", "label": "joy", "quality": 0.9, "reliable": True},
            chances=SimpleNamespace(chances=one, spread=0 * one, classes=("joy",)),
        )
        prediction_card.draw_card(Path("card.png"), 1, item)
        return figures[-1].get_supxlabel()

    return draw


def test_a_card_says_why_the_apex_is_not_at_the_peak(caption, sinking):
    assert sinking.course.argmax() < sinking.keys.apex
    assert "each is the median over these courses" in caption(sinking)
    assert "The apex need not be where the grey curve is highest" in caption(sinking)


def test_a_card_shows_the_apex_phase(caption, sinking):
    assert "its apex phase" in caption(sinking)
    first, last = sinking.keys.apex_phase
    assert first <= 16 < sinking.keys.apex < 38 <= last


def test_a_card_without_a_curve_explains_none(caption):
    assert caption(None) == ""
