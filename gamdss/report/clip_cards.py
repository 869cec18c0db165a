"""Cards of clips on the page: probabilities, key frames, motion, and evidence if computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gamdss.metrics.calibration import ClipPrediction
from gamdss.records import KEYS, KeyFrames
from gamdss.report.colours import change, coloured, evidence, limit, smoothed
from gamdss.report.page import Bar, Card, Picture, embedded

MOVES = {"rising": ("apex − onset", 0), "falling": ("apex − offset", 2)}


@dataclass(frozen=True, eq=False)
class ClipPictures:
    """Faces (3, S, S, 3) uint8 of the key frames that the network saw, with their numbers.

    `maps` has attribution maps (S, S) by phase, `changes` the change of the predicted class's
    logit by that phase; both are empty without attribution.
    """

    faces: np.ndarray
    keys: KeyFrames
    annotated: KeyFrames
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)
    changes: Mapping[str, float] = field(default_factory=dict)


def card(verdict: ClipPrediction, classes: Sequence[str], clip: ClipPictures | None) -> Card:
    """The card of a clip; without pictures if `clip` is None."""
    order = np.argsort(-verdict.chances, kind="stable")
    bars = [
        Bar(
            name=classes[i],
            percent=round(100 * float(verdict.chances[i]), 2),
            text=f"{verdict.chances[i]:.0%}",
            true=bool(i == verdict.label),
        )
        for i in order
    ]
    return Card(
        name=f"{verdict.clip}",
        true=classes[verdict.label],
        predicted=classes[verdict.predicted],
        right=verdict.right,
        bars=bars,
        pictures=[] if clip is None else _pictures(verdict, classes, clip),
    )


def _pictures(verdict: ClipPrediction, classes: Sequence[str], clip: ClipPictures) -> list[Picture]:
    faces = [_face(clip, i, verdict.clip) for i in range(3)]
    moves = {name: change(clip.faces[still], clip.faces[1]) for name, (_, still) in MOVES.items()}
    strongest = limit(np.stack(list(moves.values())))
    changes = [
        _picture(
            coloured(values, strongest),
            f"{verdict.clip}: change of brightness in the {name} phase",
            f"{name} phase",
            MOVES[name][0],
        )
        for name, values in moves.items()
    ]
    return [*faces, *changes, *_evidence(verdict, classes, clip)]


def _face(clip: ClipPictures, which: int, name: str) -> Picture:
    number = clip.keys.numbers[which]
    moved = number - clip.annotated.numbers[which]
    text = f"frame {number}" + (f", moved {moved:+d}" if moved else "")
    text += "" if clip.keys.reliable else ", unreliable fit"
    return _picture(clip.faces[which], f"{name}: face at the {KEYS[which]}", KEYS[which], text)


def _evidence(verdict: ClipPrediction, classes: Sequence[str], clip: ClipPictures) -> list[Picture]:
    if not clip.maps:
        return []
    shown = {name: smoothed(values) for name, values in clip.maps.items()}
    strongest = limit(np.stack(list(shown.values())))
    predicted = classes[verdict.predicted]
    return [
        _picture(
            evidence(clip.faces[1], values, strongest),
            f"{verdict.clip}: where the {name} phase speaks for {predicted}",
            f"evidence, {name}",
            f"for {predicted}: {clip.changes[name]:+.1f}",
        )
        for name, values in shown.items()
    ]


def _picture(image: np.ndarray, alt: str, name: str, text: str) -> Picture:
    return Picture(embedded(image), image.shape[1], image.shape[0], alt, name, text)
