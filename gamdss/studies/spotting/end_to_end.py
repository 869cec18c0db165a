"""F1 of `gamdss predict` on synthetic recordings, and how often its intervals contain the truth.

Run `python -m gamdss.studies.spotting.end_to_end RUN` with a finished run, and names of
`CONDITIONS`, or none for all. Recordings are written as images, and tracked, spotted, fitted and
classified as a user's own. Nothing was tuned on their seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from gamdss.config.command_line import exit_on_mistake
from gamdss.errors import ConfigError
from gamdss.metrics import interval_text, wilson
from gamdss.metrics.spotting import (
    TYPES,
    Span,
    SpottedRecording,
    matched_pairs,
    spotting_scores,
)
from gamdss.prediction.predictions import Prediction
from gamdss.prediction.predictor import Predictor
from gamdss.prediction.recordings import Recording
from gamdss.records import KEYS
from gamdss.report.spotting_table import spotting_table
from gamdss.studies.spotting.measure import Condition, chosen_conditions, labels_of
from gamdss.synthetic import recording as synthetic
from gamdss.synthetic.recording_events import RecordingSettings

_BASE = RecordingSettings(seconds=20, height=194, width=160)
# One expression of each type in 9 seconds, without speech.
_SHORT = replace(_BASE, seconds=9, micro=(1, 1), macro=(1, 1), speech=0)
_BORDER = 40  # pixels around the face crop, so that it can be tracked
CONDITIONS: dict[str, Condition] = {
    "30 fps": (replace(_BASE, seed=21), 20),
    "200 fps": (replace(_SHORT, seed=22, fps=200), 20),
}


@dataclass(frozen=True)
class Found:
    """A recording's scores input, and for each expression that was found, its errors in frames.

    `errors` (N, 3) are those of onset, apex and offset; `inside` (N, 3) is whether their intervals
    contain the truth. Fits that are unreliable are left out of both.
    """

    spotted: SpottedRecording
    errors: np.ndarray
    inside: np.ndarray


def measure(predictor: Predictor, settings: RecordingSettings, subjects: int) -> Iterator[Found]:
    """Predict one recording of each subject."""
    for subject in tqdm(range(1, subjects + 1), desc="predicting", unit="recording"):
        drawn = synthetic.draw_recording(settings, subject)
        with TemporaryDirectory() as folder:
            for number, image in drawn.frames():
                sides = (_BORDER,) * 4
                framed = cv2.copyMakeBorder(image, *sides, cv2.BORDER_REPLICATE)
                cv2.imwrite(str(Path(folder) / f"{number}.bmp"), framed)
            place = Recording(drawn.name, Path(folder), settings.fps)
            yield compared(drawn, predictor.recording(place).predictions)


def compared(drawn: synthetic.Recording, found: Sequence[Prediction]) -> Found:
    """Predictions beside the true expressions."""
    labels = labels_of(drawn)
    spans = tuple(Span(one.type, one.keys.onset, one.keys.offset) for one in found)
    apexes = {Span(e.kind, e.onset, e.offset): e.apex for e in drawn.events if e.kind in TYPES}
    errors, inside = [], []
    for kind in TYPES:
        mine = [span for span in labels if span.type == kind]
        others = [one for one in found if one.type == kind]
        pairs = matched_pairs(mine, [span for span in spans if span.type == kind])
        for label, place in pairs:
            keys, span = others[place].keys, mine[label]
            if others[place].reliable:
                true = (span.onset, apexes[span], span.offset)
                ends = zip(keys.intervals, true, strict=True)
                errors.append(np.subtract(keys.numbers, true))
                inside.append([low <= number <= high for (low, high), number in ends])
    return Found(
        SpottedRecording(drawn.name, labels, spans),
        np.array(errors, float).reshape(-1, 3),
        np.array(inside, bool).reshape(-1, 3),
    )


def main(run: str, names: Sequence[str]) -> str:
    """The tables of scores and of key frames for the named conditions, or for all.

    Raises:
        ConfigError: there is no such condition.
    """
    chosen = chosen_conditions(names, CONDITIONS)
    cv2.setNumThreads(1)
    predictor = Predictor(run)
    scores, rows = {}, []
    for name, (settings, subjects) in chosen.items():
        found = list(measure(predictor, settings, subjects))
        scores[name] = spotting_scores([one.spotted for one in found])
        errors = np.abs(np.concatenate([one.errors for one in found]))
        inside = np.concatenate([one.inside for one in found])
        for place, key in enumerate(KEYS):
            middle = share = ends = ""
            if len(inside):
                middle = f"{np.median(errors[:, place]) * 1000 / settings.fps:.0f}"
                share = f"{inside[:, place].mean():.2f}"
                ends = interval_text(wilson(float(inside[:, place].sum()), len(inside)), ".2f")
            rows.append((name, key, len(inside), middle, share, ends))
    header = ("recordings", "key frame", "matched", "median error (ms)", "in 80% interval", "95%")
    keys = tabulate(rows, header, tablefmt="pipe", disable_numparse=True)
    return f"{spotting_table(scores)}\n\n{keys}"


if __name__ == "__main__":
    with exit_on_mistake():
        if len(sys.argv) < 2:
            raise ConfigError("no run is named", remedy="Name its directory as first argument.")
        print(main(sys.argv[1], sys.argv[2:]))
