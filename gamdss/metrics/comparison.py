"""Two runs on the same clips: the paired difference of their measures, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import stats

from gamdss.metrics.bootstrap import enough, standard_error, t_half_widths, t_p_value
from gamdss.metrics.intervals import (
    Interval,
    SeedMean,
    check_same_clips,
    confusions,
    drawn_measures,
    on_same_units,
    seed_mean,
)
from gamdss.metrics.scores import MEASURES
from gamdss.metrics.selection import Predictions

_FAINT = 1e-12


@dataclass(frozen=True)
class Difference:
    """One measure of B minus that of A, each averaged over its seeds.

    `interval` is the 95% interval of a paired bootstrap over subjects and `p` the two-sided p of
    its t statistic. Both are None where the bootstrap has no answer: with too few subjects, or if
    the runs differ by the same amount in every draw, unless they do not differ at all.
    """

    value: float
    interval: Interval | None
    p: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class McNemar:
    """Clips that only one of two runs gets right, and the exact two-sided p of McNemar's test.

    A clip is right if its class, or each of its action units, is.

    `runs` are the positions of the two among the seeds of A and of B.
    """

    runs: tuple[int, int]
    only_a: int
    only_b: int
    p: float


@dataclass(frozen=True)
class Comparison:
    """Runs A and B, by measure; `mcnemar` has a test for each pair of seeds."""

    clips: int
    subjects: int
    a: dict[str, SeedMean]
    b: dict[str, SeedMean]
    differences: dict[str, Difference]
    mcnemar: tuple[McNemar, ...]


def compare(a: Sequence[Predictions], b: Sequence[Predictions], num_classes: int) -> Comparison:
    """Compare runs (each with its seeds) that were evaluated on the same clips.

    A draw takes the same subjects of all runs, so what makes a subject hard for both cancels out.
    McNemar's test treats clips as independent, but clips of one subject are not: trust the
    bootstrap. Seeds are paired in order if A and B have the same number, else each with each.

    Raises:
        FoldError: the clips or their classes differ.
    """
    check_same_clips([*a, *b])
    both = on_same_units([*a, *b])
    a, b = both[: len(a)], both[len(a) :]
    counts = [[confusions(run, num_classes) for run in runs] for runs in (a, b)]
    measure = a[0].measure
    draws = [np.mean([drawn_measures(each, measure) for each in runs], axis=0) for runs in counts]
    means = [seed_mean(runs, num_classes) for runs in (a, b)]
    subjects = counts[0][0].shape[1]
    places = range(len(a)), range(len(b))
    pairs = list(zip(*places, strict=True)) if len(a) == len(b) else list(product(*places))
    return Comparison(
        clips=len(a[0].clips),
        subjects=subjects,
        a=means[0],
        b=means[1],
        differences=_differences(means[0], means[1], draws[1] - draws[0], subjects),
        mcnemar=tuple(_mcnemar(a[i], b[j], (i, j)) for i, j in pairs),
    )


def _differences(
    a: dict[str, SeedMean], b: dict[str, SeedMean], draws: np.ndarray, subjects: int
) -> dict[str, Difference]:
    values = {name: b[name].mean - a[name].mean for name in MEASURES}
    if not enough(subjects):
        return {name: Difference(value, None, None) for name, value in values.items()}
    widths = t_half_widths(draws, subjects).tolist()
    errors = standard_error(draws, subjects).tolist()
    found = {}
    for (name, value), width, error in zip(values.items(), widths, errors, strict=True):
        if error > _FAINT:
            # With few subjects Student's t reaches further than two measures can differ.
            ends = max(value - width, -1.0), min(value + width, 1.0)
            found[name] = Difference(value, ends, t_p_value(value, error, subjects))
        elif abs(value) > _FAINT:
            found[name] = Difference(value, None, None)
        else:  # Runs with the same predictions do not differ in any draw.
            found[name] = Difference(value, (value, value), 1.0)
    return found


def _mcnemar(a: Predictions, b: Predictions, runs: tuple[int, int]) -> McNemar:
    place = {clip: i for i, clip in enumerate(b.clips)}
    order = np.array([place[clip] for clip in a.clips])
    right_a, right_b = a.right, b.right[order]
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    # Exact: if the runs do not differ, either is equally likely to be the one that is right.
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(runs, only_a, only_b, float(p))
