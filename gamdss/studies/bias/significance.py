"""Tests: are offsets labelled less certainly than onsets and apexes, and do groups differ?

The first is a claim of arXiv 2603.04766 about the datasets' annotations. It is tested on the clips
whose motion locates both key frames, for each dataset, in time and in percent of the phase. Groups
(datasets, annotators, cultures, emotions) are compared in percent of the phase.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from gamdss.metrics.bootstrap import DRAWS, enough
from gamdss.records import KEYS
from gamdss.studies.bias.groups import Grouping
from gamdss.studies.bias.pooling import (
    UNKNOWN,
    Interval,
    Pooled,
    annotation_errors,
    interval,
    p_value,
    pool,
)
from gamdss.studies.bias.shifts import Shifts

LEVEL = 0.05
LEAST_PAIRS = 6  # fewer cannot reach the level whatever their values


@dataclass(frozen=True)
class OffsetTest:
    """The offset against one other key frame.

    `excess` is the spread of the offset's errors minus the other's, with the 95% interval and
    the two-sided p of a paired bootstrap over subjects. Wilcoxon's signed ranks compare, in every
    clip, how far the shifts lie from the dataset's median shift; these are pulled towards 0 where
    the clip shows little, so that the test is conservative. `rank_biserial` is its effect, -1 to
    1, above 0 where offsets lie farther. Holm's correction counts all tests made together.
    """

    dataset: str
    other: str
    unit: str
    pairs: int
    offset_spread: float
    other_spread: float
    excess: float
    excess_interval: Interval
    excess_p: float
    wilcoxon_p: float
    rank_biserial: float
    excess_holm: float = float("nan")
    wilcoxon_holm: float = float("nan")

    @property
    def verdict(self) -> str:
        """The conclusion from the spreads at the level of 5%, after correction."""
        if np.isnan(self.excess_holm):
            return "too few clips" if self.pairs < LEAST_PAIRS else "too few subjects"
        low, high = self.excess_interval
        if self.excess_holm > LEVEL or low <= 0 <= high:
            return "not shown"
        return "more uncertain" if self.excess > 0 else "less uncertain"


def offsets_against(shifts: Shifts, draws: int = DRAWS) -> list[OffsetTest]:
    """Offset against onset and apex in every dataset.

    Args:
        shifts: the clips.
        draws: of the bootstrap.
    """
    value, variance = annotation_errors(shifts)
    tests = []
    for dataset in sorted(set(shifts.dataset)):
        inside = shifts.dataset == dataset
        timed = bool(np.isfinite(shifts.fps[inside]).all())
        for unit in ("ms" if timed else "frames", "percent"):
            scale = shifts.scale(unit)
            known = np.isfinite(value * scale)
            for k, other in enumerate(KEYS[:2]):
                chosen = inside & known[:, k] & known[:, 2]
                columns = [k, 2]
                tests.append(
                    _offset_test(
                        (str(dataset), other, unit),
                        (value * scale)[chosen][:, columns],
                        (variance * scale**2)[chosen][:, columns],
                        (-shifts.frames * scale)[chosen][:, columns],
                        shifts.people[chosen],
                        draws,
                    )
                )
    spreads = holm([test.excess_p for test in tests])
    ranks = holm([test.wilcoxon_p for test in tests])
    return [
        replace(test, excess_holm=a, wilcoxon_holm=b)
        for test, a, b in zip(tests, spreads, ranks, strict=True)
    ]


def _offset_test(
    about: tuple[str, str, str],
    values: np.ndarray,
    variances: np.ndarray,
    moved: np.ndarray,
    people: np.ndarray,
    draws: int,
) -> OffsetTest:
    """One test from (n, 2) columns: the other key frame, the offset."""
    nan = float("nan")
    pairs = len(values)
    if pairs < LEAST_PAIRS:
        return OffsetTest(*about, pairs, nan, nan, nan, UNKNOWN, nan, nan, nan)
    # The same clips and the same draws of subjects on both sides make the bootstrap paired.
    other, offset = (pool(values[:, i], variances[:, i], people, draws) for i in (0, 1))
    beyond = offset.spreads - other.spreads
    excess = offset.spread - other.spread
    away = np.abs(moved - np.median(moved, axis=0))
    p, effect = signed_ranks(away[:, 1] - away[:, 0])
    return OffsetTest(
        *about,
        pairs=pairs,
        offset_spread=offset.spread,
        other_spread=other.spread,
        excess=excess,
        excess_interval=interval(excess, beyond, other.units),
        excess_p=p_value(excess, beyond, other.units),
        wilcoxon_p=p,
        rank_biserial=effect,
    )


def signed_ranks(differences: np.ndarray) -> tuple[float, float]:
    """Wilcoxon's two-sided p, and the rank-biserial correlation (Kerby 2014); NaN without any."""
    differences = differences[np.abs(differences) > 1e-9]
    if len(differences) == 0:
        return float("nan"), float("nan")
    ranks = stats.rankdata(np.abs(differences))
    effect = float((ranks * np.sign(differences)).sum() / ranks.sum())
    return float(stats.wilcoxon(differences).pvalue), effect


