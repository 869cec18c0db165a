"""Expressions that are held: their apex phase and apex, and tops that are not even."""

import numpy as np
import pytest

from gamdss.reselection import reselect
from gamdss.reselection.motion.course import (
    Expected,
    IntervalShares,
    Posterior,
    fit_course,
    strength,
)
from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.settings import SynthConfig

HELD = SynthConfig(
    **{"rise_ms": (167, 167), "plateau_ms": (1067, 1067), "fall_ms": (267, 267)},
    **{"margin_ms": 400, "amplitude": (3.0, 3.0), "noise": 1.0, "drift": 0.1, "blink": 0.0},
    course=["cosine"],
)
TIMES = np.arange(120)


@pytest.fixture(scope="module")
def smile():
    rng = np.random.default_rng(0)
    return draw_clip(render_face(draw_identity(rng), 96, 80), "happiness", HELD, 30.0, rng)


def test_a_held_smile_is_spotted_with_its_apex_phase(smile):
    keys, true = fit_spotted(dict(smile.frames())).keys, smile.course.true
    assert keys.onset == pytest.approx(true.onset, abs=3)
    assert keys.offset == pytest.approx(true.offset, abs=5)
    held = smile.course.numbers[smile.course.strength > 0.9]
    assert keys.apex_phase == pytest.approx((held[0], held[-1]), abs=2)
    low, high = keys.intervals[1]
    assert low - 2 <= true.apex <= high + 2
    assert low <= keys.apex <= high


@pytest.mark.slow
def test_an_apex_annotated_at_the_end_of_the_plateau_moves_to_its_middle(smile):
    true = smile.course.true
    late = reselect(dict(smile.frames()), true.onset, true.apex + 9, true.offset, preset="motion")
    assert abs(late.apex - true.apex) <= 3
    assert late.apex_phase[0] < late.apex < late.apex_phase[1]


def posterior(course, times):
    return Posterior(np.ones((1, 3)), np.array(course), np.ones(3), np.array(times))


@pytest.mark.parametrize(
    ("course", "phase"),
    [
        ([0, 0.2, 0.5, 0.8, 1, 0.8, 0.5, 0.2, 0], None),
        ([0, 0.3, 0.8, 0.95, 1, 0.95, 0.9, 0.4, 0, 0], (4, 7)),
        ([0, 0.15, 0.4, 0.5, 0.5, 0.5, 0.4, 0.2, 0, 0], None),  # never near full strength
    ],
)
def test_only_an_expression_that_is_held_has_an_apex_phase(course, phase):
    assert posterior(course, range(1, len(course) + 1)).apex_phase == phase


def test_a_plateau_of_which_most_frames_are_missing_is_one():
    course = [0, 0.2, 0.5, 0.8, 1, 1, 0.8, 0.5, 0.2, 0]
    assert posterior(course, range(10)).apex_phase is None
    assert posterior(course, [0, 1, 2, 3, 4, 14, 15, 16, 17, 18]).apex_phase == (4, 14)


def test_the_apex_of_a_sample_of_a_held_expression_is_the_middle_of_its_plateau():
    keys = np.array([20.0, 55.0, 100.0])
    expected = Expected(keys, np.array([3.0, 6.0, 5.0]))
    noise = np.random.default_rng(3).normal(0, 0.02, len(TIMES))
    for half, held in ((0.6, True), (0.02, False)):
        level = strength(np.array([[*keys, half, 0.4, 0.6, 0.4, 0.6, 0.4]]), TIMES)[0] + noise
        found = fit_course(level, TIMES, expected)
        assert (found.apex_phase is not None) == held
        onset, apex, offset, plateau, skew = found.parameters.T[:5].astype(float)
        middle = apex - held * skew * plateau * np.minimum(apex - onset, offset - apex)
        assert np.median(np.abs(found.samples[:, 1] - middle)) < 0.5
        if held:
            assert np.median(np.abs(found.samples[:, 1] - apex)) > 1
            assert found.middle()[1] == pytest.approx(55 - 0.4 * 0.6 * 35, abs=2)


def test_a_top_that_is_uneven_has_another_share_for_its_apex():
    samples = np.random.default_rng(2).normal((30, 60, 100), 4, (500, 3))
    for rise, fall, uneven in ((0.6, 0.6, False), (0.0, 0.0, False), (0.7, 0.0, True)):
        parameters = np.array([[30, 60, 90, 0, 0, 0.6, rise, 0.6, fall, 0]] * 500, np.float32)
        found = Posterior(samples, np.zeros(120), np.ones(3), TIMES, parameters)
        assert found.uneven_top == uneven
        low, high = found.intervals(IntervalShares(0.8, 0.3, 0.8, 0.9, 0.8))[1]
        assert (high - low > 10) == uneven


def test_the_share_of_a_fall_that_fades_is_not_that_of_a_held_expression():
    samples = np.random.default_rng(2).normal((30, 60, 100), 4, (500, 3))
    parameters = np.array([[30, 60, 90, 0, 0, 0.6, 0.6, 1.3, 0, 0]] * 500, np.float32)
    for course, wide in ((np.exp(-np.abs(TIMES - 60) / 9), True), (np.ones(120), False)):
        found = Posterior(samples, course, np.ones(3), TIMES, parameters)
        assert found.fades
        low, high = found.intervals(IntervalShares(0.8, 0.8, 0.3, 0.8, 0.95))[2]
        assert (high - low > 10) == wide
