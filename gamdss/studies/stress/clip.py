"""One made clip of the stress test: drawn once, its key frames found in every way."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from gamdss.data.specs import get_spec
from gamdss.records import KeyFrames
from gamdss.reselection import needed_frames, reselect
from gamdss.reselection.motion.fit import fit_motion
from gamdss.reselection.spotting import fit_spotted
from gamdss.studies.stress.bound import known_shape_fit
from gamdss.studies.stress.grid import CLIPS_PER_PERSON, SEED
from gamdss.synthetic.clip import SyntheticClip, draw_clip
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.settings import SynthConfig

# Presets that search for the largest difference, with the ratio that replaces their own.
SEARCHES: dict[str, float | None] = {"original-full": None, "full": None, "both-sides": 0.25}
WAYS = ("annotation", *SEARCHES, "motion", "spotted", "bound")
STATING = ("motion", "spotted")  # ways that state intervals
_PERSON, _CLIP = range(2)


def measure_clip(config: SynthConfig, index: int) -> dict[str, Any]:
    """Key frames of clip `index` by every way, as plain values.

    Returns:
        `true` and each of `WAYS`: onset, apex, offset; `intervals` by each of `STATING`, None where
        it states none; `seconds` of processor time that `motion` took; `family` of the course.
    """
    person, take = divmod(index, CLIPS_PER_PERSON)
    emotions = list(next(iter(get_spec(config.dataset).tasks.values())).emotions)
    face = _face(person, config.height, config.width)
    rng = np.random.default_rng((SEED, _CLIP, person, take))
    made = draw_clip(face, emotions[index % len(emotions)], config, config.fps or 100.0, rng)
    frames = dict(_as_read(made, config.jpeg_quality))
    annotated = made.annotated
    found = {"true": made.course.true.numbers, "annotation": annotated.numbers}
    for preset, ratio in SEARCHES.items():
        found[preset] = reselect(frames, *annotated.numbers, preset=preset, ratio=ratio).numbers
    started = time.process_time()
    span = needed_frames(*annotated.numbers, "motion")
    fit = fit_motion({n: frames[n] for n in span if n in frames}, annotated)
    seconds = time.process_time() - started
    keys = annotated if fit is None else fit.keys
    found["motion"] = keys.numbers
    spotted = fit_spotted(frames).keys
    found["spotted"] = spotted.numbers
    found["bound"] = annotated.numbers
    if fit is not None:
        found["bound"] = _bound(fit.level, fit.times, annotated, made)
    return {
        **{name: list(numbers) for name, numbers in found.items()},
        "intervals": {
            way: [list(ends) for ends in stated.intervals] or None
            for way, stated in zip(STATING, (keys, spotted), strict=True)
        },
        "seconds": round(seconds, 4),
        "family": made.course.family,
    }


def _bound(
    level: np.ndarray, times: np.ndarray, annotated: KeyFrames, made: SyntheticClip
) -> tuple[int, int, int]:
    course = made.course
    shape = (course.numbers, course.strength)
    return known_shape_fit(level, times, annotated.numbers, course.true.numbers, shape)


@lru_cache(maxsize=16)
def _face(person: int, height: int, width: int) -> Face:
    rng = np.random.default_rng((SEED, _PERSON, person))
    return render_face(draw_identity(rng), height, width)


def _as_read(made: SyntheticClip, quality: int) -> list[tuple[int, np.ndarray]]:
    """Frame numbers and frames as a reader of the written JPEG files sees them."""
    frames = []
    for number, frame in made.frames():
        done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        frames.append((number, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))))
    return frames