@dataclass(frozen=True)
class GroupPair:
    """Group `a` against group `b`, in percent of the phase.

    `bias` is a's bias minus b's, `spread` a's spread minus b's, with 95% intervals of a
    bootstrap over each group's subjects. `p` is Mann and Whitney's, `rank_biserial` its effect,
    above 0 where a's labels are later; `holm` counts all pairs and key frames of the grouping.
    """

    a: str
    b: str
    bias: float
    bias_interval: Interval
    spread: float
    spread_interval: Interval
    p: float
    rank_biserial: float
    holm: float = float("nan")

    @property
    def differs(self) -> bool:
        """Whether ranks differ at 5% after correction, and the interval of the bias excludes 0."""
        low, high = self.bias_interval
        return self.holm <= LEVEL and not low <= 0 <= high


@dataclass(frozen=True)
class Difference:
    """One key frame over all groups of a grouping.

    `p` is Kruskal and Wallis's, `epsilon_squared` its effect from 0 to 1; `holm` counts the key
    frames.
    """

    grouping: str
    key: str
    clips: tuple[int, ...]
    groups: tuple[str, ...]
    statistic: float
    p: float
    epsilon_squared: float
    pairs: tuple[GroupPair, ...]
    holm: float = float("nan")


def compare_groups(
    shifts: Shifts, groupings: Iterable[Grouping], draws: int = DRAWS
) -> list[Difference]:
    """A comparison for each grouping and key frame, in one table: Holm's correction counts all.

    There is none where fewer than two groups have enough subjects. It compares the errors as
    implied by the clips alone (`pooling.annotation_errors`), so that a group does not look better
    because its clips show less. Groups that share subjects, such as emotions, are resampled
    independently, which makes their intervals somewhat too wide.

    Args:
        shifts: the clips.
        groupings: the groups to compare.
        draws: of the bootstrap.
    """
    return _corrected([d for grouping in groupings for d in _compared(shifts, grouping, draws)])


def _compared(shifts: Shifts, grouping: Grouping, draws: int) -> Iterator[Difference]:
    """The comparison for each key frame, not corrected."""
    value, variance = annotation_errors(shifts)
    scale = shifts.scale("percent")
    value, variance = value * scale, variance * scale**2
    for k, key in enumerate(KEYS):
        known = np.isfinite(value[:, k])
        places = {name: known & (grouping.labels == name) for name in grouping.groups}
        places = {
            name: chosen
            for name, chosen in places.items()
            if enough(len(set(shifts.people[chosen])))
        }
        if len(places) < 2:
            continue
        samples = {name: value[chosen, k] for name, chosen in places.items()}
        pooled = {
            name: pool(value[chosen, k], variance[chosen, k], shifts.people[chosen], draws)
            for name, chosen in places.items()
        }
        pairs = tuple(
            _group_pair((a, b), (samples[a], samples[b]), (pooled[a], pooled[b]))
            for a, b in combinations(samples, 2)
        )
        yield _overall(grouping.name, key, samples, pairs)


def _overall(
    name: str, key: str, samples: dict[str, np.ndarray], pairs: tuple[GroupPair, ...]
) -> Difference:
    sizes = tuple(len(values) for values in samples.values())
    total = sum(sizes)
    alike = np.ptp(np.concatenate(list(samples.values()))) == 0
    statistic, p = (0.0, 1.0) if alike else stats.kruskal(*samples.values())
    effect = float(statistic) / (total - 1)
    return Difference(name, key, sizes, tuple(samples), float(statistic), float(p), effect, pairs)


def _group_pair(
    names: tuple[str, str], values: tuple[np.ndarray, np.ndarray], both: tuple[Pooled, Pooled]
) -> GroupPair:
    a, b = both
    units = min(a.units[0], b.units[0]), min(a.units[1], b.units[1])
    first, second = values
    tested = stats.mannwhitneyu(first, second)
    bias, spread = a.mean - b.mean, a.spread - b.spread
    return GroupPair(
        *names,
        bias=bias,
        bias_interval=_independent(bias, a.means, b.means, units),
        spread=spread,
        spread_interval=_independent(spread, a.spreads, b.spreads, units),
        p=float(tested.pvalue),
        rank_biserial=float(2 * tested.statistic / (len(first) * len(second)) - 1),
    )


def _independent(estimate: float, a: np.ndarray, b: np.ndarray, units: tuple[int, int]) -> Interval:
    """Interval of a difference; one side's draws are rotated, since both have the same seed."""
    return interval(estimate, a - np.roll(b, b.shape[1] // 2, axis=1), units)


def _corrected(found: list[Difference]) -> list[Difference]:
    overall = holm([difference.p for difference in found])
    paired = iter(holm([pair.p for difference in found for pair in difference.pairs]))
    return [
        replace(
            difference,
            holm=p,
            pairs=tuple(replace(pair, holm=next(paired)) for pair in difference.pairs),
        )
        for difference, p in zip(found, overall, strict=True)
    ]


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p of all known values; NaN stays NaN and does not count."""
    adjusted = np.array(values, float)
    known = np.isfinite(adjusted)
    if known.any():
        adjusted[known] = multipletests(adjusted[known], method="holm")[1]
    return [float(value) for value in adjusted]
