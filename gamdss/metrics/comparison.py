"""Two runs on the same clips: the difference of their figures, paired, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import stats

from gamdss.metrics.intervals import Interval, SeedMean, seed_mean
from gamdss.metrics.resampling import MEASURES, check_same_clips, confusions, drawn, half_widths
from gamdss.metrics.selection import Predictions

_FAINT = 1e-12


@dataclass(frozen=True)
class Difference:
    """One measure of B minus that of A, each averaged over its seeds.

    `interval` is the 95% interval of a paired bootstrap over subjects and `p` the two-sided p of
    its t statistic; both None where the bootstrap cannot tell: of one subject, or where the runs
    differ and every draw of subjects gives the same difference.
    """

    value: float
    interval: Interval | None
    p: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class McNemar:
    """Clips that only one of two runs gets right, and the exact two-sided p of McNemar's test.

    `runs` are the places of the two among the seeds of A and of B.
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
    """Compare runs (each with its seeds) that were judged on the same clips.

    A draw takes the same subjects of all runs, so what makes a subject hard for both cancels out.
    McNemar's test takes clips as independent, which those of a subject are not: the bootstrap
    decides. Seeds are paired in order where A and B have as many, else each with each.

    Raises:
        FoldError: the clips or their classes differ.
    """
    check_same_clips([*a, *b])
    counts = [[confusions(run, num_classes) for run in runs] for runs in (a, b)]
    draws = [np.mean([drawn(each) for each in runs], axis=0) for runs in counts]
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
    if subjects < 2:
        return {name: Difference(value, None, None) for name, value in values.items()}
    widths = half_widths(draws, subjects)
    errors = np.sqrt(subjects / (subjects - 1)) * draws.std(axis=0)
    found = {}
    for place, (name, value) in enumerate(values.items()):
        width, error = float(widths[place]), float(errors[place])
        if error > _FAINT:
            p = 2 * float(stats.t.sf(abs(value) / error, subjects - 1))
            # With few subjects Student's t would go beyond what two measures can differ by.
            ends = max(value - width, -1.0), min(value + width, 1.0)
            found[name] = Difference(value, ends, p)
        elif abs(value) > _FAINT:
            found[name] = Difference(value, None, None)
        else:  # Runs that predict the same do not differ, however often that is drawn.
            found[name] = Difference(value, (value, value), 1.0)
    return found


def _mcnemar(a: Predictions, b: Predictions, runs: tuple[int, int]) -> McNemar:
    place = {clip: i for i, clip in enumerate(b.clips)}
    order = np.array([place[clip] for clip in a.clips])
    right_a = a.for_accuracy == a.labels
    right_b = (b.for_accuracy == b.labels)[order]
    only_a, only_b = int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum())
    # Exact: under no difference, a clip that one of them gets right is either's alike.
    p = stats.binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(runs, only_a, only_b, float(p))
