"""Everything that is measured of an annotation, in one value that tables and figures read.

Signs are the annotation's: above 0 the key frame was labelled late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gamdss.metrics.bootstrap import DRAWS, enough
from gamdss.records import KEYS
from gamdss.studies.bias.groups import SUBJECT, Grouping, standard_groupings
from gamdss.studies.bias.pooling import (
    UNKNOWN,
    Interval,
    Pooled,
    annotation_errors,
    interval,
    pool,
    resampled,
)
from gamdss.studies.bias.shifts import UNITS, Shifts
from gamdss.studies.bias.significance import (
    Difference,
    OffsetTest,
    compare_groups,
    offsets_against,
)

_NORMAL = 1.4826  # a normal distribution's standard deviation over its median absolute deviation


@dataclass(frozen=True)
class RawShift:
    """Annotated minus reselected as in `keyframes.csv`, without any model.

    `mean_all` counts kept key frames as 0; the others leave them out. `deviation` is the standard
    deviation, `mad` the median absolute deviation times 1.4826; NaN of too few clips.
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
    """One key frame of one group: the number of clips, those kept, and the values by unit.

    `pooled` is the estimate of the annotation's bias and spread (see `pooling`); `true` the mean
    and standard deviation of the annotator's errors in synthetic clips, whose true key frames are
    known.
    """

    grouping: str
    group: str
    key: str
    clips: int
    kept: int
    pooled: Mapping[str, Pooled]
    raw: Mapping[str, RawShift]
    true: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `bias.json`."""
        about = ("grouping", "group", "key", "clips", "kept")
        estimated = ("clips", "subjects", "mean", "mean_interval", "spread", "spread_interval")
        return {
            **{name: getattr(self, name) for name in about},
            "estimate": {u: {n: getattr(self.pooled[u], n) for n in estimated} for u in UNITS},
            "as_moved": {unit: asdict(self.raw[unit]) for unit in UNITS},
            "true": {u: {"mean": m, "spread": s} for u, (m, s) in self.true.items()},
        }


@dataclass(frozen=True, eq=False)
class BiasStudy:
    """Shifts, the ways they were grouped, and the results.

    `title` names the data; `synthetic`: whether true key frames are known; `notes` are warnings
    for the reader.
    """

    title: str
    shifts: Shifts
    groupings: tuple[Grouping, ...]
    biases: tuple[Bias, ...]
    offsets: tuple[OffsetTest, ...]
    differences: tuple[Difference, ...]
    synthetic: bool = False
    notes: tuple[str, ...] = ()

    @property
    def custom(self) -> tuple[Grouping, ...]:
        """Groupings beside dataset, emotion and subject."""
        return self.groupings[3:]

    def of(self, grouping: str) -> list[Bias]:
        """The biases of one grouping."""
        return [bias for bias in self.biases if bias.grouping == grouping]

    def find(self, grouping: str, group: str, key: str) -> Bias | None:
        """The bias of a key frame in a group; None if the group has no such label."""
        wanted = grouping, group, key
        return next((b for b in self.biases if (b.grouping, b.group, b.key) == wanted), None)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `bias.json`; unknown values are None."""
        values = {
            "title": self.title,
            "clips": len(self.shifts),
            "subjects": len(set(self.shifts.people)),
            "sign": "annotated minus estimated true frame: above 0 is labelled late",
            "notes": list(self.notes),
            "groups": [bias.as_dict() for bias in self.biases],
            "offsets": [{**asdict(test), "verdict": test.verdict} for test in self.offsets],
            "differences": [{**asdict(d), "differs": d.differs} for d in self.differences],
        }
        known: dict[str, Any] = _without_nan(values)
        return known


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value


def study_shifts(
    title: str,
    shifts: Shifts,
    custom: Sequence[Grouping] = (),
    truth: np.ndarray | None = None,
    notes: Sequence[str] = (),
    draws: int = DRAWS,
) -> BiasStudy:
    """Measure everything.

    Args:
        title: names the data.
        shifts: the clips.
        custom: groupings beside dataset, emotion and subject.
        truth: true frame numbers (N, 3) of synthetic clips, NaN where unknown.
        notes: warnings for the reader.
        draws: of the bootstrap.
    """
    groupings = (*standard_groupings(shifts), *custom)
    compared = [grouping for grouping in groupings if grouping.compared]
    return BiasStudy(
        title=title,
        shifts=shifts,
        groupings=groupings,
        biases=tuple(bias_of_groups(shifts, groupings, truth, draws)),
        offsets=tuple(offsets_against(shifts, draws)),
        differences=tuple(compare_groups(shifts, compared, draws)),
        synthetic=truth is not None,
        notes=tuple(notes),
    )


