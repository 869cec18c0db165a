"""The bootstrap over clusters."""

import numpy as np
import pytest

from gamdss.metrics.bootstrap import cluster_weights, standard_error, t_half_widths, t_p_value


def test_values_of_a_cluster_are_drawn_together():
    weights = cluster_weights(np.array(["b", "a", "b", "c"]), np.random.default_rng(0), 50)
    assert weights.shape == (50, 4)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()  # as many clusters as there are


def test_the_same_generator_gives_the_same_draws():
    first, second = (cluster_weights(np.arange(5), np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)


def test_the_error_of_a_mean_is_that_of_the_textbook():
    rng = np.random.default_rng(1)
    values = rng.normal(2, 1, 12)
    means = cluster_weights(np.arange(12), rng, 20_000) @ values / 12
    error = values.std(ddof=1) / np.sqrt(12)
    assert standard_error(means, 12) == pytest.approx(error, rel=0.02)
    assert t_half_widths(means, 12) == pytest.approx(2.201 * error, rel=0.02)  # t of 11 degrees
    assert t_p_value(2.201 * error, error, 12) == pytest.approx(0.05, abs=1e-4)
