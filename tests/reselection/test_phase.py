"""Courses within a phase: a table against SciPy's incomplete beta function."""

import numpy as np
import pytest
from scipy.special import betainc

from gamdss.reselection.motion.phase import cumulative_beta, faint_part


def test_the_table_is_the_incomplete_beta_function():
    rng = np.random.default_rng(0)
    shapes = rng.normal(0.5, 0.5, (300, 2, 2))
    phase, part = rng.random((300, 50)) < 0.5, rng.random((300, 50)).astype(np.float32)
    part[:, 0] = 0
    part[:, 1] = 1
    chosen = np.where(phase[..., None], shapes[:, None, 1], shapes[:, None, 0])
    exact = betainc(*np.moveaxis(np.exp(chosen), -1, 0), part)
    found = cumulative_beta(shapes, phase, part)
    assert found.dtype == np.float32
    assert np.abs(found - exact).max() < 0.004
    assert np.abs(found - exact).mean() < 0.0006
    assert (found[:, 0] == 0).all()
    assert found[:, 1] == pytest.approx(1, abs=0.002)


@pytest.mark.parametrize("power", [0.6, 1.0, 1.6, 3.0])
def test_a_power_law_is_one_of_them(power):
    part = np.linspace(0, 1, 40, dtype=np.float32)[None]
    shapes = np.array([[[np.log(power), 0.0]]])
    found = cumulative_beta(shapes, np.zeros(part.shape, bool), part)
    assert found == pytest.approx(part**power, abs=0.003)


@pytest.mark.parametrize("power", [0.85, 1.0, 1.2])
def test_a_raised_cosine_is_nearly_one_of_them(power):
    part = np.linspace(0, 1, 40, dtype=np.float32)[None]
    cosine = (0.5 - 0.5 * np.cos(np.pi * part)) ** power
    logs = np.log(np.linspace(1, 4, 60))
    shapes = np.stack(np.meshgrid(logs, logs), axis=-1).reshape(-1, 1, 2)
    parts = np.repeat(part, len(shapes), axis=0)
    found = cumulative_beta(shapes, np.zeros(parts.shape, bool), parts)
    assert np.abs(found - cosine).max(axis=1).min() < 0.01


def test_the_faint_part_ends_where_the_strength_does():
    shapes = np.log([[2.2, 2.2], [1.0, 1.0], [3.0, 0.8]])
    least = 1e-4
    there = betainc(*np.exp(shapes).T, faint_part(shapes, least))
    assert there == pytest.approx(least, rel=0.05)


def test_shapes_beyond_the_table_are_its_last():
    part = np.linspace(0, 1, 9, dtype=np.float32)[None]
    far, edge = (np.full((1, 1, 2), value) for value in (9.0, 2.6))
    first = np.zeros(part.shape, bool)
    assert (cumulative_beta(far, first, part) == cumulative_beta(edge, first, part)).all()
