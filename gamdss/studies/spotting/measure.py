"""F1 of spotting on synthetic recordings that no threshold was tuned on.

Run `python -m gamdss.studies.spotting.measure` with names of `CONDITIONS`, or none for all. The
thresholds of `gamdss.prediction.long` were tuned on seeds 1001 to 1003; these have others.
Synthetic faces are easier than real ones: their skin moves as a smooth field, nothing wrinkles or
covers it, and labels are exact. On real sets, methods without training reach an overall F1 of .34
to .44 and .20 to .25 for micro-expressions; do not compare these numbers with them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import cv2
from tqdm import tqdm

from gamdss.config.command_line import exit_on_mistake
from gamdss.errors import ConfigError
from gamdss.metrics.spotting import (
    TYPES,
    Span,
    SpottedRecording,
    SpottingScore,
    spotting_scores,
)
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.long import spot_long
from gamdss.report.spotting_table import spotting_table
from gamdss.synthetic.recording import Recording, draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

# Where the eyes and the mouth of the average synthetic face are.
LAYOUT = FaceLayout((0.343, 0.465), (0.657, 0.465), (0.5, 0.75))
_BASE = RecordingSettings(seconds=30, height=194, width=160)
Condition = tuple[RecordingSettings, int]  # how a recording is drawn, and of how many subjects
CONDITIONS: dict[str, Condition] = {
    "30 fps": (replace(_BASE, seed=7), 20),
    "twice the head motion": (replace(_BASE, seed=8, head=2), 20),
    "40 blinks a minute": (replace(_BASE, seed=9, blinks=40), 20),
    "200 fps": (replace(_BASE, seed=10, fps=200, seconds=20), 20),
}


def measure(settings: RecordingSettings, subjects: int) -> dict[str, SpottingScore]:
    """Scores of micro- and macro-expressions and of both over one recording of each subject."""
    return spotting_scores(_spotted(settings, subjects))


def _spotted(settings: RecordingSettings, subjects: int) -> Iterator[SpottedRecording]:
    for subject in tqdm(range(1, subjects + 1), desc="spotting", unit="recording"):
        recording = draw_recording(settings, subject)
        crops = (frame for _, frame in recording.frames())
        found = spot_long(crops, settings.fps, LAYOUT).candidates
        # Frames of a recording count from 1, those of candidates from 0.
        predictions = tuple(Span(c.type, c.onset + 1, c.offset + 1) for c in found)
        yield SpottedRecording(recording.name, labels_of(recording), predictions)


def labels_of(recording: Recording) -> tuple[Span, ...]:
    """The true expressions of a synthetic recording."""
    return tuple(
        Span(event.kind, event.onset, event.offset)
        for event in recording.events
        if event.kind in TYPES
    )


def chosen_conditions(names: Sequence[str], known: Mapping[str, Condition]) -> dict[str, Condition]:
    """The named conditions, or all if none is named.

    Raises:
        ConfigError: there is no such condition.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f"unknown condition {unknown[0]!r}", remedy=f"Choose of: {', '.join(known)}."
        )
    return {name: known[name] for name in names or known}


def main(names: Sequence[str]) -> str:
    """The table of the named conditions, or of all.

    Raises:
        ConfigError: there is no such condition.
    """
    chosen = chosen_conditions(names, CONDITIONS)
    cv2.setNumThreads(1)
    return spotting_table({name: measure(*condition) for name, condition in chosen.items()})


if __name__ == "__main__":
    with exit_on_mistake():
        print(main(sys.argv[1:]))
