"""From a recording to its stretches: one pass over the frames, shot by shot."""

from __future__ import annotations

from tqdm import tqdm

from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Detector, Hog
from gamdss.align.search import PLAIN, RELAXED
from gamdss.align.settings import AlignConfig
from gamdss.prediction.face_search import faces_in
from gamdss.prediction.followed_face import FollowedFace, TrackConfig, Watch
from gamdss.prediction.recordings import Frame, FrameStream, Recording
from gamdss.prediction.shots import with_shots
from gamdss.prediction.stretches import Ending, Stretch, Tracking

# Seconds between searches for a face; every so many searches, one has relaxed settings.
_SEARCH, _RELAXED = 0.2, 10


def track(
    recording: Recording,
    settings: AlignConfig,
    config: TrackConfig | None = None,
    detector: Detector | None = None,
    progress: bool = False,
) -> Tracking:
    """Find the stretches of a recording that show a face, in one pass and bounded memory.

    Args:
        recording: the recording.
        settings: of the crops and the detector, as for the training data.
        config: how the face is followed.
        detector: in place of the one that `settings` select.
        progress: show a progress bar.

    Raises:
        DetectorError: the detector is missing or broken.
        FrameError: the recording cannot be decoded.
    """
    stream = FrameStream(recording)
    detector = detector or load_detector(settings)
    glance = detector.rough() if isinstance(detector, Hog) else detector
    tracker = _Tracker(Watch(stream.fps, settings, config or TrackConfig(), detector, glance))
    shot, frames, size, last = 0, 0, (0, 0), 0.0
    bar = tqdm(stream, recording.name, stream.expected or None, unit="frame", disable=not progress)
    for shot, frame in with_shots(bar):
        tracker.take(shot, frame)
        frames += 1
        size = (frame.image.shape[1], frame.image.shape[0])
        last = frame.seconds
    return Tracking(
        *(recording, stream.fps, size, frames, shot, tracker.finish(), stream.warnings),
        seconds=last + 1 / stream.fps,
        not_chosen=tracker.not_chosen,
    )


class _Tracker:
    """The stretches of the frames that it takes."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._found: list[Stretch] = []
        self._face: FollowedFace | None = None
        self._shot = 0
        self._waited, self._searches = 0, 0  # frames without a face, and searches in them
        self.not_chosen = False

    def take(self, shot: int, frame: Frame) -> None:
        """Follow the face to the next frame, or search for one."""
        if shot != self._shot:
            self._close("cut")
            self._shot = shot
        if self._face is not None:
            ending = self._face.advance(frame)
            if ending is None:
                return
            self._close(ending)
        if self._waited % self._watch.frames(_SEARCH) == 0:
            self._search(frame)
        self._waited += 1

    def finish(self) -> list[Stretch]:
        """All stretches."""
        self._close("end")
        return self._found

    def _search(self, frame: Frame) -> None:
        attempts = [PLAIN, RELAXED] if self._searches % _RELAXED == 1 else [PLAIN]
        self._searches += 1
        for attempt in attempts:
            faces = faces_in(frame.image, self._watch.detector, attempt)
            face = self._watch.config.choice.of(faces)
            if face is not None:
                self._face = FollowedFace(self._watch, self._shot, frame, face, faces, attempt)
                return
            self.not_chosen = self.not_chosen or bool(faces)

    def _close(self, ending: Ending) -> None:
        stretch = None if self._face is None else self._face.stretch(ending)
        if stretch is not None:
            self._found.append(stretch)
        self._face, self._waited, self._searches = None, 0, 0
