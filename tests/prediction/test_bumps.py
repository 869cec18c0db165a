"""Bumps are found where they are, on their scale, at any frame rate."""

import numpy as np
import pytest

from gamdss.prediction.bumps import contrast, extent, low_pass, peaks, without_head


def bump(rate, start, end, seconds=6.0):
    """A raised cosine from `start` to `end` seconds."""
    times = np.arange(round(seconds * rate)) / rate
    inside = (times >= start) & (times <= end)
    return np.where(inside, 0.5 - 0.5 * np.cos(2 * np.pi * (times - start) / (end - start)), 0.0)


@pytest.mark.parametrize("rate", [25.0, 30.0, 50.0])
@pytest.mark.parametrize(("start", "end"), [(2.0, 2.4), (2.0, 3.5)])
def test_extent_of_a_bump_in_seconds(rate, start, end):
    where = extent(bump(rate, start, end), round((start + end) / 2 * rate), round(1.5 * rate))
    assert where.start / rate == pytest.approx(start, abs=0.09 * (end - start) + 0.02)
    assert where.top / rate == pytest.approx((start + end) / 2, abs=0.03)
    assert where.end / rate == pytest.approx(end, abs=0.09 * (end - start) + 0.02)
    assert where.height == pytest.approx(1, abs=0.05)


def test_contrast_of_a_level_and_of_a_drift_is_0_and_of_a_bump_its_height():
    drift = np.linspace(0, 5, 180)
    assert np.abs(contrast(drift, 30, 0.4)[20:-20]).max() < 1e-9
    assert contrast(bump(30, 2.0, 2.4), 30, 0.4).max() == pytest.approx(1, abs=0.01)


def test_a_step_rises_but_does_not_fall():
    step = np.repeat([0.0, 1.0], 90)
    height = contrast(step, 30, 0.4).max()
    assert extent(step, 95, 30).height < 0.6 * height


def test_peaks_are_maxima_of_1_or_more_also_at_the_ends():
    assert peaks(np.array([2.0, 0, 1.5, 0, 0.9, 0, 3.0])).tolist() == [0, 2, 6]


def test_low_pass_takes_the_noise_and_leaves_a_micro_expression():
    assert low_pass(bump(30, 2.0, 2.4), 30).max() > 0.85
    noise = np.random.default_rng(0).standard_normal(3000)
    assert low_pass(noise, 200).std() < 0.3


def test_what_follows_the_head_is_removed_and_an_expression_stays():
    rng = np.random.default_rng(1)
    pose = low_pass(rng.standard_normal((900, 6)), 30) * 0.1
    signals = rng.normal(0, 3e-4, (900, 3, 2))
    expression = np.pad(bump(30, 2.0, 3.0), (0, 720))
    signals[:, 1, 1] += 0.03 * expression
    left = without_head(signals + 0.1 * pose[:, None, 4:5], pose, 30)
    assert np.abs(left[200:] - left[200:].mean(axis=0)).max() < 4e-3
    assert left[75, 1, 1] - left[200, 1, 1] == pytest.approx(0.03, rel=0.15)
