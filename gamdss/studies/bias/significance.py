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
    clip, how far the shifts lie from the dataset's median shift; clips of a person count as
    independent, so that its p is too small where people differ, and the verdict ignores it.
    `rank_biserial` is its effect, -1 to 1, above 0 where offsets lie farther. Holm's correction
    counts all tests made together.
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
class Difference:
    """One key frame of group `a` against that of group `b`, in percent of the phase.

    `bias` is a's bias minus b's, `spread` a's spread minus b's, with 95% intervals; `p` is the
    two-sided p of the bias, all of a bootstrap over each group's subjects. `holm` is that p
    corrected for all pairs, key frames and groupings that were compared together.
    """

    grouping: str
    key: str
    a: str
    b: str
    subjects: tuple[int, int]
    bias: float
    bias_interval: Interval
    spread: float
    spread_interval: Interval
    p: float
    holm: float = float("nan")

    @property
    def differs(self) -> bool:
        """Whether the biases differ at 5% after correction."""
        return self.holm <= LEVEL


def compare_groups(
    shifts: Shifts, groupings: Iterable[Grouping], draws: int = DRAWS
) -> list[Difference]:
    """Every pair of groups of each grouping, for each key frame; Holm's correction counts all.

    Groups without enough subjects are left out. The errors compared are those implied by the
    clips alone (`pooling.annotation_errors`), so that a group does not look better because its
    clips show less. Whole subjects are drawn, since clips of one subject are alike. Groups that
    share subjects, such as emotions, are drawn independently, so that fewer differences are found.

    Args:
        shifts: the clips.
        groupings: the groups to compare.
        draws: of the bootstrap.
    """
    found = [d for grouping in groupings for d in _compared(shifts, grouping, draws)]
    corrected = holm([difference.p for difference in found])
    return [replace(d, holm=p) for d, p in zip(found, corrected, strict=True)]


def _compared(shifts: Shifts, grouping: Grouping, draws: int) -> Iterator[Difference]:
    """The pairs of each key frame, not corrected."""
    value, variance = annotation_errors(shifts)
    scale = shifts.scale("percent")
    value, variance = value * scale, variance * scale**2
    for k, key in enumerate(KEYS):
        pooled = {}
        for name in grouping.groups:
            chosen = np.isfinite(value[:, k]) & (grouping.labels == name)
            people = shifts.people[chosen]
            if enough(len(set(people))):
                pooled[name] = pool(value[chosen, k], variance[chosen, k], people, draws)
        for a, b in combinations(pooled, 2):
            yield _difference((grouping.name, key, a, b), pooled[a], pooled[b])


def _difference(about: tuple[str, str, str, str], a: Pooled, b: Pooled) -> Difference:
    units = min(a.units[0], b.units[0]), min(a.units[1], b.units[1])
    half = a.means.shape[1] // 2
    # One side's draws are rotated, since both have the same seed.
    means = a.means - np.roll(b.means, half, axis=1)
    spreads = a.spreads - np.roll(b.spreads, half, axis=1)
    bias, spread = a.mean - b.mean, a.spread - b.spread
    return Difference(
        *about,
        subjects=(a.subjects, b.subjects),
        bias=bias,
        bias_interval=interval(bias, means, units),
        spread=spread,
        spread_interval=interval(spread, spreads, units),
        p=p_value(bias, means, units),
    )


def holm(values: Sequence[float]) -> list[float]:
    """Holm's adjusted p of all known values; NaN stays NaN and does not count."""
    adjusted = np.array(values, float)
    known = np.isfinite(adjusted)
    if known.any():
        adjusted[known] = multipletests(adjusted[known], method="holm")[1]
    return [float(value) for value in adjusted]
