"""The strength of an expression in each frame, and its true key frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gamdss.records import KeyFrames
from gamdss.synthetic.settings import COURSES, Range, SynthConfig

_SINGLE = tuple(name for name in COURSES if name != "mixed")
_FAST, _SLOW = 0.45, 1.6  # factors for the phases of an asymmetric course


@dataclass(frozen=True, eq=False)
class TimeCourse:
    """The frame numbers of a clip, and the expression's `strength` (T,) in each.

    Strength is 0 up to the true onset, 1 at the true apex, and 0 again from the true offset on; if
    these moments lie between frames, the true key frames are the nearest.
    `family` is one of `COURSES`.
    """

    numbers: np.ndarray
    strength: np.ndarray
    true: KeyFrames
    family: str = "cosine"


def draw_time_course(config: SynthConfig, fps: float, rng: np.random.Generator) -> TimeCourse:
    """Draw a rise, a plateau with the apex in its middle, and a fall.

    What is specific to a family is drawn from a separate stream, so with the same seed, clips of
    different families are alike in everything else.
    """

    def frames(span: Range, least: int) -> int:
        return max(least, round(rng.uniform(*span) * fps / 1000))

    own = rng.spawn(1)[0]
    family = _draw_family(config.course, own)
    rise, fall = frames(config.rise_ms, 2), frames(config.fall_ms, 2)
    half_plateau = frames(config.plateau_ms, 0) // 2
    if family == "asymmetric":
        ways = (_FAST, _SLOW) if own.random() < 0.5 else (_SLOW, _FAST)
        rise, fall = (max(2, round(p * way)) for p, way in zip((rise, fall), ways, strict=True))
    margin = max(1, round(config.margin_ms * fps / 1000))
    lead, tail = (margin + int(rng.integers(0, max(1, margin // 2) + 1)) for _ in range(2))
    first = int(rng.integers(1, 150))
    onset = first + lead
    apex = onset + rise + half_plateau
    offset = apex + half_plateau + fall
    if family == "plateau":
        held = int(own.uniform(0.2, 0.5) * min(rise, fall))
        rise, fall = rise - held, fall - held
    numbers = np.arange(first, offset + tail + 1)
    away = own.spawn(1)[0].uniform(-0.5, 0.5, 3) if config.between_frames else np.zeros(3)
    up = np.clip((numbers - onset - away[0]) / (rise + away[1] - away[0]), 0, 1)
    down = np.clip((offset + away[2] - numbers) / (fall + away[2] - away[1]), 0, 1)
    # Exponents that make the start of a phase slower or faster than a plain cosine.
    shape = rng.uniform(0.85, 1.2, 2)
    strength = _SHAPES.get(family, _cosine)(up, down, shape, own)
    return TimeCourse(numbers, strength, KeyFrames(onset, apex, offset), family)


def _draw_family(names: list[str], rng: np.random.Generator) -> str:
    family = names[int(rng.integers(len(names)))]
    return _SINGLE[int(rng.integers(len(_SINGLE)))] if family == "mixed" else family


def _cosine(
    up: np.ndarray, down: np.ndarray, shape: np.ndarray, _: np.random.Generator
) -> np.ndarray:
    """Raised cosines; plateaus and asymmetric courses use them with other durations."""
    strength = (0.5 - 0.5 * np.cos(np.pi * up)) ** shape[0]
    return np.asarray(strength * (0.5 - 0.5 * np.cos(np.pi * down)) ** shape[1])


def _power(up: np.ndarray, down: np.ndarray, _: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Power laws, with a corner at one or both ends of a phase."""
    first, second = rng.uniform(0.6, 1.6, 2)
    return np.asarray(up**first * down**second)


def _tail(
    up: np.ndarray, down: np.ndarray, shape: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A fall that is fast at first and then fades: a power law or an exponential."""
    rise = (0.5 - 0.5 * np.cos(np.pi * up)) ** shape[0]
    if rng.random() < 0.5:
        return np.asarray(rise * down ** rng.uniform(1, 3))
    rate = rng.uniform(2, 5)
    return np.asarray(rise * np.expm1(rate * down) / np.expm1(rate))


_SHAPES: dict[str, Callable[..., np.ndarray]] = {"power": _power, "tail": _tail}
