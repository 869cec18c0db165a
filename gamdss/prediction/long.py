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

from gamdss.prediction.bumps import low_pass, without_head
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.other_motion import Samples, blinks, mostly_within, speech, turns
from gamdss.prediction.region_bumps import RegionBump, SpottingSettings, find_bumps
from gamdss.prediction.region_motion import RegionMotion, measure_regions


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
    return spot_motion(measure_regions(crops, fps, layout), settings or SpottingSettings())


def spot_motion(motion: RegionMotion, settings: SpottingSettings) -> LongSpotting:
    """Find the expressions in the measured motion of a face."""
    if len(motion.regions) < 0.5 * motion.rate:
        return LongSpotting((), ())
    pose = low_pass(motion.pose, motion.rate)
    signals = without_head(low_pass(motion.regions, motion.rate), pose, motion.rate)
    eyes = low_pass(motion.eyes, motion.rate)
    bumps = find_bumps(signals, pose, eyes, motion.rate, settings)
    spoken = speech(bumps, motion.rate, settings)
    found = [
        bump
        for bump in bumps
        if bump.peak.parts != ("mouth",) or not mostly_within(bump.extent, spoken)
    ]
    candidates = [_candidate(bump, motion, settings) for bump in found]
    others = [
        *_others("blink", blinks(eyes, motion.rate, settings), motion),
        *_others("head", turns(pose, motion.rate, settings), motion),
        *_others("speech", spoken, motion),
    ]
    return LongSpotting(
        tuple(sorted(candidates, key=lambda c: c.onset)),
        tuple(sorted(others, key=lambda o: (o.onset, o.kind))),
    )


def _candidate(bump: RegionBump, motion: RegionMotion, settings: SpottingSettings) -> Candidate:
    where = bump.extent
    onset, apex, offset = (motion.frame(at) for at in (where.start, where.top, where.end))
    kind = "micro" if (where.end - where.start) / motion.rate <= settings.micro else "macro"
    return Candidate(kind, onset, apex, offset, round(bump.peak.score, 3), bump.peak.parts)


def _others(kind: str, found: list[Samples], motion: RegionMotion) -> list[OtherMotion]:
    return [OtherMotion(kind, motion.frame(start), motion.frame(end)) for start, end in found]
