"""One face, followed from frame to frame until it is lost; becomes a stretch."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import starmap

import numpy as np

from gamdss.align.detectors import DetectedFace, Detector
from gamdss.align.pose import Pose, median_pose, pose_of
from gamdss.align.search import WANTED, Attempt
from gamdss.align.settings import AlignConfig
from gamdss.prediction.face_motion import FaceMotion, likeness
from gamdss.prediction.face_search import FaceChoice, faces_in, is_at, sees
from gamdss.prediction.recordings import SHORTEST, Frame
from gamdss.prediction.stretches import (
    Ending,
    Stabilise,
    Stretch,
    inside,
    inside_crop,
    movement,
)

# Seconds: between looks at a followed face, between looks at whole frames, without a look that
# finds the face, without flow that follows it, of views that a new one is compared with.
_CHECK, _WHOLE, _PATIENCE, _BLIND, _MEMORY = 1 / 3, 1.0, 1.0, 0.1, 2.0
_EARLY = 10  # frames that are searched for the detections of the first pose
_VISIBLE = 0.75  # part of the face that must be inside the picture and the crop
# Correlation of details with views of the last two seconds below which it is another face. Between
# people it is below 0.25 in half of 8,742 pairs; within a person who moves a lot, at least 0.27
# over one second, and 0.38 over two in a video with turns of the head and hands before the face.
# A change of person mostly ends the flow, or is a cut, before this is needed.
_LIKE = 0.25
# Movement of the face, relative to its size, above which `auto` stabilises.
MOVES = 0.1


@dataclass(frozen=True)
class TrackConfig:
    """How the face is followed.

    Args:
        stabilise: crop each frame by its own pose (`always`), all frames of a stretch by one, as
            `gamdss align` does (`never`), or by their own if the face moves (`auto`).
        choice: which of several faces is followed.
    """

    stabilise: Stabilise = "auto"
    choice: FaceChoice = field(default_factory=FaceChoice)


@dataclass(frozen=True, eq=False)
class Watch:
    """What a face is followed with: the frame rate, the crops, how, and the detector.

    `glance` is the detector that only checks whether the face is still there.
    """

    fps: float
    settings: AlignConfig
    config: TrackConfig
    detector: Detector
    glance: Detector

    def frames(self, seconds: float) -> int:
        """A time as a number of frames, at least 1."""
        return max(1, round(seconds * self.fps))


class FollowedFace:
    """A face that is followed from the frame in which it was found.

    Args:
        watch: what it is followed with.
        shot: number of the shot.
        frame: the frame.
        face: the face.
        faces: all faces in the frame.
        attempt: the settings with which they were found.
    """

    def __init__(
        self,
        watch: Watch,
        shot: int,
        frame: Frame,
        face: DetectedFace,
        faces: Sequence[DetectedFace],
        attempt: Attempt,
    ) -> None:
        self._watch, self._shot, self._attempt = watch, shot, attempt
        self._motion = FaceMotion(frame.image, pose_of(face))
        self._views = deque([self._motion.view], round(_MEMORY / _CHECK))
        self._numbers, self._seconds = array("q", [frame.number]), array("d", [frame.seconds])
        self._poses = array("d", _values(self._motion.pose))  # NaN where flow failed
        self._detected = {0: pose_of(face)}
        self._confirmed = self._followed = 0  # the last places with a detection, with flow
        self._others = len(faces) - 1
        self._size = (frame.image.shape[1], frame.image.shape[0])

    def advance(self, frame: Frame) -> Ending | None:
        """Follow the face to a frame; if it is lost, why, and the frame is not taken."""
        place = len(self._numbers)
        follows = self._motion.follow(frame.image)
        if follows:
            ending = self._out_of_sight() or self._check(place, frame.image)
        else:  # a flash or a blurred frame: the face may come back
            lost = place - self._followed > self._watch.frames(_BLIND)
            ending = "face lost" if lost else None
        if ending is None:
            self._followed = place if follows else self._followed
            self._numbers.append(frame.number)
            self._seconds.append(frame.seconds)
            self._poses.extend(_values(self._motion.pose) if follows else [np.nan] * 4)
        return ending

    def stretch(self, ending: Ending) -> Stretch | None:
        """The stretch until the last frame that certainly shows the face; None if too short."""
        last = self._followed
        if ending == "other face":
            last = self._confirmed
        elif last > self._confirmed and not self._sees():
            last = self._confirmed
            ending = "face lost" if ending in ("end", "cut") else ending
        count = last + 1
        if count < 2 or self._seconds[last] - self._seconds[0] < SHORTEST:
            return None
        poses, start = self._corrected(count), self.pose
        moved = max(movement(pose, start) for pose in starmap(Pose, poses))
        wanted = self._watch.config.stabilise
        stabilised = wanted == "always" or (wanted == "auto" and moved > MOVES)
        share = np.array([inside(pose, self._size) for pose in starmap(Pose, poses)])
        if not stabilised:
            settings = self._watch.settings
            within = [inside_crop(pose, start, settings) for pose in starmap(Pose, poses)]
            share = np.minimum(share, within)
        return Stretch(
            shot=self._shot,
            numbers=np.array(self._numbers[:count]),
            seconds=np.array(self._seconds[:count]),
            poses=poses,
            pose=start,
            stabilised=stabilised,
            moved=moved,
            share=share,
            others=self._others,
            relaxed=self._attempt.upsample,
            ended=ending,
        )

    @property
    def pose(self) -> Pose:
        """The pose at the beginning: the median of the first detections."""
        return median_pose(list(self._detected.values()))

    def _out_of_sight(self) -> Ending | None:
        pose = self._motion.pose
        if inside(pose, self._size) < _VISIBLE:
            return "left the picture"
        fixed = self._watch.config.stabilise == "never"
        if fixed and inside_crop(pose, self.pose, self._watch.settings) < _VISIBLE:
            return "left the crop"
        return None

    def _check(self, place: int, image: np.ndarray) -> Ending | None:
        """Look for the face with the detector, if it is time to."""
        every = self._watch.frames(_CHECK)
        first_pose = len(self._detected) < WANTED and place < _EARLY
        if not first_pose and place % every:
            return None
        if first_pose or place % (every * round(_WHOLE / _CHECK)) == 0:
            detector = self._watch.detector if first_pose else self._watch.glance
            faces = faces_in(image, detector, self._attempt)
            self._others = max(self._others, len(faces) - 1)
            mine = [pose_of(face) for face in faces if is_at(face, self._motion.pose)]
            if first_pose and mine:
                self._detected[place] = mine[0]
            seen = bool(mine)
        else:
            seen = self._sees()
        if seen:
            view = self._motion.view
            if any(likeness(view, earlier) < _LIKE for earlier in self._views):
                return "other face"
            self._views.append(view)
            self._confirmed = place
        lost = place - self._confirmed > self._watch.frames(_PATIENCE)
        return "face lost" if lost else None

    def _sees(self) -> bool:
        """Whether the detector finds the face where the flow has followed it to."""
        motion = self._motion
        return sees(motion.image, motion.pose, self._watch.glance, self._attempt)

    def _corrected(self, count: int) -> np.ndarray:
        """The first poses (count, 4): gaps filled, and in agreement with the first pose."""
        values = np.array(self._poses).reshape(-1, 4)[:count]
        known = np.flatnonzero(~np.isnan(values[:, 0]))
        filled = [np.interp(range(count), known, column) for column in values[known].T]
        early = np.stack(filled, axis=1)[[place for place in self._detected if place < count]]
        start, base = self.pose, median_pose(list(starmap(Pose, early.tolist())))
        x, y, size, angle = filled
        across, down = (start.x - base.x) / base.size, (start.y - base.y) / base.size
        moved = (x + across * size, y + down * size)
        growth, turn = start.size / base.size, start.angle - base.angle
        return np.stack([*moved, size * growth, angle + turn], axis=1)


def _values(pose: Pose) -> tuple[float, float, float, float]:
    return pose.x, pose.y, pose.size, pose.angle
