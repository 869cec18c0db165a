"""Candidate micro- and macro-expressions in a long recording, without training.

After the optical-flow methods without training (He 2021 and its descendants): motion of brows,
cheeks, nose and mouth relative to the head, low-passed; bumps on several time scales; ends where
a bump has fallen to a fifth. All times are seconds and all lengths distances between the eyes, so
that the same numbers serve any frame rate and size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from gamdss.prediction.bumps import (
    SCALES,
    Extent,
    contrast,
    extent,
    low_pass,
    peaks,
    usual_contrasts,
    without_head,
)
from gamdss.prediction.face_motion import FaceMotion, measure_motion
from gamdss.prediction.face_regions import REGIONS, FaceLayout, part_of

_PARTS = np.array([part_of(name) for name in REGIONS])
_NEAR_EYES = np.array([any(word in name for word in ("brow", "cheek")) for name in REGIONS])
_BLINK_SCALE = 0.2  # seconds
_LONGEST_BLINK = 0.5
_SYLLABLE = 0.5  # seconds between syllables at most
_BOTH_SIDES = 0.6  # share of the contrast that a bump rises over both of its feet
_SHORT_FIRST = -0.2
_LIKE = 0.4  # share of the height that a syllable has at least


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
        longest: seconds that an expression lasts at most.
        blink: contrast of the eyes' brightness in a blink.
        turn: contrast of the head's pose that is reported as a movement.
        syllables: bumps of the mouth in a row that are speech.
    """

    least: float = 0.004
    noise: float = 8.0
    head: float = 0.08
    eyes: float = 0.006
    micro: float = 0.5
    longest: float = 5.0
    blink: float = 0.4
    turn: float = 0.05
    syllables: int = 3


@dataclass(frozen=True)
class Candidate:
    """An expression that was found; frames count from 0, `offset` is its last one.

    `type` is micro or macro; `score` is the contrast in multiples of what is needed, above 1;
    `parts` of the face that moved, the strongest first.
    """

    type: str
    onset: int
    apex: int
    offset: int
    score: float
    parts: tuple[str, ...]


@dataclass(frozen=True)
class OtherMotion:
    """A motion that is no expression: `kind` is blink, head or speech; frames count from 0."""

    kind: str
    onset: int
    offset: int


@dataclass(frozen=True)
class LongSpotting:
    """What was found in a recording, in order of time; both may be empty."""

    candidates: tuple[Candidate, ...]
    others: tuple[OtherMotion, ...]


@dataclass(frozen=True, eq=False)
class _Peak:
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
class _Bump:
    """A peak and its extent in the projected signal (T,)."""

    peak: _Peak
    extent: Extent
    signal: np.ndarray


def spot_long(
    crops: Iterable[np.ndarray],
    fps: float,
    layout: FaceLayout | None = None,
    settings: SpottingSettings | None = None,
) -> LongSpotting:
    """Find the expressions in a stream of face crops.

    Args:
        crops: uint8 BGR (H, W, 3) of one size, stabilised; read once, in bounded memory.
        fps: frames a second, 15 or more.
        layout: where the face lies in the crops; as `gamdss align` crops by default.
        settings: when a motion counts.

    Raises:
        ConfigError: the frame rate is below 15.
        FrameError: crops differ in size, or the face is too small.
    """
    return spot_motion(measure_motion(crops, fps, layout), settings or SpottingSettings())


def spot_motion(motion: FaceMotion, settings: SpottingSettings) -> LongSpotting:
    """Find the expressions in the measured motion of a face."""
    if len(motion.regions) < 0.5 * motion.rate:
        return LongSpotting((), ())
    pose = low_pass(motion.pose, motion.rate)
    signals = without_head(low_pass(motion.regions, motion.rate), pose, motion.rate)
    eyes = low_pass(motion.eyes, motion.rate)
    bumps = _bumps(signals, pose, eyes, motion.rate, settings)
    speech = _speech(bumps, motion.rate, settings)
    found = [
        bump
        for bump in bumps
        if bump.peak.parts != ("mouth",) or not _mostly_within(bump.extent, speech)
    ]
    candidates = [_candidate(bump, motion, settings) for bump in found]
    others = [
        *_others("blink", _blinks(eyes, motion.rate, settings), motion),
        *_others("head", _turns(pose, motion.rate, settings), motion),
        *_others("speech", speech, motion),
    ]
    return LongSpotting(
        tuple(sorted(candidates, key=lambda c: c.onset)),
        tuple(sorted(others, key=lambda o: (o.onset, o.kind))),
    )


