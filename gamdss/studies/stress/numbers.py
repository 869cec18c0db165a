"""Numbers of a stress test: errors of a cell with intervals, and whether `motion` fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamdss.records import KEYS
from gamdss.studies.stress.cells import StressSizes, measure_cells
from gamdss.studies.stress.clip import STATING, WAYS, ClipResult

_RESAMPLES = 4000
_LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over clips with the ends of its 95% bootstrap interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class CellNumbers:
    """Results of one cell, by key frame.

    `errors` by way and key frame: mean absolute error in percent, of the true rising phase for
    onset and apex, of the falling one for the offset. `medians` of the same errors. `gain`: error
    of `motion` minus that of the annotation, clip by clip; below 0 is better. `coverage` by way of
    `STATING` and key frame: share of the stated intervals that contain the true frame, None where
    none is stated. `seconds`: of `motion` for a clip.
    """

    clips: int
    errors: dict[str, dict[str, Estimate]]
    medians: dict[str, dict[str, float]]
    gain: dict[str, Estimate]
    coverage: dict[str, dict[str, float | None]]
    seconds: float

    def fails(self, key: str) -> bool:
        """Whether `motion` is worse than the annotation by more than the interval."""
        return self.gain[key].low > 0


def stress_numbers(
    factors: Sequence[str], sizes: StressSizes, output: Path
) -> dict[str, CellNumbers]:
    """Numbers by name of the cell; measures the cells that are not in `output` yet.

    Raises:
        RunError: as `measure_cells`.
    """
    measured = measure_cells(factors, sizes, output)
    return {name: cell_numbers(clips) for name, clips in measured.items()}


def cell_numbers(clips: Sequence[ClipResult]) -> CellNumbers:
    """Numbers of a cell from its clips."""
    errors = {way: clip_errors(clips, way) for way in WAYS}
    # The same resamples for all ways: they are compared on the same clips.
    picks = np.random.default_rng(0).integers(0, len(clips), (_RESAMPLES, len(clips)))
    return CellNumbers(
        clips=len(clips),
        errors={way: _estimates(values, picks) for way, values in errors.items()},
        medians={
            way: dict(zip(KEYS, np.median(values, axis=0).tolist(), strict=True))
            for way, values in errors.items()
        },
        gain=_estimates(errors["motion"] - errors["annotation"], picks),
        coverage={way: _coverage(clips, way) for way in STATING},
        seconds=float(np.mean([clip.seconds for clip in clips])),
    )


def clip_errors(clips: Sequence[ClipResult], way: str) -> np.ndarray:
    """Absolute errors (N, 3) in percent of the phase: rising, rising, falling."""
    true = np.array([clip.true for clip in clips], float)
    found = np.array([clip.found[way] for clip in clips], float)
    rise, fall = true[:, 1] - true[:, 0], true[:, 2] - true[:, 1]
    return np.asarray(100 * np.abs(found - true) / np.stack([rise, rise, fall], axis=1))


def _coverage(clips: Sequence[ClipResult], way: str) -> dict[str, float | None]:
    stated = [clip for clip in clips if clip.intervals[way]]
    if not stated:
        return dict.fromkeys(KEYS)
    ends = np.array([clip.intervals[way] for clip in stated])  # (N, 3, 2)
    true = np.array([clip.true for clip in stated])
    inside = (ends[..., 0] <= true) & (true <= ends[..., 1])
    return dict(zip(KEYS, inside.mean(axis=0).tolist(), strict=True))


def _estimates(values: np.ndarray, picks: np.ndarray) -> dict[str, Estimate]:
    """Mean and percentile interval of each column of (N, 3)."""
    means = values[picks].mean(axis=1)  # (R, 3)
    low, high = np.quantile(means, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2), axis=0)
    middle = values.mean(axis=0)
    return {
        key: Estimate(float(middle[i]), float(low[i]), float(high[i])) for i, key in enumerate(KEYS)
    }
