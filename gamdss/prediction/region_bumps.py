"""Bumps in the motion of the regions of a face: when it counts, and from when to when.

A region must move more than its noise, than what the head's motion leaves in it, and than what a
blink drags along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.errors import ConfigError
from gamdss.prediction.bumps import SCALES, Extent, contrast, extent, peaks, usual_contrasts
from gamdss.prediction.face_regions import REGIONS, part_of

_PARTS = np.array([part_of(name) for name in REGIONS])
_NEAR_EYES = np.array([any(word in name for word in ("brow", "cheek")) for name in REGIONS])
_BOTH_SIDES = 0.6  # share of the contrast that a bump rises over both of its feet
_HIGHER = 1.5  # height of an expression in multiples of that of a change during it
_REST = 0.3  # share of its height in which a face at rest differs before, between and after
_SHORT_FIRST = -0.2  # exponent of the scale in the order of peaks
MARGIN = 1.5  # seconds of the projected signal that are kept on both sides of a bump


@dataclass(frozen=True)
class SpottingSettings:
    """When a motion counts as an expression.

    Args:
        least: contrast of a region's mean motion, in distances between the eyes.
        noise: the same in multiples of the region's usual contrast.
        head: share of the head's contrast that a rigid model may leave in a region.
        eyes: motion of brows and cheeks that comes with a blink, for each unit of the contrast
            of the eyes' brightness.
        micro: seconds that a micro-expression lasts at most.
        blink: contrast of the eyes' brightness in a blink.
        turn: contrast of the head's pose that is reported as a movement.
        syllables: bumps of the mouth in a row that are speech.
    """

    least: float = 0.004
    noise: float = 8.0
    head: float = 0.08
    eyes: float = 0.006
    micro: float = 0.5
    blink: float = 0.4
    turn: float = 0.05
    syllables: int = 3

    def __post_init__(self) -> None:
        for name in ("least", "noise", "micro", "blink", "turn", "syllables"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}", remedy="It must be above 0."
                )


@dataclass(frozen=True, eq=False)
class RegionPeak:
    """A maximum of the contrast on one scale.

    `score` is the contrast in multiples of what is needed; `direction` (R, 2) projects all regions
    onto the motion, and `height` is the contrast of the projection.
    """

    at: int
    scale: float
    score: float
    parts: tuple[str, ...]
    direction: np.ndarray
    height: float


@dataclass(frozen=True, eq=False)
class RegionBump:
    """A peak, its extent, and the projected signal around it, from sample `first` on."""

    peak: RegionPeak
    extent: Extent
    signal: np.ndarray
    first: int

    @property
    def distance(self) -> float:
        """Its height in distances between the eyes."""
        return self.extent.height / float(np.linalg.norm(self.peak.direction))


def find_bumps(
    signals: np.ndarray,
    pose: np.ndarray,
    eyes: np.ndarray,
    rate: float,
    settings: SpottingSettings,
) -> list[RegionBump]:
    """Bumps above the threshold that do not overlap, the strongest first.

    A change during a longer, higher bump, such as a dip of a held smile, is part of it.
    """
    found = [
        peak
        for scale, usual in zip(SCALES, usual_contrasts(signals, rate), strict=True)
        for peak in _peaks(signals, pose, eyes, rate, scale, usual, settings)
    ]
    kept: list[RegionBump] = []
    for peak in sorted(found, key=_weight):
        inside = [one for one in kept if one.extent.start <= peak.at <= one.extent.end]
        if any(one.peak.scale >= peak.scale for one in inside):
            continue
        bump = _extended(peak, signals, rate)
        where = bump.extent
        # Before and after a bump, and at a step, the contrast is half of its height.
        if where.height < _BOTH_SIDES * peak.height or _is_pause(bump):
            continue
        beside = [one for one in kept if where.overlaps(one.extent)]
        if all(_is_detail(one, bump) for one in beside):
            kept = [one for one in kept if one not in beside] + [bump]
    return kept


def _is_pause(bump: RegionBump) -> bool:
    """Whether a bump is the face at rest between two expressions.

    Its height is reached again before and after it, and most of the time.
    """
    first, last = (round(at) - bump.first for at in (bump.extent.start, bump.extent.end))
    top = float(bump.signal[bump.extent.top - bump.first])
    least = top - _REST * bump.extent.height
    sides = bump.signal[: max(first, 0)], bump.signal[last + 1 :]
    again = all(len(side) > 0 and float(side.max()) > least for side in sides)
    return again and float(np.median(np.concatenate(sides))) > top - bump.extent.height / 2


def _is_detail(one: RegionBump, bump: RegionBump) -> bool:
    """Whether a bump is a small change during another one, such as a dip of a held smile."""
    low, high = bump.extent.start, bump.extent.end
    within = low <= one.extent.start and one.extent.end <= high
    return within and bump.distance >= _HIGHER * one.distance


def _extended(peak: RegionPeak, signals: np.ndarray, rate: float) -> RegionBump:
    """The peak with its extent."""
    reach = round((2 * peak.scale + 0.2) * rate)
    beside = reach + reach // 4 + round(MARGIN * rate) + 1
    first = max(0, peak.at - beside)
    part = signals[first : peak.at + beside + 1]
    signal = np.einsum("trc,rc->t", part, peak.direction)
    where = extent(signal, peak.at - first, reach)
    moved = Extent(where.start + first, where.top + first, where.end + first, where.height)
    return RegionBump(peak, moved, signal, first)


def _peaks(
    signals: np.ndarray,
    pose: np.ndarray,
    eyes: np.ndarray,
    rate: float,
    scale: float,
    usual: np.ndarray,
    settings: SpottingSettings,
) -> list[RegionPeak]:
    """Maxima of the contrast on one scale that are above the threshold."""
    contrasts = contrast(signals, rate, scale)
    size = np.hypot(contrasts[..., 0], contrasts[..., 1])  # (T, R)
    still = np.maximum(settings.least, settings.noise * usual)
    head = np.abs(contrast(pose, rate, scale)).max(axis=1, keepdims=True)
    blink = np.linalg.norm(contrast(eyes, rate, scale), axis=1, keepdims=True) * _NEAR_EYES
    needed = still + settings.head * head + settings.eyes * blink
    ratios = size / needed
    found = []
    for at in peaks(ratios.max(axis=1)).tolist():
        direction = contrasts[at] * (ratios[at] > 0.5)[:, None] / usual[:, None] ** 2
        height = float((contrasts[at] * direction).sum())
        best = float(ratios[at].max())
        found.append(RegionPeak(at, scale, best, _parts(ratios[at]), direction, height))
    return found


def _weight(peak: RegionPeak) -> float:
    """Order of peaks, the best first: a bump is as high on all scales that are longer than it."""
    return -peak.score * peak.scale**_SHORT_FIRST


def _parts(ratio: np.ndarray) -> tuple[str, ...]:
    """Parts of the face above the threshold, the strongest first."""
    best = {part: float(ratio[part == _PARTS].max()) for part in ("brows", "nose", "mouth")}
    order = sorted(best, key=lambda part: -best[part])
    return tuple(part for part in order if best[part] >= 1) or (order[0],)
