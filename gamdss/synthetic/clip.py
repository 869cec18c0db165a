"""One made clip: draws its expression, course and disturbances, and its frames one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from gamdss.records import KeyFrames
from gamdss.synthetic.action_units import Expression, displacement, draw_expression
from gamdss.synthetic.annotator import annotate
from gamdss.synthetic.face import OVERSAMPLING, Face
from gamdss.synthetic.nuisance import Nuisances, draw_nuisances, expose, texture
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse, draw_time_course


@dataclass(frozen=True, eq=False)
class MadeClip:
    """What was drawn for a clip. `amplitude` is the largest displacement at the apex, pixels."""

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
            shift = shift + self._head_motion(index, columns, rows)
            sharp = texture(self.face, float(self.nuisances.closure[index]))
            # Where each pixel's content comes from, at the centre of the texture's pixels.
            picture = cv2.remap(
                sharp,
                OVERSAMPLING * (columns - shift[..., 0] + 0.5) - 0.5,
                OVERSAMPLING * (rows - shift[..., 1] + 0.5) - 0.5,
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            gain, slope = self.nuisances.gain[index], self.nuisances.slope[index]
            yield int(number), expose(picture, float(gain), slope, self.noise, rng)

    def _head_motion(self, index: int, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Displacement (H, W, 2) by the head's drift; the background stays."""
        dx, dy, turn = (float(value) for value in self.nuisances.drift[index])
        across = dx - turn * (rows - self.face.height / 2)
        down = dy + turn * (columns - self.face.width / 2)
        return np.stack([across, down], axis=2) * self.face.head[..., None]


def draw_clip(
    face: Face, emotion: str, config: SynthConfig, fps: float, rng: np.random.Generator
) -> MadeClip:
    """Draw a clip of `emotion` on `face`."""
    expression = draw_expression(emotion, rng)
    course = draw_time_course(config, fps, rng)
    return MadeClip(
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
