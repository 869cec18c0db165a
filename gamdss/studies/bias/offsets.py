"""The paper's claim that offsets are labelled with less certainty than onsets and apexes.

arXiv 2603.04766 says so of the datasets' annotations. It is tested on the clips whose motion tells
both key frames, each dataset by itself, in time and in percent of the phase.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

from gamdss.records import KEYS
from gamdss.studies.bias.pooling import DRAWS, errors, interval, p_value, pool
from gamdss.studies.bias.shifts import Shifts

LEVEL = 0.05
LEAST = 6  # pairs: fewer cannot reach the level whatever they are


@dataclass(frozen=True)
class OffsetTest:
    """The offset against one other key frame.

    `excess` is the spread of the offset's errors beyond the other's, with the 95% interval and
    the two-sided p of a paired bootstrap over subjects. Wilcoxon's signed ranks compare, in every
    clip, how far the shifts lie from the dataset's median shift; these are pulled towards 0 where
    the clip tells little, so that the test errs on the side of no difference. `rank_biserial` is
    its effect, -1 to 1, above 0 where offsets lie farther. Holm's correction counts all tests made
    together.
    """

    dataset: str
    other: str
    unit: str
    pairs: int
    offset_spread: float
    other_spread: float
    excess: float
    excess_interval: tuple[float, float]
    excess_p: float
    wilcoxon_p: float
    rank_biserial: float
    excess_holm: float = float("nan")
    wilcoxon_holm: float = float("nan")

    @property
    def verdict(self) -> str:
        """What the spreads say at the level of 5%, after correction."""
        if np.isnan(self.excess_holm):
            return "too few clips"
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
    value, variance = errors(shifts)
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
                    _test(
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


def _test(
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
    if pairs < LEAST:
        return OffsetTest(*about, pairs, nan, nan, nan, (nan, nan), nan, nan, nan)
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


def holm(values: list[float]) -> list[float]:
    """Holm's adjusted p of all that are known; NaN stays NaN and does not count."""
    adjusted = np.array(values, float)
    known = np.isfinite(adjusted)
    if known.any():
        adjusted[known] = multipletests(adjusted[known], method="holm")[1]
    return [float(value) for value in adjusted]
