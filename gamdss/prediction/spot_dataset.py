"""Spot all recordings of a long-video dataset; with a run, classify its micro-expressions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Detector
from gamdss.align.pose import Pose
from gamdss.align.settings import AlignConfig
from gamdss.data.folders import files_by_number, listed
from gamdss.data.long_videos import LongVideo, LongVideos
from gamdss.errors import FrameError
from gamdss.files import (
    as_stored,
    file_states,
    hold_folder,
    inside,
    read_record,
    write_json,
    write_record,
)
from gamdss.metrics.spotting import Span, SpottedRecording
from gamdss.prediction.ensemble import Ensemble
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.long import Candidate
from gamdss.prediction.predictor import Predictor, spot_stretches, windows_of
from gamdss.prediction.recordings import FrameStream, Recording
from gamdss.prediction.region_bumps import SpottingSettings
from gamdss.prediction.stretches import Crop, Stretch, crops
from gamdss.prediction.tracking import track
from gamdss.prediction.trained_on import identity
from gamdss.prediction.unseen import unseen_networks
from gamdss.version import __version__

SETTINGS = "spotting.json"


@dataclass(frozen=True)
class FaceSource:
    """Where the face is in a dataset's frames.

    Args:
        track: follow it, and crop as `gamdss align`; else the frames are face crops already.
        settings: of the crops and the detector.
        frames: where eyes and mouth are in frames that are crops already.
    """

    track: bool = True
    settings: AlignConfig = field(default_factory=AlignConfig)
    frames: FaceLayout = field(default_factory=lambda: FaceLayout.of_crops(AlignConfig()))

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the crops, as plain values."""
        own = self.settings.identity if self.track else asdict(self.frames)
        return {"faces": "track" if self.track else "as-is", **own}

    @property
    def layout(self) -> FaceLayout:
        """Where eyes and mouth are in the crops."""
        return FaceLayout.of_crops(self.settings) if self.track else self.frames

    def stretches(
        self, recording: Recording, detector: Detector | None
    ) -> tuple[list[Stretch], tuple[str, ...]]:
        """The parts of a recording that show the face, and warnings about its frames.

        All of it if frames are taken as they are.

        Raises:
            FrameError: a frame cannot be decoded.
        """
        if self.track:
            tracking = track(recording, self.settings, detector=detector)
            return list(tracking.stretches), tuple(tracking.warnings)
        stream = FrameStream(recording)
        read = [(frame.number, frame.seconds) for frame in stream]
        numbers, seconds = (np.array(column) for column in zip(*read, strict=True))
        everywhere, whole = np.ones(len(read)), Pose(0, 0, 1, 0)
        poses = np.zeros((len(read), 4))
        stretch = Stretch(1, numbers, seconds, poses, whole, False, 0.0, everywhere)
        return [stretch], tuple(stream.warnings)

    def crops(
        self, recording: Recording, stretches: list[Stretch], only: Collection[int] | None = None
    ) -> Iterator[Crop]:
        """The crops of all stretches, or those with the numbers `only`."""
        if self.track:
            yield from crops(recording, stretches, self.settings, only)
            return
        for frame in FrameStream(recording).frames(only):
            yield Crop(0, frame.number, frame.seconds, frame.image)


@dataclass(frozen=True)
class SpottedVideo:
    """A recording's candidates, with onset, apex and offset as the dataset numbers its frames.

    Args:
        video: the recording.
        seen: number of frames that show a face.
        candidates: what was spotted.
        chances: probabilities of the run's classes for each candidate; empty for
            macro-expressions, without a run, and if no network may classify.
        folds: names of the folds whose networks classify: those that have not seen the subject.
        problem: why it could not be spotted; empty if it was.
        remedy: what to do then.
        warnings: doubts about its frames.
    """

    video: LongVideo
    seen: int = 0
    candidates: tuple[Candidate, ...] = ()
    chances: tuple[Mapping[str, float], ...] = ()
    folds: tuple[str, ...] = ()
    problem: str = ""
    remedy: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def recording(self) -> SpottedRecording:
        """Labels and predictions for the scores."""
        labels = tuple(Span(e.type, e.onset, e.offset) for e in self.video.events)
        found = tuple(Span(one.type, one.onset, one.offset) for one in self.candidates)
        return SpottedRecording(self.video.subject, labels, found)

    @property
    def status(self) -> str:
        """`spotted`, `no face` or `failed`."""
        return "failed" if self.problem else "spotted" if self.seen else "no face"


