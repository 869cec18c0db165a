"""A bootstrap over clusters: clips of one subject are alike, so whole subjects are drawn.

A draw is a weight for each value, so a matrix product gives a statistic of all draws at once.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
DRAWS = 2000
_SEED = 20260304
# Fewer units (subjects, or clips where clips are drawn) have no interval, and nothing is concluded
# from them: two or three agree by chance, and then all draws are alike.
FEWEST = 4


def enough(units: int) -> bool:
    """Whether so many subjects, or clips where clips are drawn, give an interval."""
    return units >= FEWEST


def too_few(units: int, names: str = "subjects") -> str:
    """What stands where there would be intervals, such as of 2 `subjects`."""
    return f"Too few {names} for intervals ({units}; it takes {FEWEST} or more)."


@cache
def subject_draws(count: int) -> np.ndarray:
    """How often each of `count` subjects is in each draw, (DRAWS, count).

    All measures have the same draws, so that runs on the same subjects are paired.
    """
    return cluster_weights(np.arange(count), np.random.default_rng((_SEED, count)))


def cluster_weights(
    clusters: np.ndarray, rng: np.random.Generator, draws: int = DRAWS
) -> np.ndarray:
    """How often each of N values is in each draw, (B, N) float64.

    A draw takes G of the G clusters with replacement, each with all its values.

    Args:
        clusters: (N,) the cluster of each value, of any sortable kind; `np.arange(N)` draws
            single values.
        rng: gives one multinomial sample of shape (draws, G), clusters in sorted order.
        draws: B.
    """
    number = np.unique(clusters, return_inverse=True)[1]
    count = int(number.max()) + 1
    times = rng.multinomial(count, np.full(count, 1 / count), draws)
    return np.asarray(times[:, number], float)  # products of floats are fast


def standard_error(draws: np.ndarray, clusters: int) -> np.ndarray:
    """Standard error of each statistic from its draws (B, ...) over that many clusters."""
    return np.asarray(np.sqrt(clusters / (clusters - 1)) * draws.std(axis=0))


def t_reach(clusters: int) -> float:
    """Standard deviations of the draws from the middle to an end of the 95% interval."""
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, clusters - 1)
    return float(quantile * np.sqrt(clusters / (clusters - 1)))


def t_half_widths(draws: np.ndarray, clusters: int) -> np.ndarray:
    """Half the width of the 95% interval of each statistic: Student's t times its error."""
    return np.asarray(t_reach(clusters) * draws.std(axis=0))


def t_p_value(estimate: float, error: float, clusters: int) -> float:
    """Two-sided p of an estimate with a positive bootstrap error, if the true value were 0."""
    return 2 * float(stats.t.sf(abs(estimate) / error, clusters - 1))
