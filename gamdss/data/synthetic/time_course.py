"""How strong an expression is in each frame, and where its key frames truly are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.data.synthetic.settings import Range, SynthConfig
from gamdss.records import KeyFrames


@dataclass(frozen=True, eq=False)
class TimeCourse:
    """`numbers` are the frame numbers of the clip, `strength` (T,) runs from 0 to 1.

    It is 0 up to the true onset and from the true offset on, and 1 at the true apex.
    """

    numbers: np.ndarray
    strength: np.ndarray
    true: KeyFrames


def draw_time_course(config: SynthConfig, fps: float, rng: np.random.Generator) -> TimeCourse:
    """A raised-cosine rise, a plateau with the apex in its middle, and a fall."""

    def frames(span: Range, least: int) -> int:
        return max(least, round(rng.uniform(*span) * fps / 1000))

    rise, fall = frames(config.rise_ms, 2), frames(config.fall_ms, 2)
    half_plateau = frames(config.plateau_ms, 0) // 2
    margin = max(1, round(config.margin_ms * fps / 1000))
    lead, tail = (margin + int(rng.integers(0, max(1, margin // 2) + 1)) for _ in range(2))
    first = int(rng.integers(1, 150))
    onset = first + lead
    apex = onset + rise + half_plateau
    offset = apex + half_plateau + fall
    numbers = np.arange(first, offset + tail + 1)
    up = np.clip((numbers - onset) / rise, 0, 1)
    down = np.clip((offset - numbers) / fall, 0, 1)
    # Slower or faster at the beginning than a plain cosine, by clip.
    shape = rng.uniform(0.85, 1.2, 2)
    strength = (0.5 - 0.5 * np.cos(np.pi * up)) ** shape[0]
    strength = strength * (0.5 - 0.5 * np.cos(np.pi * down)) ** shape[1]
    return TimeCourse(numbers, strength, KeyFrames(onset, apex, offset))
