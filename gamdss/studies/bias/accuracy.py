"""How far annotated and reselected key frames are from the true ones of synthetic clips."""

from __future__ import annotations

import numpy as np

from gamdss.records import KEYS
from gamdss.studies.bias.shifts import Shifts

_FAR = 30  # percent of the phase


def accuracy(shifts: Shifts, truth: np.ndarray) -> list[str]:
    """Sentences: errors before and after, how often intervals contain the truth, the tail.

    Args:
        shifts: N clips.
        truth: true frame numbers (N, 3), NaN where unknown.
    """
    known = np.isfinite(truth).all(axis=1)
    shifts, truth = shifts.at(known), truth[known]
    rise, fall = np.diff(truth, axis=1).T
    phases = np.stack([rise, rise, fall], axis=1) / 100
    before, after = (
        np.abs(numbers - truth) / phases for numbers in (shifts.annotated, shifts.reselected)
    )
    inside = (shifts.low <= truth) & (truth <= shifts.high)
    lines = []
    for k, key in enumerate(KEYS):
        stated = np.isfinite(shifts.low[:, k])
        share = ""
        if stated.any():
            share = f", 80% intervals contain it in {inside[stated, k].mean():.0%}"
        lines.append(
            f"true {key}: the annotation's mean error is {_errors(before[:, k])} of the phase, "
            f"that of reselection {_errors(after[:, k])}{share}"
        )
    far = [int((errors > _FAR).any(axis=1).sum()) for errors in (before, after)]
    lines.append(
        f"a key frame is off by more than {_FAR}% of the phase in {far[0]} of {len(truth)} clips "
        f"as annotated, in {far[1]} as reselected"
    )
    return lines


def _errors(values: np.ndarray) -> str:
    return f"{values.mean():.1f}% (median {np.median(values):.1f}%)"
