"""What happens in a synthetic recording, and when: expressions, speech, blinks."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace

import numpy as np

from gamdss.errors import ConfigError, is_between, require
from gamdss.synthetic.action_units import Expression, draw_expression
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse, draw_time_course

_EMOTIONS = ("happiness", "surprise", "disgust", "repression", "others", "sadness")
# Phases of both types in milliseconds: micro-expressions last 0.2 to 0.5 s, macro-expressions
# longer, half of them about 1 s (CAS(ME)2: median 31 frames of 30 fps; SAMM: 223 of 200 fps).
_PHASES = {
    "micro": {"rise_ms": (100.0, 200.0), "plateau_ms": (0.0, 25.0), "fall_ms": (120.0, 250.0)},
    "macro": {"rise_ms": (200.0, 450.0), "plateau_ms": (100.0, 1200.0), "fall_ms": (250.0, 700.0)},
}
_AMPLITUDE = {"micro": (1.5, 2.5), "macro": (3.5, 8.0), "speech": (2.0, 5.0)}
_LARGEST = sys.float_info.max
_GAP = 0.5  # seconds at least between expressions, and to the ends of the recording
_BLINK = (0.12, 0.35)  # seconds
_SPEECH = (1.0, 2.5)  # seconds
_SYLLABLES = (2.5, 6.0)  # a second
# Allowed minimum of each number of the settings.
_LEAST: dict[str, float] = {
    **{"seconds": 1, "fps": 1, "height": 32, "width": 32},
    **dict.fromkeys(("speech", "blinks", "turns", "head", "noise", "seed"), 0),
}


@dataclass(frozen=True)
class RecordingSettings:
    """How a synthetic recording is drawn.

    Args:
        seconds: length of a recording.
        fps: frames per second.
        height: height of a frame in pixels.
        width: width of a frame in pixels; the face fills it.
        micro: minimum and maximum number of micro-expressions.
        macro: minimum and maximum number of macro-expressions.
        speech: stretches of speech-like motion of the mouth.
        blinks: blinks per minute.
        turns: turns or nods of the head per minute.
        head: factor on all motion of the head.
        noise: standard deviation of the sensor's noise in grey levels.
        seed: the same seed gives the same files.
    """

    seconds: float = 40.0
    fps: float = 30.0
    height: int = 240
    width: int = 200
    micro: tuple[int, int] = (0, 3)
    macro: tuple[int, int] = (1, 4)
    speech: int = 1
    blinks: float = 15.0
    turns: float = 3.0
    head: float = 1.0
    noise: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, low in _LEAST.items():
            value = getattr(self, name)
            require(is_between(value, low, _LARGEST), name, value, f"{low} or more")
        for name in ("micro", "macro"):
            least, most = getattr(self, name)
            require(0 <= least <= most, name, [least, most], "two numbers from 0, in order")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return round(self.seconds * self.fps)


@dataclass(frozen=True, eq=False)
class Event:
    """One event; `kind` is micro, macro, speech, blink or turn.

    Onset, apex and offset are frame numbers from 1. `strength` (offset - onset + 1,) runs from 0
    to 1; `amplitude` is the largest displacement in design units.
    """

    kind: str
    onset: int
    apex: int
    offset: int
    strength: np.ndarray = field(default_factory=lambda: np.zeros(0))
    amplitude: float = 0.0
    expression: Expression | None = None
    emotion: str = ""


def draw_events(settings: RecordingSettings, rng: np.random.Generator) -> tuple[Event, ...]:
    """Expressions and speech one after the other, blinks whenever.

    Raises:
        ConfigError: the recording is too short for its expressions.
    """
    kinds = [
        kind
        for kind, (low, high) in (("micro", settings.micro), ("macro", settings.macro))
        for _ in range(int(rng.integers(low, high + 1)))
    ]
    kinds += ["speech"] * settings.speech
    drawn = [_draw(str(kind), settings.fps, rng) for kind in rng.permutation(kinds)]
    gap = round(_GAP * settings.fps)
    free = settings.frames - sum(e.offset - e.onset + 1 for e in drawn) - gap * (len(drawn) + 1)
    if free < 0:
        raise ConfigError(
            f"{len(drawn)} events do not fit into a recording of {settings.seconds:g} s",
            remedy="Draw fewer events, or a longer recording.",
        )
    waits = rng.multinomial(free, rng.dirichlet(np.ones(len(drawn) + 1)))
    placed, frame = [], 1
    for event, wait in zip(drawn, waits, strict=False):
        frame += gap + int(wait)
        placed.append(_moved(event, frame - event.onset))
        frame += event.offset - event.onset + 1
    return (*placed, *_blinks(settings, rng))


def _draw(kind: str, fps: float, rng: np.random.Generator) -> Event:
    if kind == "speech":
        length = round(rng.uniform(*_SPEECH) * fps)
        amplitude = float(rng.uniform(*_AMPLITUDE[kind]))
        return Event(kind, 0, length // 2, length - 1, amplitude=amplitude)
    emotion = str(rng.choice(_EMOTIONS))
    expression = draw_expression(emotion, rng)
    config = SynthConfig(course=["mixed"], margin_ms=0.0, **_PHASES[kind])  # type: ignore[arg-type]
    course = draw_time_course(config, fps, rng)
    strength = _within(course)
    amplitude = float(rng.uniform(*_AMPLITUDE[kind]))
    return Event(kind, *course.true.numbers, strength, amplitude, expression, emotion)


def _within(course: TimeCourse) -> np.ndarray:
    """Strength from onset to offset."""
    first, last = course.true.onset, course.true.offset
    inside = (course.numbers >= first) & (course.numbers <= last)
    return np.asarray(course.strength[inside])


def _moved(event: Event, by: int) -> Event:
    onset, apex, offset = event.onset + by, event.apex + by, event.offset + by
    return replace(event, onset=onset, apex=apex, offset=offset)


def _blinks(settings: RecordingSettings, rng: np.random.Generator) -> list[Event]:
    """Blinks at random times, half a second apart or more."""
    found: list[Event] = []
    second = rng.exponential(60 / settings.blinks) if settings.blinks > 0 else np.inf
    while second < settings.seconds - _BLINK[1]:
        length = max(3, round(rng.uniform(*_BLINK) * settings.fps))
        at = np.linspace(-1, 1, length)
        onset = round(second * settings.fps) + 1
        strength = 0.5 + 0.5 * np.cos(np.pi * at)
        found.append(Event("blink", onset, onset + length // 2, onset + length - 1, strength))
        second += 0.5 + rng.exponential(max(60 / settings.blinks - 0.5, 0.05))
    return found


def speech_strength(event: Event, fps: float, rng: np.random.Generator) -> np.ndarray:
    """An opening and closing of the mouth for each syllable, (offset - onset + 1,) 0 to 1."""
    length = event.offset - event.onset + 1
    rate = rng.uniform(*_SYLLABLES, length)
    smooth = np.convolve(rate, np.ones(max(1, round(0.4 * fps))), "same") / np.convolve(
        np.ones(length), np.ones(max(1, round(0.4 * fps))), "same"
    )
    phase = 2 * np.pi * (np.cumsum(smooth) / fps + rng.random())
    loud = np.interp(np.arange(length), np.linspace(0, length - 1, 8), rng.uniform(0.3, 1, 8))
    edge = np.clip(np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.15 * fps), 0, 1)
    return np.asarray(edge * loud * (0.5 - 0.5 * np.cos(phase)))
