"""All that is measured of an annotation, in one value that tables and figures read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gamdss.studies.bias.bias import Bias, bias_of_groups
from gamdss.studies.bias.differences import Difference, compare_groups
from gamdss.studies.bias.groups import Grouping, groupings
from gamdss.studies.bias.offsets import OffsetTest, offsets_against
from gamdss.studies.bias.pooling import DRAWS
from gamdss.studies.bias.shifts import UNITS, Shifts


@dataclass(frozen=True, eq=False)
class Study:
    """Shifts, how they were divided, and what follows.

    `title` names the data; `made` tells that true key frames are known; `notes` are what a reader
    should be warned of.
    """

    title: str
    shifts: Shifts
    divided: tuple[Grouping, ...]
    biases: tuple[Bias, ...]
    offsets: tuple[OffsetTest, ...]
    differences: tuple[Difference, ...]
    made: bool = False
    notes: tuple[str, ...] = ()

    def of(self, grouping: str) -> list[Bias]:
        """The biases of one grouping."""
        return [bias for bias in self.biases if bias.grouping == grouping]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for `bias.json`; what is unknown is None."""
        values = {
            "title": self.title,
            "clips": len(self.shifts),
            "subjects": len(set(self.shifts.people)),
            "sign": "annotated minus estimated true frame: above 0 is labelled late",
            "notes": list(self.notes),
            "groups": [_plain_bias(bias) for bias in self.biases],
            "offsets": [{**asdict(test), "verdict": test.verdict} for test in self.offsets],
            "differences": [asdict(difference) for difference in self.differences],
        }
        known: dict[str, Any] = _without_nan(values)
        return known


def study(
    title: str,
    shifts: Shifts,
    extra: Sequence[Grouping] = (),
    truth: np.ndarray | None = None,
    notes: Sequence[str] = (),
    draws: int = DRAWS,
) -> Study:
    """Measure everything.

    Args:
        title: names the data.
        shifts: the clips.
        extra: groupings beside dataset, emotion and subject.
        truth: true frame numbers (N, 3) of made clips.
        notes: warnings for the reader.
        draws: of the bootstrap.
    """
    divided = (*groupings(shifts), *extra)
    compared = [
        difference
        for grouping in divided
        if grouping.between
        for difference in compare_groups(shifts, grouping, draws)
    ]
    return Study(
        title=title,
        shifts=shifts,
        divided=divided,
        biases=tuple(bias_of_groups(shifts, divided, truth, draws)),
        offsets=tuple(offsets_against(shifts, draws)),
        differences=tuple(compared),
        made=truth is not None,
        notes=tuple(notes),
    )


def _plain_bias(bias: Bias) -> dict[str, Any]:
    about = ("grouping", "group", "key", "clips", "kept")
    estimated = ("clips", "subjects", "mean", "mean_interval", "spread", "spread_interval")
    return {
        **{name: getattr(bias, name) for name in about},
        "estimate": {u: {n: getattr(bias.pooled[u], n) for n in estimated} for u in UNITS},
        "as_moved": {unit: asdict(bias.plain[unit]) for unit in UNITS},
        "true": {u: {"mean": m, "spread": s} for u, (m, s) in bias.true.items()},
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
