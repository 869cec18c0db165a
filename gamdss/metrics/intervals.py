"""95% intervals of a run's figures, and of their mean over several seeds.

Student's t times the bootstrap error over subjects, on the scale of log odds. On made datasets of
4, 8 and 26 subjects of unequal size and difficulty, percentiles of the same draws hold the truth
in 75 to 82, 82 to 87 and 91 to 95% of datasets, BCa in as many; these intervals in 94 to 98, 93 to
96 and 93 to 95%. Where the accuracy is 0.93 and subjects are four, 89 to 91%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from gamdss.metrics.resampling import (
    CONFIDENCE,
    MEASURES,
    check_same_clips,
    confusions,
    drawn,
    half_widths,
    measures,
)
from gamdss.metrics.selection import Predictions

_SAME = 1e-12
Interval = tuple[float, float]


@dataclass(frozen=True)
class SeedMean:
    """One measure over the seeds of a run.

    `values` has each seed's, `spread` is their standard deviation (0 for one seed), and
    `interval` the 95% interval of the mean for subjects drawn anew, None for one subject; it
    does not hold what further seeds would add.
    """

    values: tuple[float, ...]
    mean: float
    spread: float
    interval: Interval | None


def intervals(of: Predictions, num_classes: int) -> dict[str, Interval | None]:
    """The 95% interval of each measure, by a bootstrap over subjects; None for one subject."""
    return {name: found.interval for name, found in seed_mean([of], num_classes).items()}


def seed_mean(runs: Sequence[Predictions], num_classes: int) -> dict[str, SeedMean]:
    """Each measure over runs that differ in their seed; a draw takes the same subjects of all.

    Raises:
        FoldError: the runs were judged on different clips.
    """
    check_same_clips(runs)
    counts = [confusions(run, num_classes) for run in runs]
    values = np.array([measures(*each.sum(1)) for each in counts])  # (S, 4)
    subjects = counts[0].shape[1]
    ends: list[Interval | None] = [None] * len(MEASURES)
    if subjects > 1:
        draws = np.mean([drawn(each) for each in counts], axis=0)  # (B, 4)
        ends = share_intervals(values.mean(axis=0), draws, subjects)
    spread = values.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(len(MEASURES))
    return {
        name: SeedMean(
            values=tuple(values[:, i].tolist()),
            mean=float(values[:, i].mean()),
            spread=float(spread[i]),
            interval=ends[i],
        )
        for i, name in enumerate(MEASURES)
    }


def share_intervals(middle: np.ndarray, draws: np.ndarray, subjects: int) -> list[Interval | None]:
    """Intervals of shares on the scale of log odds, which keeps them within 0 and 1."""
    found: list[Interval | None] = []
    for value, width in zip(middle.tolist(), half_widths(draws, subjects).tolist(), strict=True):
        if width < _SAME or not 0 < value < 1:
            # No draw differs from another, as where every clip is right: what as many subjects,
            # each wholly right, would leave open (Wilson).
            low, high = wilson(value * subjects, subjects)
        else:
            reach = width / (value * (1 - value))
            low, high = expit(logit(value) - reach), expit(logit(value) + reach)
        found.append((float(low), float(high)))
    return found


def wilson(right: float, count: int) -> Interval:
    """Wilson's 95% interval of the share `right` of `count`."""
    # It loads pandas, which most commands do without.
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415

    low, high = proportion_confint(right, count, 1 - CONFIDENCE, "wilson")
    return float(low), float(high)
