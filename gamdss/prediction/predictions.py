"""What is found in a recording: typed, and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gamdss.prediction.ensemble import ClassChances
from gamdss.prediction.long import OtherMotion
from gamdss.prediction.stretches import Stretch, Tracking
from gamdss.records import KeyFrames
from gamdss.reselection.motion.fit import MotionFit

UNRELIABLE = "unreliable fit"


@dataclass(frozen=True, eq=False)
class Prediction:
    """An expression in a recording.

    Args:
        recording: name of the recording.
        stretch: number of the stretch, from 1.
        type: `micro` or `macro`, by its duration.
        score: contrast in multiples of what spotting needs.
        parts: of the face that moved, the strongest first.
        keys: key frames, as frame numbers of the recording, with intervals if they were fitted.
        seconds: times of onset, apex and offset since the recording's first frame.
        intervals: the same of the ends of their intervals; empty without.
        apex_phase: the same of the first and last frame at nearly full strength; None if the
            expression is not held.
        quality: share of the level's variance that the fitted course explains, 0 to 1.
        face_share: least part of the face inside the picture and the crop.
        chances: the classes' probabilities.
        label: the most probable class, or `not sure`.
        flags: what to keep in mind.
        fit: the measured level and fitted course; None if nothing could be fitted.
        faces: crops (3, H, W, 3) uint8 RGB of the key frames.
    """

    recording: str
    stretch: int
    type: str
    score: float
    parts: tuple[str, ...]
    keys: KeyFrames
    seconds: tuple[float, ...]
    intervals: tuple[tuple[float, ...], ...]
    apex_phase: tuple[float, ...] | None
    quality: float
    face_share: float
    chances: ClassChances
    label: str
    flags: tuple[str, ...]
    fit: MotionFit | None
    faces: np.ndarray

    @property
    def reliable(self) -> bool:
        """Whether the fit is good enough for its key frames to mean something."""
        return UNRELIABLE not in self.flags

    def without_pictures(self) -> Prediction:
        """The same without the fit and the faces, which take a megabyte."""
        return replace(self, fit=None, faces=self.faces[:0].copy())

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without pictures and the curve."""
        names, chances = self.chances.classes, self.chances
        return {
            "stretch": self.stretch,
            "type": self.type,
            "score": self.score,
            "parts": list(self.parts),
            "frames": list(self.keys.numbers),
            "frame_intervals": [list(pair) for pair in self.keys.intervals],
            "seconds": list(self.seconds),
            "second_intervals": [list(pair) for pair in self.intervals],
            "apex_phase": self.keys.apex_phase and list(self.keys.apex_phase),
            "apex_phase_seconds": self.apex_phase and list(self.apex_phase),
            "quality": round(self.quality, 4),
            "reliable": self.reliable,
            "face_share": round(self.face_share, 4),
            "label": self.label,
            "probabilities": _named(names, chances.chances),
            "spread": _named(names, chances.spread),
            "fold_spread": _named(names, chances.fold_spread),
            "draw_spread": _named(names, chances.draw_spread),
            "flags": list(self.flags),
        }


@dataclass(frozen=True, eq=False)
class RecordingPredictions:
    """What was found in a recording.

    `others` are blinks, movements of the head and speech, with the number of their stretch;
    their frames are numbers of the recording, like those of the predictions.
    """

    tracking: Tracking
    predictions: tuple[Prediction, ...]
    others: tuple[tuple[int, OtherMotion], ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        tracking = self.tracking
        return {
            "name": tracking.recording.name,
            "fps": round(tracking.fps, 4),
            "size": list(tracking.size),
            "frames": tracking.frames,
            "duration": round(tracking.seconds, 4),
            "shots": tracking.shots,
            "stretches": [_stretch(stretch) for stretch in tracking.stretches],
            "predictions": [prediction.as_dict() for prediction in self.predictions],
            "others": [
                _other(place, other, tracking.stretches[place - 1]) for place, other in self.others
            ],
            "warnings": list(self.warnings),
            "problem": "",
        }


def times_of(stretch: Stretch, numbers: Sequence[int]) -> tuple[float, ...]:
    """Times of frame numbers of a stretch, in seconds since the recording's first frame."""
    places = np.searchsorted(stretch.numbers, numbers)
    return tuple(round(float(stretch.seconds[min(p, len(stretch) - 1)]), 4) for p in places)


def _other(place: int, other: OtherMotion, stretch: Stretch) -> dict[str, Any]:
    frames = (other.onset, other.offset)
    return {
        "stretch": place,
        "kind": other.kind,
        "frames": list(frames),
        "seconds": list(times_of(stretch, frames)),
    }


def _named(classes: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(classes, values, strict=True)}


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "shot": stretch.shot,
        "frames": [stretch.first, stretch.last],
        "seconds": [round(float(stretch.seconds[i]), 4) for i in (0, -1)],
        "stabilised": stretch.stabilised,
        "moved": round(stretch.moved, 4),
        "face_share": round(float(stretch.share.min()), 4),
        "face_pixels": round(stretch.pose.size, 1),
        "others": stretch.others,
        "relaxed": stretch.relaxed,
        "ended": stretch.ended,
    }
