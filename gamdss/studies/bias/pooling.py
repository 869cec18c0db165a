"""Mean and spread of the annotation's errors, corrected for the uncertainty of measuring them.

`motion` weighs what it sees against the annotation, so its shifts are pulled towards 0, the more
the less a clip shows: their plain mean understates a bias. What the clip alone implies follows from
the stated interval and the prior that `motion` had, as a value with a variance. The values
of a group are pooled by the random effects model of DerSimonian and Laird (Controlled Clinical
Trials 7, 1986), whose weights are recomputed with the estimated spread. Intervals come from a
bootstrap over subjects, since clips of one subject are alike, or over clips where that is wider:
a few subjects may agree by chance. Those of a single subject come from its clips alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from gamdss.metrics.bootstrap import (
    DRAWS,
    cluster_weights,
    enough,
    standard_error,
    t_p_value,
    t_reach,
)
from gamdss.reselection.motion.course import ANNOTATED
from gamdss.reselection.motion.fit import UNSUPPORTED
from gamdss.studies.bias.shifts import Shifts

Interval = tuple[float, float]
UNKNOWN: Interval = (float("nan"), float("nan"))
_SEED = 20260322
# What an interval of whole frames is longer than the distance of its ends, on average: less than a
# frame, since it has at least one.
_WHOLE_FRAMES = 0.9
_FAINT = 1e-9
_MOST_BIAS = 0.8  # standard deviations
_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class Pooled:
    """Errors of `clips` annotations of `subjects` people.

    `mean` is the bias and `spread` the standard deviation of errors (NaN of too few clips), each
    with the ends of its 95% interval, NaN for too few subjects or clips; `means` and `spreads`
    (2, B) are the draws of the bootstrap over subjects and of that over clips, `units` the number
    of each.
    """

    clips: int
    subjects: int
    mean: float
    mean_interval: Interval
    spread: float
    spread_interval: Interval
    means: np.ndarray
    spreads: np.ndarray
    units: tuple[int, int]


def annotation_errors(shifts: Shifts) -> tuple[np.ndarray, np.ndarray]:
    """The annotation's errors in frames as implied by the clips alone, and their variance.

    Returns:
        Annotated minus true frame (N, 3), above 0 where it was labelled late, and its variance
        (N, 3); both NaN for key frames that were kept or not labelled, or of which the clip
        shows no more than a learned prior. Without an interval the shift is taken as exact.
    """
    prior = shifts.expected_width
    # Of the samples that shifts come from. Where a fall fades, intervals have more of them, so that
    # such an offset counts for less.
    shares = np.array([ANNOTATED.onset, ANNOTATED.apex, ANNOTATED.offset])
    inside = stats.norm.ppf(0.5 + shares / 2)
    width = np.maximum(shifts.high - shifts.low + _WHOLE_FRAMES, 0.5)
    ratio = width / (2 * inside * prior)
    # Less certain key frames are kept as annotated; a share near 1 would divide by nothing.
    share = np.minimum(ratio, UNSUPPORTED) ** 2  # of the prior's variance
    # A product of normal densities.
    middle = (shifts.low + shifts.high) / 2
    value = shifts.annotated - (middle - share * shifts.expected) / (1 - share)
    variance = prior**2 * share / (1 - share)
    exact = np.isnan(value)
    value = np.where(exact, -shifts.frames, value)
    variance = np.where(exact, 0.0, variance)
    # Where a bias is expected and the clip shows little, key frames move by that bias.
    echoed = (ratio > UNSUPPORTED) & (shifts.expected != shifts.annotated)
    known = shifts.located & ~echoed
    return np.where(known, value, np.nan), np.where(known, variance, np.nan)


def pool(
    values: np.ndarray,
    variances: np.ndarray,
    people: np.ndarray,
    draws: int = DRAWS,
    alone: bool = False,
) -> Pooled:
    """Mean and spread of values with known measurement variances.

    Args:
        values: (n,); NaN is left out.
        variances: (n,) of measuring each value.
        people: (n,) the subject of each.
        draws: of the bootstrap.
        alone: whether the intervals are for one subject, whose clips are drawn.
    """
    known = np.isfinite(values) & np.isfinite(variances)
    values, variances, people = values[known], variances[known], people[known]
    nan = float("nan")
    if len(values) == 0:
        empty = np.zeros((2, 0))
        return Pooled(0, 0, nan, UNKNOWN, nan, UNKNOWN, empty, empty, (0, 0))
    mean, spread = moments(values, variances, np.ones((1, len(values))))
    counts, units = resampled(people, draws, alone)
    drawn = [moments(values, variances, way) for way in counts]
    means, spreads = (np.stack(part) for part in zip(*drawn, strict=True))
    return Pooled(
        clips=len(values),
        subjects=len(set(people)),
        mean=float(mean[0]),
        mean_interval=interval(float(mean[0]), means, units),
        spread=float(spread[0]) if enough(len(values)) else nan,
        spread_interval=interval(float(spread[0]), spreads, units),
        means=means,
        spreads=spreads,
        units=units,
    )


def resampled(
    people: np.ndarray, draws: int = DRAWS, alone: bool = False
) -> tuple[np.ndarray, tuple[int, int]]:
    """How often each of n clips is in each draw, of whole subjects and of clips, (2, B, n).

    Also returns the number of subjects and clips. If it is `alone` about one subject, clips are
    drawn both times.
    """
    clips = np.arange(len(people))
    rng = np.random.default_rng(_SEED)
    ways = (clips if alone else people, clips)
    counts = np.stack([cluster_weights(way, rng, draws) for way in ways])
    return counts, (len(set(ways[0])), len(clips))


def moments(
    values: np.ndarray, variances: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Random effects: mean (B,) and spread (B,) of n values, each taken `counts` (B, n) times."""
    part = max(1, _AT_ONCE // len(values))
    if len(counts) > part:  # to limit the memory that a large dataset takes
        pieces = [counts[i : i + part] for i in range(0, len(counts), part)]
        both = [moments(values, variances, piece) for piece in pieces]
        return np.concatenate([m for m, _ in both]), np.concatenate([s for _, s in both])
    scale = max(float(np.var(values)), _FAINT)
    floor = np.maximum(variances, 1e-6 * scale)  # an exact value would have all the weight
    between = np.full(len(counts), scale)
    for _ in range(3):
        weights = counts / (floor + between[:, None])  # (B, n)
        between = _between(values, floor, weights, counts)
    weights = counts / (floor + between[:, None])
    mean = weights @ values / np.maximum(weights.sum(1), _FAINT)
    return mean, np.sqrt(between)


def _between(
    values: np.ndarray, variances: np.ndarray, weights: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Variance between true errors, (B,): the moments estimate with these weights."""
    total = np.maximum(weights.sum(1), _FAINT)
    mean = weights @ values / total
    each = weights / np.maximum(counts, 1)
    squares = (weights * (values - mean[:, None]) ** 2).sum(1)
    expected = weights @ variances - (weights * each) @ variances / total
    factor = total - (weights * each).sum(1) / total
    return np.asarray(np.maximum((squares - expected) / np.maximum(factor, _FAINT), 0))


def interval(estimate: float, draws: np.ndarray, units: tuple[int, int]) -> Interval:
    """The 95% interval of bootstrap draws (2, B): the wider one.

    NaN of too few units, and if all draws are equal, such as spreads that no draw shows.

    Percentiles are corrected for the draws' bias, which spreads have (Efron, Journal of the
    American Statistical Association 82, 1987), and widened for few units (Hesterberg, The American
    Statistician 69, 2015).
    """
    if not enough(min(units)) or np.ptp(draws) < _FAINT:
        return UNKNOWN
    ends = []
    for way, count in zip(draws, units, strict=True):
        reach = t_reach(count)
        below = ((way < estimate).mean() + (way <= estimate).mean()) / 2
        moved = 2 * np.clip(stats.norm.ppf(below), -_MOST_BIAS, _MOST_BIAS)
        ends.append(np.quantile(way, stats.norm.cdf((moved - reach, moved + reach))))
    low, high = max(ends, key=lambda pair: pair[1] - pair[0])
    return float(low), float(high)


def p_value(estimate: float, draws: np.ndarray, units: tuple[int, int]) -> float:
    """Two-sided p of a difference by its bootstrap error from draws (2, B), the larger; or NaN.

    Student's t, since percentiles of a few thousand draws cannot resolve the small p that a
    correction for many tests needs.
    """
    if not enough(min(units)):
        return float("nan")
    return max(
        t_p_value(estimate, max(float(standard_error(way, count)), _FAINT), count)
        for way, count in zip(draws, units, strict=True)
    )
