"""Motion that is no expression: speech, blinks and movements of the head; all in samples."""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from gamdss.prediction.bumps import SCALES, Extent, contrast, extent, peaks
from gamdss.prediction.region_bumps import MARGIN, RegionBump, SpottingSettings

_BLINK_SCALE = 0.2  # seconds
_SLOWEST_TURN = 1.3  # seconds: slower movements are a change of posture
_LONGEST_BLINK = 0.5
_SYLLABLE = 0.5  # seconds between syllables at most
_LIKE = 0.4  # share of the height that a syllable has at least
Samples = tuple[float, float]  # the first and the last one


def speech(bumps: list[RegionBump], rate: float, settings: SpottingSettings) -> list[Samples]:
    """Start and end of stretches in which the mouth moves syllable by syllable."""
    runs = [
        (min(bump.extent.start, tops[0]), max(bump.extent.end, tops[-1]))
        for bump in bumps
        if bump.peak.parts[0] == "mouth"
        and len(tops := _syllables(bump, rate)) >= settings.syllables
    ]
    joined: list[Samples] = []
    for start, end in sorted(runs):
        if joined and start - joined[-1][1] <= _SYLLABLE * rate:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def mostly_within(where: Extent, stretches: list[Samples]) -> bool:
    """Whether more than half of a bump lies in one of the stretches."""
    half = (where.end - where.start) / 2
    return any(min(where.end, b) - max(where.start, a) > half for a, b in stretches)


def _syllables(bump: RegionBump, rate: float) -> np.ndarray:
    """Tops of like height around this one, in samples, with no long wait between them."""
    low = max(bump.first, round(bump.extent.start - MARGIN * rate))
    high = round(bump.extent.end + MARGIN * rate) + 1
    part = bump.signal[low - bump.first : high - bump.first]
    over_usual = float(bump.signal[bump.extent.top - bump.first] - np.median(part))
    height = max(over_usual, bump.extent.height)  # a held smile is the usual state of its part
    tops = find_peaks(part, prominence=_LIKE * height)[0] + low
    runs = np.split(tops, np.flatnonzero(np.diff(tops) > _SYLLABLE * rate) + 1)
    near = [run for run in runs if len(run) and run[0] <= bump.extent.end]
    near = [run for run in near if run[-1] >= bump.extent.start]
    return max(near, key=len, default=np.array([bump.extent.top]))


def blinks(eyes: np.ndarray, rate: float, settings: SpottingSettings) -> list[Samples]:
    """Start and end of blinks: short changes of the eyes' brightness, there and back."""
    found: list[Extent] = []
    contrasts = contrast(eyes, rate, _BLINK_SCALE)
    for at in peaks(np.linalg.norm(contrasts, axis=1) / settings.blink).tolist():
        first = max(0, at - round(MARGIN * rate))
        signal = eyes[first : at + round(MARGIN * rate) + 1] @ contrasts[at]
        inside = extent(signal, at - first, round(0.4 * rate))
        where = Extent(inside.start + first, inside.top + first, inside.end + first, inside.height)
        short = (where.end - where.start) / rate <= _LONGEST_BLINK
        # Open eyes between two blinks are a bump as well, but the usual state.
        usual = float(np.median(signal))
        closed = signal[at - first] - usual > 0.5 * float(contrasts[at] @ contrasts[at])
        if short and closed and not any(where.overlaps(other) for other in found):
            found.append(where)
    return [(where.start, where.end) for where in found]


def turns(pose: np.ndarray, rate: float, settings: SpottingSettings) -> list[Samples]:
    """Start and end of movements of the head."""
    scales = [scale for scale in SCALES if scale <= _SLOWEST_TURN]
    fast = np.max([np.abs(contrast(pose, rate, scale)).max(axis=1) for scale in scales], axis=0)
    return _runs(fast >= settings.turn)


def _runs(inside: np.ndarray) -> list[Samples]:
    """First and last sample of each run of true values (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]])))
    return [(float(a), float(b - 1)) for a, b in edges.reshape(-1, 2)]
