"""How the head of a synthetic recording moves: sway, slow drift, and turns and nods in depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from gamdss.synthetic.recording_events import Event, RecordingSettings

# Standard deviations of sway (a third of a second) and drift (4 s): shift across and down in
# design units, roll in radians, change of scale, turn (yaw) and nod (pitch) in radians.
_SWAY = np.array([0.5, 0.5, 0.002, 0.001, 0.004, 0.004])
_DRIFT = np.array([3.0, 3.0, 0.015, 0.01, 0.04, 0.04])
_SECONDS = (0.33, 4.0)
_TURN = (0.07, 0.21)  # radians, 4 to 12 degrees
_TURN_SECONDS = (0.4, 1.0)  # there, and the same back
_HOLD_SECONDS = (0.2, 1.5)


@dataclass(frozen=True, eq=False)
class HeadMotion:
    """`pose` (T, 6): shift across and down in design units, roll, scale, yaw, pitch."""

    pose: np.ndarray

    def displacement(self, index: int, depth: np.ndarray, scale: float) -> np.ndarray:
        """Displacement (H, W, 2) in pixels of a frame, of a face of this depth (H, W) in pixels."""
        height, width = depth.shape
        x = np.arange(width, dtype=np.float32)[None, :] + 0.5 - width / 2
        y = np.arange(height, dtype=np.float32)[:, None] + 0.5 - height / 2
        across, down, roll, larger, yaw, pitch = (float(value) for value in self.pose[index])
        shift = np.empty((height, width, 2), np.float32)
        shift[..., 0] = scale * across + larger * x - roll * y + yaw * depth
        shift[..., 1] = scale * down + larger * y + roll * x + pitch * depth
        return shift


def draw_head_motion(
    settings: RecordingSettings, rng: np.random.Generator
) -> tuple[HeadMotion, list[Event]]:
    """The motion of a whole recording, and its turns as events."""
    pose = np.zeros((settings.frames, 6))
    for seconds, size in zip(_SECONDS, (_SWAY, _DRIFT), strict=True):
        pose += size * _wander(settings.frames, seconds * settings.fps, rng)
    turns = []
    for _ in range(int(rng.poisson(settings.turns * settings.seconds / 60))):
        event, strength = _turn(settings, rng)
        size = rng.uniform(*_TURN) * rng.choice([-1, 1])
        part = pose[event.onset - 1 : event.offset]
        part[:, 4 if rng.random() < 0.6 else 5] += size * strength[: len(part)]
        turns.append(event)
    # A crop is placed by the first frame's face.
    return HeadMotion(settings.head * (pose - pose[:1])), turns


def _wander(frames: int, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Six smooth random courses of unit deviation, (T, 6)."""
    noise = rng.standard_normal((frames, 6))
    return np.asarray(gaussian_filter1d(noise, sigma, axis=0) * np.sqrt(2 * sigma * np.pi**0.5))


def _turn(settings: RecordingSettings, rng: np.random.Generator) -> tuple[Event, np.ndarray]:
    """A turn away, a hold and the way back."""
    way = max(2, round(rng.uniform(*_TURN_SECONDS) * settings.fps))
    hold = round(rng.uniform(*_HOLD_SECONDS) * settings.fps)
    rise = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, way))
    strength = np.concatenate([rise, np.ones(hold), rise[::-1]])
    onset = 1 + int(rng.integers(max(1, settings.frames - len(strength))))
    last = min(settings.frames, onset + len(strength) - 1)
    return Event("turn", onset, min(last, onset + way + hold // 2), last), strength
