"""Bias and uncertainty of the annotation in each group of clips.

Signs are the annotation's: above 0 the key frame was labelled late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gamdss.records import KEYS
from gamdss.studies.bias.groups import Grouping
from gamdss.studies.bias.pooling import DRAWS, Pooled, errors, interval, pool, resampled
from gamdss.studies.bias.shifts import UNITS, Shifts

_NORMAL = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
Interval = tuple[float, float]


@dataclass(frozen=True)
class Plain:
    """Annotated minus reselected as it is in `keyframes.csv`, without any model.

    `mean_all` counts key frames that were kept as 0; the others leave them out. `deviation` is the
    standard deviation, `mad` the median absolute deviation times 1.4826.
    """

    mean_all: float
    mean_all_interval: Interval
    mean: float
    mean_interval: Interval
    deviation: float
    deviation_interval: Interval
    mad: float
    mad_interval: Interval


@dataclass(frozen=True, eq=False)
class Bias:
    """One key frame of one group: how many clips, how many kept, and the values by unit.

    `pooled` is the estimate that stands for the annotation (see `pooling`); `true` the mean and
    standard deviation of the annotator's errors in made clips, whose true key frames are known.
    """

    grouping: str
    group: str
    key: str
    clips: int
    kept: int
    pooled: Mapping[str, Pooled]
    plain: Mapping[str, Plain]
    true: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def bias_of_groups(
    shifts: Shifts,
    divided: Sequence[Grouping],
    truth: np.ndarray | None = None,
    draws: int = DRAWS,
) -> list[Bias]:
    """Every key frame of every group that has one labelled clip at least.

    Args:
        shifts: the clips.
        divided: ways to divide them.
        truth: true frame numbers (N, 3), where the clips were made; NaN for others.
        draws: of the bootstrap.
    """
    value, variance = errors(shifts)
    missed = None if truth is None else shifts.annotated - truth
    found = []
    for grouping in divided:
        for group in grouping.groups:
            inside = grouping.labels == group
            for k, key in enumerate(KEYS):
                chosen = inside & shifts.labelled[:, k]
                if chosen.any():
                    known = value[chosen, k], variance[chosen, k]
                    real = None if missed is None else missed[chosen, k]
                    about = grouping.name, group, key
                    found.append(_bias(about, shifts.at(chosen), k, known, real, draws))
    return found


def _bias(
    about: tuple[str, str, str],
    here: Shifts,
    k: int,
    known: tuple[np.ndarray, np.ndarray],
    missed: np.ndarray | None,
    draws: int,
) -> Bias:
    """Key frame `k` of a group's clips, in every unit."""
    people, kept, moved = here.people, here.kept[:, k], -here.frames[:, k]
    pooled, plain, true = {}, {}, {}
    for unit in UNITS:
        scale = here.scale(unit)[:, k]
        pooled[unit] = pool(known[0] * scale, known[1] * scale**2, people, draws)
        plain[unit] = plain_values(moved * scale, kept, people, draws)
        if missed is not None:
            real = (missed * scale)[np.isfinite(missed * scale)]
            if len(real):
                true[unit] = float(real.mean()), float(real.std())
    return Bias(*about, len(here), int(kept.sum()), pooled, plain, true)


def plain_values(
    moved: np.ndarray, kept: np.ndarray, people: np.ndarray, draws: int = DRAWS
) -> Plain:
    """Mean and spread of annotated minus reselected, as they stand.

    Args:
        moved: (n,) in any unit; NaN is left out.
        kept: (n,) where the motion did not tell the key frame.
        people: (n,) whose each is.
        draws: of the bootstrap.
    """
    known = np.isfinite(moved)
    moved, kept, people = moved[known], kept[known], people[known]
    every = _summary(moved, people, draws)
    told = _summary(moved[~kept], people[~kept], draws)
    return Plain(*every[:2], *told)


def _summary(
    values: np.ndarray, people: np.ndarray, draws: int
) -> tuple[float, Interval, float, Interval, float, Interval]:
    """Mean, standard deviation and median absolute deviation, each with its interval."""
    nan = float("nan")
    if len(values) == 0:
        return nan, (nan, nan), nan, (nan, nan), nan, (nan, nan)
    counts, units = resampled(people, draws)  # (2, B, n)
    total = counts.sum(2)
    means = counts @ values / total
    squares = np.maximum(counts @ values**2 / total - means**2, 0) * total
    deviations = np.sqrt(squares / np.maximum(total - 1, 1))
    # The middle stays where it is: drawing it anew changes little, and sorts every draw.
    away = np.abs(values - np.median(values)) * _NORMAL
    order = np.argsort(away)
    reached = np.cumsum(counts[..., order], axis=2) >= total[..., None] / 2
    medians = away[order][reached.argmax(2)]
    middle, near = float(values.mean()), float(np.median(away))
    deviation = float(values.std(ddof=1)) if len(values) > 1 else nan
    return (
        *(middle, interval(middle, means, units)),
        *(deviation, interval(deviation, deviations, units)),
        *(near, interval(near, medians, units)),
    )
