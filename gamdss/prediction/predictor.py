"""From a recording to the expressions in it, with their key frames and class probabilities."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from gamdss.align.settings import AlignConfig
from gamdss.errors import FrameError, is_between, is_whole, require
from gamdss.metrics.spotting import Span, iou
from gamdss.prediction.candidate_fit import CandidateFit, fit_candidate
from gamdss.prediction.candidate_window import Window
from gamdss.prediction.covered import COVERED, covered
from gamdss.prediction.ensemble import NOT_SURE, Ensemble
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.followed_face import TrackConfig
from gamdss.prediction.long import LongSpotting, OtherMotion, spot_long
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
from gamdss.records import RELIABLE, KeyFrames
from gamdss.runs.finished import FinishedRun, read_run

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
        require(is_between(self.threshold, 0, 1), "threshold", self.threshold, "between 0 and 1")
        ok = is_whole(self.draws, 1) and self.draws <= 1000
        require(ok, "draws", self.draws, "an integer, 1 to 1000")


class Predictor:
    """Finds expressions in recordings and classifies them with the networks of a run.

    Args:
        run: a run directory, or a finished run. Its dataset is not needed.
        config: how expressions are predicted.
        progress: show progress bars.

    Raises:
        RunError: not a finished run, one of action units, or checkpoints are missing.
        DeviceError: the device is not available.
        CheckpointError: a checkpoint is incomplete or corrupt.
    """

    def __init__(
        self,
        run: str | Path | FinishedRun,
        config: PredictConfig | None = None,
        progress: bool = False,
    ) -> None:
        opened = run if isinstance(run, FinishedRun) else read_run(run)
        self.run = opened
        self.config = config or PredictConfig()
        self.trained_on = trained_on(opened)
        self.ensemble = Ensemble(opened, self.config.device)
        self._progress = progress

    def predict(self, path: str | Path, fps: float | None = None) -> list[Prediction]:
        """The expressions in a video, a folder of frames, or a tree of them; may be none.

        Args:
            path: the recordings.
            fps: frames per second; needed for folders of frames, as images per second.

        Raises:
            DataRootError: there is no recording.
            FrameError: a recording cannot be decoded, is too short or slow, or shows no face.
        """
        found = find_recordings(Path(path).expanduser(), fps)
        return [p for recording in found for p in self.recording(recording).predictions]

    def recording(
        self, recording: Recording, finished: Callable[[int, Prediction], None] | None = None
    ) -> RecordingPredictions:
        """What is found in one recording; errors as `predict`.

        Args:
            recording: the recording.
            finished: called with the number, from 1, and the prediction as soon as each is
                complete. The result then has no fits and faces, so that memory does not grow
                with the number of expressions.
        """
        config = self.config
        stream = FrameStream(recording)
        stream.refuse_short()
        if stream.fps < SLOW_FPS:
            raise FrameError(
                f"{stream.fps:.4g} frames per second are too few to see a micro-expression",
                file=recording.path,
                remedy=f"Record at least {SLOW_FPS}. If the stated rate is wrong, pass --fps.",
                kind="slow",
            )
        tracking = track(recording, config.crops, config.tracking, progress=self._progress)
        if not tracking.stretches:
            raise _no_face(tracking)
        stretches = tracking.stretches
        layout = FaceLayout.of_crops(config.crops)
        spotted = spot_stretches(self._crops(tracking, "spotting"), tracking.fps, layout)
        windows = windows_of(spotted, stretches, tracking.fps, self.ensemble.reach)
        wanted = {number for window in windows for number in window.wanted}
        classified = self.classified(
            recording.name, windows, self._crops(tracking, "classifying", wanted)
        )
        starts = (min(window.wanted) for window in windows)
        predictions = []
        for number, one in enumerate(_distinct(zip(starts, classified, strict=True)), start=1):
            if finished is not None:
                finished(number, one)
            predictions.append(one if finished is None else one.without_pictures())
        others = tuple(
            (place + 1, _numbered(other, stretches[place]))
            for place, found in spotted.items()
            for other in found.others
        )
        return RecordingPredictions(
            tracking,
            tuple(predictions),
            others,
            (*tracking.warnings, *self.trained_on.differences(tracking, config.crops)),
        )

    def classified(
        self,
        recording: str,
        windows: Sequence[Window],
        stream: Iterable[Crop],
        ensemble: Ensemble | None = None,
    ) -> Iterator[Prediction]:
        """The prediction of each window in order; only crops of open windows are in memory.

        Args:
            recording: its name.
            windows: in the order of time.
            stream: crops of the recording, among them all that the windows want.
            ensemble: the networks that classify; all of the run by default.
        """
        waiting = list(windows)
        for crop in stream:
            for window in waiting:
                window.take(crop)
            while waiting and waiting[0].complete:
                window = waiting.pop(0)
                yield self._classified(recording, window, ensemble or self.ensemble)
                window.images.clear()

    def _crops(
        self, tracking: Tracking, what: str, only: Collection[int] | None = None
    ) -> Iterator[Crop]:
        stream = crops(tracking.recording, tracking.stretches, self.config.crops, only)
        name = f"{tracking.recording.name}: {what}"
        total = sum(map(len, tracking.stretches)) if only is None else len(only)
        yield from tqdm(stream, name, total, unit="frame", disable=not (self._progress and total))

    def _classified(self, recording: str, window: Window, ensemble: Ensemble) -> Prediction:
        candidate, stretch, images = window.candidate, window.stretch, window.images
        fitted = fit_candidate(window.near, window.wide, window.spotted, self.config.draws)
        keys = KeyFrames(*window.spotted) if fitted is None else fitted.fit.keys
        draws = [keys.numbers] if fitted is None else fitted.draws
        seen = {n: _grey(image) for n, image in images.items()} if self.trained_on.grey else images
        chances = ensemble.predict(seen, draws)
        first, last = np.searchsorted(stretch.numbers, (keys.onset, keys.offset))
        seconds = times_of(stretch, keys.numbers)
        kind = "micro" if seconds[2] - seconds[0] <= SpottingSettings().micro else "macro"
        label = chances.label(self.config.threshold)
        share = float(stretch.share[first : last + 1].min())
        hidden = covered(images, keys, FaceLayout.of_crops(self.config.crops))
        return Prediction(
            recording=recording,
            stretch=window.place + 1,
            type=kind,
            score=candidate.score,
            parts=candidate.parts,
            keys=keys,
            seconds=seconds,
            intervals=tuple(times_of(stretch, pair) for pair in keys.intervals),
            apex_phase=keys.apex_phase and times_of(stretch, keys.apex_phase),
            quality=0.0 if fitted is None else fitted.fit.quality,
            face_share=share,
            chances=chances,
            label=label,
            flags=_flags(kind, stretch, fitted, label, share, hidden),
            fit=None if fitted is None else fitted.fit,
            faces=np.stack([images[n][..., ::-1] for n in keys.numbers]),
        )


def _no_face(tracking: Tracking) -> FrameError:
    if tracking.not_chosen:
        problem = f"the chosen face was not found in {tracking.frames} frames; other faces were"
        remedy = "Check --face (0 is the largest face) or --box."
    else:
        problem = f"no face was found in {tracking.frames} frames"
        remedy = "Faces must be frontal and not too small; --detector names others."
    return FrameError(problem, file=tracking.recording.path, remedy=remedy, kind="no face")


def spot_stretches(
    stream: Iterable[Crop], fps: float, layout: FaceLayout
) -> dict[int, LongSpotting]:
    """What is spotted in each stretch of a stream of crops, by its index."""
    return {
        place: spot_long((crop.image for crop in group), fps, layout)
        for place, group in groupby(stream, lambda crop: crop.stretch)
    }


def windows_of(
    spotted: Mapping[int, LongSpotting], stretches: Sequence[Stretch], fps: float, reach: int
) -> list[Window]:
    """The frames to collect around each candidate, in the order of time; see `Window`."""
    return [
        Window(place, stretches[place], candidate, fps, reach)
        for place, found in spotted.items()
        for candidate in found.candidates
    ]


def _distinct(found: Iterable[tuple[int, Prediction]]) -> Iterator[Prediction]:
    """Each expression once: of fits that overlap, the one with the best quality.

    Args:
        found: predictions, each with the first frame of its window, in the order of these frames.
    """
    near: list[Prediction] = []
    for start, one in found:
        if near and start > max(p.keys.offset for p in near):
            yield from _best(near)
            near = []
        near.append(one)
    yield from _best(near)


def _best(found: Sequence[Prediction]) -> list[Prediction]:
    kept: list[Prediction] = []
    for one in sorted(found, key=lambda p: -p.quality):
        if not any(_overlap(one, other) >= _SAME for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda p: p.keys.numbers)


def _overlap(one: Prediction, other: Prediction) -> float:
    """Intersection over union of two expressions, whatever their types."""
    return iou(*(Span("macro", p.keys.onset, p.keys.offset) for p in (one, other)))


def _flags(
    kind: str,
    stretch: Stretch,
    fitted: CandidateFit | None,
    label: str,
    share: float,
    hidden: bool,
) -> tuple[str, ...]:
    checks = {
        UNRELIABLE: fitted is None or fitted.fit.quality < RELIABLE,
        NOT_SURE: label == NOT_SURE,
        "macro-expression: trained on micro-expressions": kind == "macro",
        "face partly outside": share < _VISIBLE,
        COVERED: hidden,
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
