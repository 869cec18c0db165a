"""Spot all recordings of a long-video dataset, and score them by the rule of the MEGC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Detector
from gamdss.align.settings import AlignConfig
from gamdss.data.long_videos import LongVideo, LongVideos
from gamdss.files import hold_folder, inside, read_record, write_csv, write_json, write_record
from gamdss.metrics.spotting import (
    IOU,
    Span,
    SpottedRecording,
    SpottingScore,
    iou,
    spotting_scores,
)
from gamdss.prediction.face_regions import FaceLayout
from gamdss.prediction.long import Candidate, spot_long
from gamdss.prediction.recordings import FrameStream, Recording
from gamdss.prediction.region_bumps import SpottingSettings
from gamdss.prediction.stretches import Stretch, crops
from gamdss.prediction.tracking import track
from gamdss.report.spotting_table import spotting_table

SETTINGS = "spotting.json"
_SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class FaceSource:
    """Where the face is in a dataset's frames.

    Args:
        track: follow it, and crop as `gamdss align`; else the frames are face crops already.
        settings: of the crops and the detector.
        layout: where eyes and mouth are in frames that are crops already.
    """

    track: bool = True
    settings: AlignConfig = field(default_factory=AlignConfig)
    layout: FaceLayout = field(default_factory=lambda: FaceLayout.of_crops(AlignConfig()))

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that determines the crops, as plain values."""
        own = self.settings.identity if self.track else asdict(self.layout)
        return {"faces": "track" if self.track else "as-is", **own}


@dataclass(frozen=True)
class SpottedVideo:
    """A recording's candidates, with onset, apex and offset as the dataset numbers its frames.

    `seen` is the number of frames that show a face.
    """

    video: LongVideo
    seen: int
    candidates: tuple[Candidate, ...]

    @property
    def recording(self) -> SpottedRecording:
        """Labels and predictions for the scores."""
        labels = tuple(Span(e.type, e.onset, e.offset) for e in self.video.events)
        return SpottedRecording(self.video.subject, labels, tuple(map(_span, self.candidates)))


def spot_videos(data: LongVideos, output: Path, faces: FaceSource) -> list[SpottedVideo]:
    """Spot every recording. Each is stored in `output`, so that an interrupted call resumes.

    Raises:
        RunError: `output` cannot be written, or contains other files.
        DetectorError: the detector is missing or broken.
        FrameError: a frame cannot be decoded.
    """
    settings = {"method": asdict(SpottingSettings()), **faces.identity}
    found = []
    with hold_folder(output, SETTINGS):
        write_json(output / SETTINGS, {"dataset": data.spec.name, **settings})
        detector = load_detector(faces.settings) if faces.track else None
        for video in tqdm(data.videos, desc="spotting", unit="recording"):
            file = inside(output, f"recordings/{video.name}.json", "a recording")
            about = _plain({"folder": str(video.folder), "last": video.last, **settings})
            stored = _stored(video, read_record(file), about)
            if stored is not None:
                found.append(stored)
                continue
            spotted = _spot(video, faces, detector)
            values = _plain([asdict(candidate) for candidate in spotted.candidates])
            write_record(file, {"about": about, "seen": spotted.seen, "candidates": values})
            found.append(spotted)
    return found


def _stored(
    video: LongVideo, record: Mapping[str, Any], about: Mapping[str, Any]
) -> SpottedVideo | None:
    """A recording as it was spotted before; None if it was not, or in another way."""
    if record.get("about") != about:
        return None
    try:
        candidates = [
            Candidate(**{**values, "parts": tuple(values["parts"])})
            for values in record["candidates"]
        ]
        return SpottedVideo(video, record["seen"], tuple(candidates))
    except (KeyError, TypeError):  # incomplete
        return None


def score_videos(found: Sequence[SpottedVideo]) -> dict[str, SpottingScore]:
    """Scores of micro- and macro-expressions and of both, over all recordings."""
    return spotting_scores([item.recording for item in found])


