"""One synthetic clip: its expression, time course, annotation and disturbances; its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gamdss.records import KeyFrames
from gamdss.synthetic.action_units import Expression, displacement, draw_expression
from gamdss.synthetic.face import Face
from gamdss.synthetic.nuisance import Nuisances, draw_nuisances, expose
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse, draw_time_course


@dataclass(frozen=True, eq=False)
class SyntheticClip:
    """The random draws of a clip. `amplitude` is the largest displacement at the apex, in pixels.

    `field` (H, W, 2) is the displacement at the apex for an amplitude of 1.
    """

    face: Face
    expression: Expression
    course: TimeCourse
    annotated: KeyFrames
    amplitude: float
    field: np.ndarray
    nuisances: Nuisances
    noise: float
    noise_seed: int

    def frames(self) -> Iterator[tuple[int, np.ndarray]]:
        """Frame numbers and frames, uint8 BGR (H, W, 3), in order."""
        rng = np.random.default_rng(self.noise_seed)
        rows, columns = np.indices((self.face.height, self.face.width), dtype=np.float32)
        for index, number in enumerate(self.course.numbers):
            shift = self.amplitude * float(self.course.strength[index]) * self.field
            shift = shift + self._head_shift(index, columns, rows)
            picture = self.face.picture(float(self.nuisances.closure[index]), shift)
            gain, slope = self.nuisances.gain[index], self.nuisances.slope[index]
            yield int(number), expose(picture, float(gain), slope, self.noise, rng)

    def _head_shift(self, index: int, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Displacement (H, W, 2) by the head's drift; the background does not move."""
        dx, dy, turn = (float(value) for value in self.nuisances.drift[index])
        across = dx - turn * (rows - self.face.height / 2)
        down = dy + turn * (columns - self.face.width / 2)
        return np.stack([across, down], axis=2) * self.face.head[..., None]


def draw_clip(
    face: Face, emotion: str, config: SynthConfig, fps: float, rng: np.random.Generator
) -> SyntheticClip:
    """Draw a clip of `emotion` on `face`."""
    expression = draw_expression(emotion, rng)
    course = draw_time_course(config, fps, rng)
    return SyntheticClip(
        face=face,
        expression=expression,
        course=course,
        annotated=annotate(course, config, rng),
        amplitude=float(rng.uniform(*config.amplitude)),
        field=displacement(face, expression, rng),
        nuisances=draw_nuisances(config, face, len(course.numbers), fps, rng),
        noise=config.noise,
        noise_seed=int(rng.integers(2**63)),
    )


def annotate(course: TimeCourse, config: SynthConfig, rng: np.random.Generator) -> KeyFrames:
    """Key frames of a simulated annotator: the true ones plus bias and jitter.

    They are always frames of the clip, with onset < apex < offset.
    """
    true = course.true
    rise, fall = true.apex - true.onset, true.offset - true.apex
    jitter = (config.onset_jitter, config.apex_jitter, config.offset_jitter)
    bias = (config.onset_bias, config.apex_bias, config.offset_bias)
    errors = rng.standard_normal(3) * jitter + bias
    seen = np.round(np.array(true.numbers) + errors * (rise, rise, fall)).astype(int)
    first, last = int(course.numbers[0]), int(course.numbers[-1])
    onset = int(np.clip(seen[0], first, last - 2))
    apex = int(np.clip(seen[1], onset + 1, last - 1))
    offset = int(np.clip(seen[2], apex + 1, last))
    return KeyFrames(onset, apex, offset)