def bias_of_groups(
    shifts: Shifts,
    groupings: Sequence[Grouping],
    truth: np.ndarray | None = None,
    draws: int = DRAWS,
) -> list[Bias]:
    """Every key frame of every group that has at least one labelled clip.

    Args:
        shifts: the clips.
        groupings: ways to divide them.
        truth: true frame numbers (N, 3) of synthetic clips, NaN where unknown.
        draws: of the bootstrap.
    """
    value, variance = annotation_errors(shifts)
    missed = None if truth is None else shifts.annotated - truth
    found = []
    for grouping in groupings:
        for group in grouping.groups:
            inside = grouping.labels == group
            for k, key in enumerate(KEYS):
                chosen = inside & shifts.labelled[:, k]
                if chosen.any():
                    errors = value[chosen, k], variance[chosen, k]
                    real = None if missed is None else missed[chosen, k]
                    about = grouping.name, group, key
                    found.append(_bias(about, shifts.at(chosen), k, errors, real, draws))
    return found


def _bias(
    about: tuple[str, str, str],
    here: Shifts,
    k: int,
    errors: tuple[np.ndarray, np.ndarray],
    missed: np.ndarray | None,
    draws: int,
) -> Bias:
    """Key frame `k` of a group's clips, in every unit."""
    people, kept, moved = here.people, here.kept[:, k], -here.frames[:, k]
    alone = about[0] == SUBJECT
    pooled, raw, true = {}, {}, {}
    for unit in UNITS:
        scale = here.scale(unit)[:, k]
        pooled[unit] = pool(errors[0] * scale, errors[1] * scale**2, people, draws, alone)
        raw[unit] = raw_shift(moved * scale, kept, people, draws, alone)
        if missed is not None:
            real = (missed * scale)[np.isfinite(missed * scale)]
            if len(real):
                spread = float(real.std()) if enough(len(real)) else np.nan
                true[unit] = float(real.mean()), spread
    return Bias(*about, len(here), int(kept.sum()), pooled, raw, true)


def raw_shift(
    moved: np.ndarray,
    kept: np.ndarray,
    people: np.ndarray,
    draws: int = DRAWS,
    alone: bool = False,
) -> RawShift:
    """Mean and spread of annotated minus reselected, uncorrected.

    Args:
        moved: (n,) in any unit; NaN is left out.
        kept: (n,) where the motion did not locate the key frame.
        people: (n,) the subject of each.
        draws: of the bootstrap.
        alone: whether the intervals are for one subject, whose clips are drawn.
    """
    known = np.isfinite(moved)
    moved, kept, people = moved[known], kept[known], people[known]
    every = _summary(moved, people, draws, alone)
    located = _summary(moved[~kept], people[~kept], draws, alone)
    return RawShift(*every[:2], *located)


def _summary(
    values: np.ndarray, people: np.ndarray, draws: int, alone: bool
) -> tuple[float, Interval, float, Interval, float, Interval]:
    """Mean, standard deviation and median absolute deviation, each with its interval."""
    nan = float("nan")
    if len(values) == 0:
        return nan, UNKNOWN, nan, UNKNOWN, nan, UNKNOWN
    counts, units = resampled(people, draws, alone)  # (2, B, n)
    total = counts.sum(2)
    means = counts @ values / total
    squares = np.maximum(counts @ values**2 / total - means**2, 0) * total
    deviations = np.sqrt(squares / np.maximum(total - 1, 1))
    # The median is not resampled: it would change little, and take a sort for every draw.
    away = np.abs(values - np.median(values)) * _NORMAL
    order = np.argsort(away)
    reached = np.cumsum(counts[..., order], axis=2) >= total[..., None] / 2
    medians = away[order][reached.argmax(2)]
    mean, known = float(values.mean()), enough(len(values))
    mad = float(np.median(away)) if known else nan
    deviation = float(values.std(ddof=1)) if known else nan
    return (
        *(mean, interval(mean, means, units)),
        *(deviation, interval(deviation, deviations, units)),
        *(mad, interval(mad, medians, units)),
    )
