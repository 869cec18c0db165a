"""A simulated annotator: sees the key frames where they are not quite."""

from __future__ import annotations

import numpy as np

from gamdss.records import KeyFrames
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse


def annotate(course: TimeCourse, config: SynthConfig, rng: np.random.Generator) -> KeyFrames:
    """What the workbook says; always in the clip's frames, onset < apex < offset."""
    true = course.true
    rise, fall = true.apex - true.onset, true.offset - true.apex
    errors = rng.standard_normal(3) * (
        config.onset_jitter,
        config.apex_jitter,
        config.offset_jitter,
    ) + (config.onset_bias, config.apex_bias, config.offset_bias)
    seen = np.round(np.array(true.numbers) + errors * (rise, rise, fall)).astype(int)
    first, last = int(course.numbers[0]), int(course.numbers[-1])
    onset = int(np.clip(seen[0], first, last - 2))
    apex = int(np.clip(seen[1], onset + 1, last - 1))
    offset = int(np.clip(seen[2], apex + 1, last))
    return KeyFrames(onset, apex, offset)
