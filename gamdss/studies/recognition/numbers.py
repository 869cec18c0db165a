"""UF1 of each way by level, and paired differences, with intervals over people and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from gamdss.metrics import CONFIDENCE, MEASURES, Predictions, enough
from gamdss.metrics.bootstrap import standard_error
from gamdss.metrics.intervals import Interval, confusions, drawn_measures
from gamdss.metrics.scores import measures
from gamdss.studies.recognition.settings import ANNOTATED, MOTION, TRUE, WAYS, Cell
from gamdss.studies.recognition.train import Trained

_UF1 = list(MEASURES).index("uf1")
_FAINT = 1e-24


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95% interval for other people and other seeds.

    `interval` is None for too few people, and if nothing varies. `spread` is the standard deviation
    over seeds, None for one seed, whose interval is for other people only.
    """

    mean: float
    interval: Interval | None
    spread: float | None

    @property
    def shown(self) -> bool:
        """Whether the interval excludes 0."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    @property
    def width(self) -> float | None:
        """Width of the interval."""
        return None if self.interval is None else self.interval[1] - self.interval[0]


@dataclass(frozen=True)
class LevelNumbers:
    """Results at one level of the annotator's error.

    `uf1` by way; `against_annotated` and `against_motion` are paired differences of UF1 by way.
    """

    uf1: dict[str, Estimate]
    against_annotated: dict[str, Estimate]
    against_motion: dict[str, Estimate]

    def recovered(self, way: str) -> float | None:
        """The share of what label errors cost that a way recovers; None if no cost is shown."""
        cost = self.against_annotated.get(TRUE)
        if cost is None or not (cost.shown and cost.mean > 0) or way in (ANNOTATED, TRUE):
            return None
        return self.against_annotated[way].mean / cost.mean


def level_numbers(trained: Mapping[Cell, Trained], level: int) -> LevelNumbers:
    """Numbers of the ways at a level, all of the same clips and seeds."""
    runs = _by_way(trained, level)
    classes = next(iter(trained.values())).classes
    measured = {way: _Measured(ps, classes) for way, ps in runs.items()}

    def against(base: str) -> dict[str, Estimate]:
        return {way: own.minus(measured[base]) for way, own in measured.items() if way != base}

    return LevelNumbers(
        {way: own.estimate() for way, own in measured.items()},
        against(ANNOTATED),
        against(MOTION),
    )


def _by_way(trained: Mapping[Cell, Trained], level: int) -> dict[str, list[Predictions]]:
    """Predictions of each seed by way; an exact annotation is the truth."""
    found: dict[str, list[Predictions]] = {}
    for cell, own in trained.items():
        for way, predictions in own.predictions.items():
            if way == TRUE or cell.level == level:
                found.setdefault(way, []).append(predictions)
    if level == 0:
        found[ANNOTATED] = found[TRUE]
    return {way: found[way] for way in WAYS}


class _Measured:
    """UF1 of a way: of each seed (S,), and in draws of whole people, the same for all ways."""

    def __init__(self, runs: Sequence[Predictions], classes: int) -> None:
        counts = [confusions(run, classes) for run in runs]
        self.values = np.array([measures(*each.sum(1))[_UF1] for each in counts])
        self.draws = np.array([drawn_measures(each)[:, _UF1] for each in counts])  # (S, B)
        self.people = counts[0].shape[1]

    def estimate(self) -> Estimate:
        """Its interval lies within what UF1 can be."""
        found = estimate(self.values, self.draws, self.people)
        if found.interval is None:
            return found
        low, high = found.interval
        return replace(found, interval=(max(low, 0.0), min(high, 1.0)))

    def minus(self, other: _Measured) -> Estimate:
        return estimate(self.values - other.values, self.draws - other.draws, self.people)


def estimate(values: np.ndarray, draws: np.ndarray, people: int) -> Estimate:
    """Mean of S seeds, with an interval for other people and other seeds.

    The bootstrap over people already has a part of the variation between seeds, which is added as
    a whole: with few clips a person the interval is rather too wide than too narrow. The degrees
    of freedom are Satterthwaite's.

    Args:
        values: (S,) the value of each seed.
        draws: (S, B) the same in each draw of people.
        people: their number.
    """
    mean, seeds = float(values.mean()), len(values)
    spread = float(values.std(ddof=1)) if seeds > 1 else None
    if not enough(people):
        return Estimate(mean, None, spread)
    by_people = float(standard_error(draws.mean(axis=0), people)) ** 2
    by_seeds = 0.0 if spread is None else spread**2 / seeds
    total = by_people + by_seeds
    if total < _FAINT:
        return Estimate(mean, None, spread)
    freedom = total**2 / (by_people**2 / (people - 1) + by_seeds**2 / max(seeds - 1, 1))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, max(freedom, 1.0)) * np.sqrt(total))
    return Estimate(mean, (mean - reach, mean + reach), spread)