def _bumps(
    signals: np.ndarray,
    pose: np.ndarray,
    eyes: np.ndarray,
    rate: float,
    settings: SpottingSettings,
) -> list[_Bump]:
    """Bumps above the threshold that do not overlap, the strongest first."""
    found = [
        peak
        for scale, usual in zip(SCALES, usual_contrasts(signals, rate), strict=True)
        for peak in _peaks(signals, pose, eyes, rate, scale, usual, settings)
    ]
    kept: list[_Bump] = []
    for peak in sorted(found, key=_weight):
        if any(bump.extent.start <= peak.at <= bump.extent.end for bump in kept):
            continue
        signal = np.einsum("trc,rc->t", signals, peak.direction)
        reach = round(min(2 * peak.scale + 0.2, settings.longest) * rate)
        where = extent(signal, peak.at, reach)
        # Before and after a bump, and at a step, the contrast is half of its height.
        rises_and_falls = where.height >= _BOTH_SIDES * peak.height
        if rises_and_falls and not any(where.overlaps(bump.extent) for bump in kept):
            kept.append(_Bump(peak, where, signal))
    return kept


def _peaks(
    signals: np.ndarray,
    pose: np.ndarray,
    eyes: np.ndarray,
    rate: float,
    scale: float,
    usual: np.ndarray,
    settings: SpottingSettings,
) -> list[_Peak]:
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
        found.append(_Peak(at, scale, best, _parts(ratios[at]), direction, height))
    return found


def _weight(peak: _Peak) -> float:
    """Order of peaks, the best first: a bump is as high on all scales that are longer than it."""
    return -peak.score * peak.scale**_SHORT_FIRST


def _parts(ratio: np.ndarray) -> tuple[str, ...]:
    """Parts of the face above the threshold, the strongest first."""
    best = {part: float(ratio[part == _PARTS].max()) for part in ("brows", "nose", "mouth")}
    order = sorted(best, key=lambda part: -best[part])
    return tuple(part for part in order if best[part] >= 1) or (order[0],)


def _speech(
    bumps: list[_Bump], rate: float, settings: SpottingSettings
) -> list[tuple[float, float]]:
    """Start and end of stretches in which the mouth moves syllable by syllable."""
    runs = [
        (min(bump.extent.start, tops[0]), max(bump.extent.end, tops[-1]))
        for bump in bumps
        if bump.peak.parts[0] == "mouth"
        and len(tops := _syllables(bump, rate)) >= settings.syllables
    ]
    joined: list[tuple[float, float]] = []
    for start, end in sorted(runs):
        if joined and start - joined[-1][1] <= _SYLLABLE * rate:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _mostly_within(where: Extent, stretches: list[tuple[float, float]]) -> bool:
    """Whether more than half of a bump lies in one of the stretches."""
    half = (where.end - where.start) / 2
    return any(min(where.end, b) - max(where.start, a) > half for a, b in stretches)


def _syllables(bump: _Bump, rate: float) -> np.ndarray:
    """Tops of like height around this one, in samples, with no long wait between them."""
    low = max(0, round(bump.extent.start - 1.5 * rate))
    part = bump.signal[low : round(bump.extent.end + 1.5 * rate) + 1]
    height = max(float(bump.signal[bump.extent.top] - np.median(part)), 1e-12)
    tops = find_peaks(part, prominence=_LIKE * height)[0] + low
    runs = np.split(tops, np.flatnonzero(np.diff(tops) > _SYLLABLE * rate) + 1)
    near = [run for run in runs if len(run) and run[0] <= bump.extent.end]
    near = [run for run in near if run[-1] >= bump.extent.start]
    return max(near, key=len, default=np.array([bump.extent.top]))


def _candidate(bump: _Bump, motion: FaceMotion, settings: SpottingSettings) -> Candidate:
    onset, apex, offset = (
        motion.frame(at) for at in (bump.extent.start, bump.extent.top, bump.extent.end)
    )
    kind = (
        "micro"
        if (bump.extent.end - bump.extent.start) / motion.rate <= settings.micro
        else "macro"
    )
    return Candidate(kind, onset, apex, offset, round(bump.peak.score, 3), bump.peak.parts)


def _blinks(eyes: np.ndarray, rate: float, settings: SpottingSettings) -> list[tuple[float, float]]:
    """Start and end of blinks: short changes of the eyes' brightness, there and back."""
    found: list[Extent] = []
    contrasts = contrast(eyes, rate, _BLINK_SCALE)
    for at in peaks(np.linalg.norm(contrasts, axis=1) / settings.blink).tolist():
        where = extent(eyes @ contrasts[at], at, round(0.4 * rate))
        short = (where.end - where.start) / rate <= _LONGEST_BLINK
        if short and not any(where.overlaps(other) for other in found):
            found.append(where)
    return [(where.start, where.end) for where in found]


def _turns(pose: np.ndarray, rate: float, settings: SpottingSettings) -> list[tuple[float, float]]:
    """Start and end of movements of the head."""
    fast = np.max([np.abs(contrast(pose, rate, scale)).max(axis=1) for scale in SCALES], axis=0)
    return _runs(fast >= settings.turn)


def _runs(inside: np.ndarray) -> list[tuple[float, float]]:
    """First and last sample of each run of true values (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]])))
    return [(float(a), float(b - 1)) for a, b in edges.reshape(-1, 2)]


def _others(kind: str, found: list[tuple[float, float]], motion: FaceMotion) -> list[OtherMotion]:
    return [OtherMotion(kind, motion.frame(start), motion.frame(end)) for start, end in found]
