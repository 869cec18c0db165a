"""Whether datasets, annotators, cultures or emotions differ in how their clips were labelled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import stats

from gamdss.records import KEYS
from gamdss.studies.bias.groups import Grouping
from gamdss.studies.bias.offsets import LEVEL, holm
from gamdss.studies.bias.pooling import DRAWS, Pooled, errors, interval, pool
from gamdss.studies.bias.shifts import Shifts

LEAST = 4  # clips of a group: fewer are not compared


@dataclass(frozen=True)
class Pair:
    """Group `a` against group `b`, in percent of the phase.

    `bias` is a's bias beyond b's, `spread` a's spread beyond b's, with 95% intervals of a
    bootstrap over each group's subjects. `p` is Mann and Whitney's, `rank_biserial` its effect,
    above 0 where a's labels are later; `holm` counts all pairs and key frames of the grouping.
    """

    a: str
    b: str
    bias: float
    bias_interval: tuple[float, float]
    spread: float
    spread_interval: tuple[float, float]
    p: float
    rank_biserial: float
    holm: float = float("nan")

    @property
    def differs(self) -> bool:
        """Ranks differ at the level of 5% after correction, and so do subjects."""
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
    pairs: tuple[Pair, ...]
    holm: float = float("nan")


def compare_groups(shifts: Shifts, grouping: Grouping, draws: int = DRAWS) -> list[Difference]:
    """A comparison for each key frame; none where fewer than two groups have enough clips.

    Compared is what the clips alone say of the annotation's errors (`pooling.errors`), so that a
    group is not thought better because its clips tell less. Groups that share subjects, such as
    emotions, are drawn each by itself, which makes their intervals rather too wide.

    Args:
        shifts: the clips.
        grouping: which are compared.
        draws: of the bootstrap.
    """
    value, variance = errors(shifts)
    scale = shifts.scale("percent")
    value, variance = value * scale, variance * scale**2
    found = []
    for k, key in enumerate(KEYS):
        known = np.isfinite(value[:, k])
        places = {name: known & (grouping.labels == name) for name in grouping.groups}
        places = {name: chosen for name, chosen in places.items() if chosen.sum() >= LEAST}
        if len(places) < 2:
            continue
        samples = {name: value[chosen, k] for name, chosen in places.items()}
        pooled = {
            name: pool(value[chosen, k], variance[chosen, k], shifts.people[chosen], draws)
            for name, chosen in places.items()
        }
        pairs = tuple(
            _pair((a, b), (samples[a], samples[b]), (pooled[a], pooled[b]))
            for a, b in combinations(samples, 2)
        )
        found.append(_overall(grouping.name, key, samples, pairs))
    return _corrected(found)


def _overall(
    name: str, key: str, samples: dict[str, np.ndarray], pairs: tuple[Pair, ...]
) -> Difference:
    sizes = tuple(len(values) for values in samples.values())
    total = sum(sizes)
    alike = np.ptp(np.concatenate(list(samples.values()))) == 0
    statistic, p = (0.0, 1.0) if alike else stats.kruskal(*samples.values())
    effect = float(statistic) / (total - 1)
    return Difference(name, key, sizes, tuple(samples), float(statistic), float(p), effect, pairs)


def _pair(
    names: tuple[str, str], values: tuple[np.ndarray, np.ndarray], both: tuple[Pooled, Pooled]
) -> Pair:
    a, b = both
    units = min(a.units[0], b.units[0]), min(a.units[1], b.units[1])
    first, second = values
    tested = stats.mannwhitneyu(first, second)
    bias, spread = a.mean - b.mean, a.spread - b.spread
    return Pair(
        *names,
        bias=bias,
        bias_interval=_between(bias, a.means, b.means, units),
        spread=spread,
        spread_interval=_between(spread, a.spreads, b.spreads, units),
        p=float(tested.pvalue),
        rank_biserial=float(2 * tested.statistic / (len(first) * len(second)) - 1),
    )


def _between(
    estimate: float, a: np.ndarray, b: np.ndarray, units: tuple[int, int]
) -> tuple[float, float]:
    """Interval of a difference; one side is drawn in another order, since seeds are alike."""
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