def write_spotted_videos(
    data: LongVideos, found: Sequence[SpottedVideo], output: Path, options: Mapping[str, object]
) -> str:
    """Write predictions, labels, notes on rows and scores; returns a summary.

    `options` are those that determine the labels; they are stored with the scores.
    """
    scores = score_videos(found)
    write_csv(output / "predictions.csv", _predictions(found))
    write_csv(output / "labels.csv", _labels(found))
    header = ("row", "name", "problem", "what was done")
    notes = [(note.row, note.name, note.kind, note.text) for note in data.notes]
    write_csv(output / "notes.csv", [header, *notes])
    values = {
        "dataset": data.spec.name,
        "workbook": data.workbook.name,
        "rule": f"MEGC: IoU of {IOU} or more, types apart",
        **options,
        "recordings": len(found),
        "recordings_without_face": sum(item.seen == 0 for item in found),
        "subjects": len({item.video.subject for item in found}),
        "scores": {name: _values(score) for name, score in scores.items()},
    }
    write_json(output / "scores.json", values)
    lost = values["recordings_without_face"]
    lines = [data.summary, "", spotting_table({data.spec.title: scores}, "simple"), ""]
    lines += [f"{lost} recordings show no face: all their labels are missed"] if lost else []
    files = ("predictions.csv", "labels.csv", "notes.csv", "scores.json")
    return "\n".join([*lines, *(str(output / name) for name in files)])


def _spot(video: LongVideo, faces: FaceSource, detector: Detector | None) -> SpottedVideo:
    recording = Recording(video.name, video.folder, video.fps)
    if not faces.track:
        numbers: list[int] = []
        found = spot_long(_frames(recording, numbers), video.fps, faces.layout).candidates
        numbered = [_numbered(one, numbers) for one in found]
        return SpottedVideo(video, len(numbers), tuple(numbered))
    stretches = track(recording, faces.settings, detector=detector).stretches
    layout = FaceLayout.of_crops(faces.settings)
    numbered = []
    for stretch in stretches:
        images = _crops(recording, stretch, faces.settings)
        numbers = stretch.numbers.tolist()
        found = spot_long(images, video.fps, layout).candidates
        numbered += [_numbered(one, numbers) for one in found]
    return SpottedVideo(video, sum(map(len, stretches)), tuple(numbered))


def _frames(recording: Recording, numbers: list[int]) -> Iterator[np.ndarray]:
    """The frames as they are; their numbers are appended to `numbers`."""
    for frame in FrameStream(recording):
        numbers.append(frame.number)
        yield frame.image


def _crops(recording: Recording, stretch: Stretch, settings: AlignConfig) -> Iterator[np.ndarray]:
    return (crop.image for crop in crops(recording, [stretch], settings))


def _numbered(found: Candidate, numbers: Sequence[int]) -> Candidate:
    """The candidate with frame numbers in place of positions."""
    onset, apex, offset = (numbers[at] for at in (found.onset, found.apex, found.offset))
    return Candidate(found.type, onset, apex, offset, found.score, found.parts)


def _span(found: Candidate) -> Span:
    return Span(found.type, found.onset, found.offset)


def _predictions(found: Sequence[SpottedVideo]) -> Iterator[tuple[object, ...]]:
    key_frames = ("onset", "apex", "offset")
    yield ("subject", "recording", "type", *key_frames, "score", "parts", "label")
    for item in found:
        for one in item.candidates:
            reached = [
                event.name
                for event, label in zip(item.video.events, item.recording.labels, strict=True)
                if event.type == one.type and iou(label, _span(one)) >= IOU
            ]
            place = (item.video.subject, item.video.name, one.type)
            frames = (one.onset, one.apex, one.offset)
            yield (*place, *frames, one.score, " ".join(one.parts), " ".join(reached))


def _labels(found: Sequence[SpottedVideo]) -> Iterator[tuple[object, ...]]:
    key_frames = ("onset", "apex", "offset")
    about = ("action_units", "emotion", "row", "shift")
    yield ("subject", "recording", "name", "type", *key_frames, *about)
    for item in found:
        for event in item.video.events:
            place = (item.video.subject, item.video.name, event.name, event.type)
            frames = (event.onset, event.apex, event.offset)
            about = (event.action_units, event.emotion, str(event.row), str(item.video.shift))
            yield (*place, *frames, *about)


def _values(score: SpottingScore) -> dict[str, object]:
    counts = score.counts
    shares: dict[str, object] = {}
    for name, interval in zip(_SCORES, score.intervals, strict=True):
        shares[name] = getattr(counts, name)
        shares[f"{name}_interval"] = None if interval is None else list(interval)
    return {**asdict(counts), **shares}


def _plain(values: Any) -> Any:
    """Values as they are read back from JSON."""
    if isinstance(values, Mapping):
        return {name: _plain(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_plain(value) for value in values]
    return values
