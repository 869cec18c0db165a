"""Draws of key frames: from the posterior of `motion`, or by jitter; the same for every call."""

import numpy as np
import pytest

from gamdss.records import KeyFrames
from gamdss.reselection import reselect
from gamdss.reselection.jitter import jitter_span, jittered
from gamdss.reselection.motion.course import Posterior, nearest
from gamdss.reselection.select import draw_key_frames, reselect_with_posterior

TIMES = np.array([n for n in range(10, 121) if n != 50])


def posterior():
    rng = np.random.default_rng(1)
    samples = np.array([30.0, 50.0, 90.0]) + rng.normal(0, 2, (500, 3))
    return Posterior(samples, np.zeros(len(TIMES)), np.ones(3), TIMES)


def test_draws_of_a_posterior_are_its_samples_at_existing_frames():
    draws = posterior().draws(40)
    assert draws == posterior().draws(40)
    assert len(draws) == 40
    assert len(set(draws)) > 20
    samples = {nearest(TIMES, row) for row in posterior().samples}
    assert set(draws) <= samples
    assert all(50 not in draw for draw in draws)
    assert posterior().draws(0) == ()


def test_jitter_stays_within_its_share_and_in_order():
    found = jittered((20, 40, 100), 0.5, 300, range(200))
    assert found == jittered((20, 40, 100), 0.5, 300, range(200))
    draws = np.array(found)
    assert (np.diff(draws, axis=1) >= 0).all()
    low, high = draws.min(axis=0), draws.max(axis=0)
    # Onset and apex by half the rise, 10; apex and offset by half the fall, 30.
    assert np.abs(low - (10, 30, 70)).max() <= 1
    assert np.abs(high - (30, 70, 130)).max() <= 1
    assert set(draws.flat) <= set(jitter_span(20, 40, 100, 0.5))


def test_jitter_takes_frames_that_exist():
    present = [0, 20, 40, 100]
    assert {n for draw in jittered((20, 40, 100), 0.4, 50, present) for n in draw} <= set(present)
    assert jitter_span(2, 40, 41, 0.4)[0] == 0


def reselect_and_draw(frames, annotated, preset, ratio=None, **draws):
    found, posterior = reselect_with_posterior(frames, annotated, preset, ratio)
    return found, draw_key_frames(found, posterior, list(frames), **draws)


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    face = rng.integers(0, 255, (40, 40), dtype=np.uint8)
    course = np.interp(range(60), (15, 30, 45), (0, 3, 0))
    moved = [np.roll(face, round(shift), axis=1) for shift in course]
    return dict(enumerate(np.stack(moved), start=1))


def test_the_draws_of_motion_come_with_its_key_frames(frames):
    found, draws = reselect_and_draw(frames, (14, 33, 48), preset="motion", draws=6)
    assert found == reselect(frames, 14, 33, 48, preset="motion")
    assert len(draws) == 6
    assert len(set(draws)) > 1
    for low, middle, high in draws:
        assert low <= middle <= high
        assert {low, middle, high} <= set(frames)


def test_without_a_posterior_draws_are_what_was_found(frames):
    few = {number: frames[number] for number in range(20, 26)}
    found, draws = reselect_and_draw(few, (20, 22, 25), preset="motion", draws=3)
    assert found.numbers == (20, 22, 25)
    assert draws == ((20, 22, 25),) * 3


def test_jitter_is_around_the_reselected_key_frames(frames):
    found, draws = reselect_and_draw(
        frames, (14, 33, 48), preset="full", ratio=0.3, draws=9, jitter=0.1
    )
    assert found == reselect(frames, 14, 33, 48, preset="full", ratio=0.3)
    assert draws == jittered(found.numbers, 0.1, 9, list(frames))
    assert found != KeyFrames(14, 33, 48)
