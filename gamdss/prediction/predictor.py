"""From a recording to the expressions in it, with their key frames and class probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from gamdss.align.settings import AlignConfig
from gamdss.errors import FrameError, require
from gamdss.metrics.spotting import Span, iou
from gamdss.prediction.candidate_fit import CandidateFit, fit_candidate
from gamdss.prediction.ensemble import NOT_SURE, Ensemble
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.followed_face import TrackConfig
from gamdss.prediction.long import Candidate, LongSpotting, OtherMotion, spot_long
from gamdss.prediction.predictions import UNRELIABLE, Prediction, RecordingPredictions, times_of
from gamdss.prediction.recordings import (
    SLOW_FPS,
    FrameStream,
    Recording,
    find_recordings,
)
from gamdss.prediction.region_bumps import SpottingSettings
from gamdss.prediction.stretches import Crop, Stretch, Tracking, crops
from gamdss.prediction.tracking import track
from gamdss.prediction.trained_on import trained_on
from gamdss.records import KeyFrames
from gamdss.reselection.motion.fit import RELIABLE
from gamdss.runs.finished import FinishedRun, read_run

# Around a candidate, frames for the fit: a share of its length on each side, in these limits.
_MARGIN, _MARGIN_SECONDS = 0.5, (0.3, 1.0)
_WIDE_SECONDS = 2.0  # on each side, for the search if that fit is unreliable
_MOST_FRAMES = 200  # in a fit; of longer windows, every second frame, every third, ...
_SAME = 0.5  # intersection over union of two fits from which on they are one expression
_VISIBLE = 0.95  # a smaller share of the face inside the picture and the crop is flagged


@dataclass(frozen=True)
class PredictConfig:
    """How expressions are predicted.

    Args:
        threshold: probability below which the class is `not sure`.
        draws: key frames drawn from their posterior for each candidate.
        tracking: which face is followed, and whether crops are stabilised.
        crops: size, margin and detector, as for the training data.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
    """

    threshold: float = 0.5
    draws: int = 16
    tracking: TrackConfig = field(default_factory=TrackConfig)
    crops: AlignConfig = field(default_factory=AlignConfig)
    device: str = "auto"

    def __post_init__(self) -> None:
        require(0 <= self.threshold <= 1, "threshold", self.threshold, "between 0 and 1")
        require(1 <= self.draws <= 1000, "draws", self.draws, "1 to 1000")


class Predictor:
    """Finds expressions in recordings and classifies them with the networks of a run.

    Args:
        run: a run directory, or a finished run. Its dataset is not needed.
        config: how expressions are predicted.
        progress: show progress bars.

    Raises:
        RunError: not a finished run, or checkpoints are missing.
        CheckpointError: a checkpoint is incomplete or corrupt.
    """

    def __init__(
        self,
        run: str | Path | FinishedRun,
        config: PredictConfig | None = None,
        progress: bool = False,
    ) -> None:
        opened = run if isinstance(run, FinishedRun) else read_run(Path(run).expanduser())
        self.run = opened
        self.config = config or PredictConfig()
        self.trained_on = trained_on(opened)
        self.ensemble = Ensemble(opened, self.config.device)
        self._progress = progress

    def predict(self, path: str | Path, fps: float | None = None) -> list[Prediction]:
        """The expressions in a video, a folder of frames, or a tree of them; may be none.

        Args:
            path: the recordings.
            fps: frames per second; needed for folders of frames.

        Raises:
            DataRootError: there is no recording.
            FrameError: a recording cannot be decoded, or shows no face.
        """
        found = find_recordings(Path(path).expanduser(), fps)
        return [p for recording in found for p in self.recording(recording).predictions]

    def recording(self, recording: Recording) -> RecordingPredictions:
        """What is found in one recording; errors as `predict`."""
        config = self.config
        rate = FrameStream(recording).fps
        if rate < SLOW_FPS:
            raise FrameError(
                f"{rate:.4g} frames per second are too few to see a micro-expression",
                file=recording.path,
                remedy=f"Record at least {SLOW_FPS}. If the stated rate is wrong, pass --fps.",
                kind="slow",
            )
        tracking = track(recording, config.crops, config.tracking, progress=self._progress)
        if not tracking.stretches:
            raise FrameError(
                f"no face was found in {tracking.frames} frames",
                file=recording.path,
                remedy="Faces must be frontal and not too small; --detector names others.",
                kind="no face",
            )
        spotted = self._spotted(tracking)
        windows = [
            _Window(place, stretch, candidate, tracking.fps)
            for place, stretch in enumerate(tracking.stretches)
            for candidate in spotted[place].candidates
        ]
        others = tuple(
            (place + 1, _numbered(other, tracking.stretches[place]))
            for place, found in spotted.items()
            for other in found.others
        )
        return RecordingPredictions(
            tracking,
            _distinct(list(self._predicted(tracking, windows))),
            others,
            (*tracking.warnings, *self.trained_on.differences(tracking, config.crops)),
        )

    def _spotted(self, tracking: Tracking) -> dict[int, LongSpotting]:
        """What is spotted in each stretch."""
        layout = FaceLayout.of_crops(self.config.crops)
        stream = self._crops(tracking, tracking.stretches, "spotting")
        return {
            place: spot_long((crop.image for crop in group), tracking.fps, layout)
            for place, group in groupby(stream, lambda crop: crop.stretch)
        }

    def _predicted(self, tracking: Tracking, windows: Sequence[_Window]) -> Iterator[Prediction]:
        """The predictions in order; at any time only the crops of open windows are in memory."""
        waiting = list(windows)
        stretches = tracking.stretches
        used = sorted({window.place for window in windows})
        stream = self._crops(tracking, [stretches[place] for place in used], "classifying")
        for crop in stream:
            for window in waiting:
                window.take(used[crop.stretch], crop)
            while waiting and waiting[0].complete:
                yield self._classified(tracking.recording, waiting.pop(0))

    def _crops(self, tracking: Tracking, stretches: Sequence[Stretch], what: str) -> Iterator[Crop]:
        stream = crops(tracking.recording, stretches, self.config.crops)
        name = f"{tracking.recording.name}: {what}"
        total = sum(map(len, stretches))
        yield from tqdm(stream, name, total, unit="frame", disable=not (self._progress and total))

    def _classified(self, recording: Recording, window: _Window) -> Prediction:
        candidate, stretch, images = window.candidate, window.stretch, window.images
        fitted = fit_candidate(window.near, window.wide, window.spotted, self.config.draws)
        keys = KeyFrames(*window.spotted) if fitted is None else fitted.fit.keys
        draws = [keys.numbers] if fitted is None else fitted.draws
        seen = {n: _grey(image) for n, image in images.items()} if self.trained_on.grey else images
        chances = self.ensemble.predict(seen, draws)
        first, last = np.searchsorted(stretch.numbers, (keys.onset, keys.offset))
        seconds = times_of(stretch, keys.numbers)
        kind = "micro" if seconds[2] - seconds[0] <= SpottingSettings().micro else "macro"
        label = chances.label(self.config.threshold)
        share = float(stretch.share[first : last + 1].min())
        return Prediction(
            recording=recording.name,
            stretch=window.place + 1,
            type=kind,
            score=candidate.score,
            parts=candidate.parts,
            keys=keys,
            seconds=seconds,
            intervals=tuple(times_of(stretch, pair) for pair in keys.intervals),
            quality=0.0 if fitted is None else fitted.fit.quality,
            face_share=share,
            chances=chances,
            label=label,
            flags=_flags(kind, stretch, fitted, label, share),
            fit=None if fitted is None else fitted.fit,
            faces=np.stack([images[n][..., ::-1] for n in keys.numbers]),
        )


class _Window:
    """The frames around a candidate, collected from a stream of crops."""

    def __init__(self, place: int, stretch: Stretch, candidate: Candidate, fps: float) -> None:
        self.place, self.stretch, self.candidate = place, stretch, candidate
        onset, apex, offset = candidate.onset, candidate.apex, candidate.offset
        low, high = (seconds * fps for seconds in _MARGIN_SECONDS)
        margin = round(np.clip(_MARGIN * (offset - onset), low, high))
        far = round(_WIDE_SECONDS * fps)
        self._near = self._numbers(onset - margin, offset + margin)
        self._wide = self._numbers(onset - far, offset + far)
        at = [int(stretch.numbers[index]) for index in (onset, apex, offset)]
        self.spotted = (at[0], at[1], at[2])
        self._wanted = self._near | self._wide | set(at)
        self.images: dict[int, np.ndarray] = {}

    @property
    def complete(self) -> bool:
        """Whether all frames have been taken."""
        return len(self.images) == len(self._wanted)

    @property
    def near(self) -> dict[int, np.ndarray]:
        """The frames around the candidate."""
        return {n: image for n, image in self.images.items() if n in self._near}

    @property
    def wide(self) -> dict[int, np.ndarray]:
        """Frames of some seconds around it."""
        return {n: image for n, image in self.images.items() if n in self._wide}

    def take(self, place: int, crop: Crop) -> None:
        """Keep the crop if it is one of the window's."""
        if place == self.place and crop.number in self._wanted:
            self.images[crop.number] = crop.image

    def _numbers(self, first: int, last: int) -> set[int]:
        """Frame numbers of the stretch between two of its indices, thinned if they are many."""
        first, last = max(0, first), min(len(self.stretch) - 1, last)
        step = -(-(last - first + 1) // _MOST_FRAMES)
        return set(self.stretch.numbers[first : last + 1 : step].tolist())


def _distinct(found: Sequence[Prediction]) -> tuple[Prediction, ...]:
    """Each expression once: of fits that overlap, the one with the best quality."""
    kept: list[Prediction] = []
    for one in sorted(found, key=lambda p: -p.quality):
        if not any(_overlap(one, other) >= _SAME for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda p: p.keys.numbers))


def _overlap(one: Prediction, other: Prediction) -> float:
    """Intersection over union of two expressions, whatever their types."""
    return iou(*(Span("macro", p.keys.onset, p.keys.offset) for p in (one, other)))


def _flags(
    kind: str,
    stretch: Stretch,
    fitted: CandidateFit | None,
    label: str,
    share: float,
) -> tuple[str, ...]:
    checks = {
        UNRELIABLE: fitted is None or fitted.fit.quality < RELIABLE,
        NOT_SURE: label == NOT_SURE,
        "macro-expression: trained on micro-expressions": kind == "macro",
        "face partly outside": share < _VISIBLE,
        "other faces": stretch.others > 0,
        "face hard to detect": stretch.relaxed,
    }
    return tuple(name for name, holds in checks.items() if holds)


def _numbered(other: OtherMotion, stretch: Stretch) -> OtherMotion:
    onset, offset = (int(stretch.numbers[index]) for index in (other.onset, other.offset))
    return OtherMotion(other.kind, onset, offset)


def _grey(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