def spot_videos(
    data: LongVideos, output: Path, faces: FaceSource, predictor: Predictor | None = None
) -> list[SpottedVideo]:
    """Spot every recording. Each is stored in `output`, so that an interrupted call resumes.

    A recording with a frame that cannot be decoded has a problem; the others are spotted.

    Args:
        data: the dataset.
        output: folder of the results.
        faces: where the faces are.
        predictor: classifies the micro-expressions, with networks that have not seen the subject.

    Raises:
        ConfigError: every network may have been trained on all subjects with labels.
        RunError: `output` cannot be written, or contains other files.
        DetectorError: the detector is missing or broken.
    """
    networks = {} if predictor is None else unseen_networks(data, predictor.ensemble)
    settings = _settings(faces, predictor)
    found = []
    with hold_folder(output, SETTINGS):
        write_json(output / SETTINGS, {"dataset": data.spec.name, **settings})
        detector = load_detector(faces.settings) if faces.track else None
        for video in tqdm(data.videos, desc="spotting", unit="recording"):
            file = inside(output, f"recordings/{video.name}.json", "a recording")
            ensemble = networks.get(video.subject)
            folds = () if ensemble is None else ensemble.folds
            try:
                about = as_stored({**_place(video), **settings, "folds": folds})
                spotted = _stored(video, read_record(file), about)
                if spotted is None:
                    spotted = _spot(video, faces, detector, predictor, ensemble)
                    candidates = [asdict(candidate) for candidate in spotted.candidates]
                    values = {"seen": spotted.seen, "candidates": candidates}
                    values |= {"about": about, "chances": list(spotted.chances)}
                    values["warnings"] = list(spotted.warnings)
                    write_record(file, values)
            except FrameError as error:  # not stored: the frame may be replaced
                spotted = SpottedVideo(video, problem=_problem(error), remedy=error.remedy)
            found.append(replace(spotted, folds=folds))
    return found


def _settings(faces: FaceSource, predictor: Predictor | None) -> dict[str, Any]:
    """Everything but the frames that determines the results of a recording, as plain values."""
    method = {"gamdss": __version__, "method": asdict(SpottingSettings()), **faces.identity}
    if predictor is None:
        return method
    run = identity(predictor.run, faces.settings)
    return {**method, "run": run, "draws": predictor.config.draws}


def _place(video: LongVideo) -> dict[str, Any]:
    """What identifies the frames of a recording."""
    frames = list(files_by_number(listed(video.folder)).values())
    return {"folder": str(video.folder), "last": video.last, "frames": file_states(frames)}


def _spot(
    video: LongVideo,
    faces: FaceSource,
    detector: Detector | None,
    predictor: Predictor | None,
    ensemble: Ensemble | None,
) -> SpottedVideo:
    recording = Recording(video.name, video.folder, video.fps, by_number=True)
    fps = FrameStream(recording).fps
    stretches, warnings = faces.stretches(recording, detector)
    spotted = spot_stretches(faces.crops(recording, stretches), fps, faces.layout)
    numbered = [
        _numbered(one, stretches[place])
        for place, found in spotted.items()
        for one in found.candidates
    ]
    chances: list[dict[str, float]] = [{} for _ in numbered]
    if predictor is not None and ensemble is not None and ensemble.folds:
        every = windows_of(spotted, stretches, fps, ensemble.reach)
        places = [i for i, window in enumerate(every) if window.candidate.type == "micro"]
        windows = [every[place] for place in places]
        only = {number for window in windows for number in window.wanted}
        predictions = predictor.classified(
            video.name, windows, faces.crops(recording, stretches, only), ensemble
        )
        for place, prediction in zip(places, predictions, strict=True):
            chances[place] = prediction.as_dict()["probabilities"]
    seen = sum(map(len, stretches))
    return SpottedVideo(video, seen, tuple(numbered), tuple(chances), warnings=warnings)


def _stored(
    video: LongVideo, record: Mapping[str, Any], about: Mapping[str, Any]
) -> SpottedVideo | None:
    """The recording as an earlier call with the same settings stored it."""
    if record.get("about") != about:
        return None
    try:
        candidates = tuple(
            Candidate(**{**values, "parts": tuple(values["parts"])})
            for values in record["candidates"]
        )
        chances, warnings = tuple(record["chances"]), tuple(record.get("warnings", ()))
        return SpottedVideo(video, record["seen"], candidates, chances, warnings=warnings)
    except (KeyError, TypeError):  # incomplete
        return None


def _problem(error: FrameError) -> str:
    return error.problem if error.file is None else f"{error.file.name}: {error.problem}"


def _numbered(found: Candidate, stretch: Stretch) -> Candidate:
    """The candidate with frame numbers in place of positions."""
    onset, apex, offset = (
        int(stretch.numbers[at]) for at in (found.onset, found.apex, found.offset)
    )
    return replace(found, onset=onset, apex=apex, offset=offset)
