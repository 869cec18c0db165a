"""Synthetic long recordings of one face: expressions, blinks, head motion and speech, as a stream.

Events are drawn first, in seconds; frames are rendered one by one, so that a recording of any
length needs the memory of one frame. Lengths on the face are design units (`identity`): a face is
280 units wide, its eyes 88 apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gamdss.synthetic.action_units import Expression, displacement
from gamdss.synthetic.canvas import Canvas
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.head_motion import HeadMotion, draw_head_motion
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.nuisance import expose
from gamdss.synthetic.recording_events import Event, RecordingSettings, draw_events, speech_strength
from gamdss.synthetic.relief import height_map

# Streams of random numbers: what is drawn from one does not change the others.
_PERSON, _EVENTS, _HEAD, _FIELDS, _SPEECH, _NOISE, _LIGHT = range(7)


@dataclass(frozen=True, eq=False)
class Recording:
    """One recording: its face, its events in order of onset, and all that changes by frame.

    Frame numbers start at 1. `subject` counts from 1; the same subject and seed give the same
    face in each of its recordings.
    """

    subject: int
    take: int
    settings: RecordingSettings
    face: Face
    depth: np.ndarray
    events: tuple[Event, ...]
    head: HeadMotion

    @property
    def name(self) -> str:
        """`s01_1`: subject and take."""
        return f"s{self.subject:02d}_{self.take}"

    @property
    def length(self) -> int:
        """Number of frames."""
        return self.settings.frames

    def frames(self) -> Iterator[tuple[int, np.ndarray]]:
        """Frame numbers and frames, uint8 BGR (H, W, 3), in order."""
        rng = self._rng(_NOISE)
        moving = list(self._moving())
        closure = self._closure()
        gain = 1 + 0.01 * self._rng(_LIGHT).standard_normal(self.length)
        for index in range(self.length):
            shift = self.head.displacement(index, self.depth, self.face.scale)
            shift *= self.face.head[..., None]
            for event, field, course in moving:
                if event.onset <= index + 1 <= event.offset:
                    shift += float(course[index + 1 - event.onset]) * field
            picture = self.face.picture(float(closure[index]), shift)
            light = float(gain[index])
            yield index + 1, expose(picture, light, np.zeros(2), self.settings.noise, rng)

    def _moving(self) -> Iterator[tuple[Event, np.ndarray, np.ndarray]]:
        """Events that move skin: displacement (H, W, 2) in pixels, and strength by frame."""
        rng, speech = self._rng(_FIELDS), self._rng(_SPEECH)
        for event in self.events:
            if event.expression is not None:
                field = displacement(self.face, event.expression, rng)
                yield event, event.amplitude * self.face.scale * field, event.strength
            elif event.kind == "speech":
                for unit in (25, 20):
                    field = displacement(self.face, Expression((unit,)), rng)
                    course = speech_strength(event, self.settings.fps, speech)
                    yield event, event.amplitude * self.face.scale * field, course

    def _closure(self) -> np.ndarray:
        """How far the eyes are closed in each frame, (T,) 0 to 1."""
        closure = np.zeros(self.length)
        for event in self.events:
            if event.kind == "blink":
                part = closure[event.onset - 1 : event.offset]
                np.maximum(part, event.strength[: len(part)], out=part)
        return closure

    def _rng(self, stream: int) -> np.random.Generator:
        return np.random.default_rng((self.settings.seed, stream, self.subject, self.take))


def draw_recording(settings: RecordingSettings, subject: int = 1, take: int = 1) -> Recording:
    """Draw the recording `take` of `subject`; deterministic by the seed of the settings."""
    person = np.random.default_rng((settings.seed, _PERSON, subject))
    face = render_face(draw_identity(person), settings.height, settings.width)
    streams = (
        np.random.default_rng((settings.seed, stream, subject, take)) for stream in (_EVENTS, _HEAD)
    )
    events = draw_events(settings, next(streams))
    head, turns = draw_head_motion(settings, next(streams))
    every = sorted((*events, *turns), key=lambda event: (event.onset, event.kind))
    return Recording(subject, take, settings, face, _depth(face), tuple(every), head)


def _depth(face: Face) -> np.ndarray:
    """Height towards the camera (H, W) in pixels, 0 on average over the face."""
    canvas = Canvas(face.width / face.scale, face.height / face.scale, face.scale)
    depth = height_map(canvas, face.identity) * face.scale
    inside = face.head > 0.5
    return np.asarray(depth - depth[inside].mean(), np.float32)
