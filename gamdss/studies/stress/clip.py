"""One synthetic clip of the stress test: drawn once, its key frames found in every way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from gamdss.data.specs import get_spec
from gamdss.records import KeyFrames
from gamdss.reselection import needed_frames, reselect
from gamdss.reselection.motion.annotator import FIXED, UsualPhases
from gamdss.reselection.motion.course import in_order, nearest, slow_memory
from gamdss.reselection.motion.fit import AnnotatedMotion, fit_together, see_motion
from gamdss.reselection.motion.posterior import Problem, sample
from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic.action_units import draw_expression
from gamdss.synthetic.clip import annotate, draw_clip
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import draw_time_course

# Seeds are (seed, 0, person) and (seed, 1, person, clip), the same in all cells, so that cells
# differ only in their factor. Nothing else draws from this one.
SEED = 7_340_000
_PERSON, _CLIP = range(2)
CLIPS_PER_PERSON = 4
# Presets that search for the largest difference, with the ratio that replaces their own.
SEARCHES: dict[str, float | None] = {"original-full": None, "full": None, "both-sides": 0.25}
WAYS = ("annotation", *SEARCHES, "motion", "spotted", "bound")
STATING = ("motion", "spotted")  # ways that state intervals
Numbers = tuple[int, int, int]  # onset, apex, offset


@dataclass(frozen=True)
class ClipResult:
    """Key frames of one clip.

    `true`: the true onset, apex and offset; `found`: those of each of `WAYS`; `intervals`: (3, 2)
    of each of `STATING`, None where it states none; `seconds`: processor time of `motion`;
    `family`: of the time course.
    """

    true: Numbers
    found: Mapping[str, Numbers]
    intervals: Mapping[str, tuple[tuple[int, int], ...] | None]
    seconds: float
    family: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a cell's file."""
        values = asdict(self)
        found = values.pop("found")
        return {"true": values.pop("true"), **found, **values}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClipResult:
        """From a cell's file; KeyError or TypeError if values are missing."""
        intervals = {
            way: tuple(map(tuple, values["intervals"][way] or ())) or None for way in STATING
        }
        found = {way: tuple(values[way]) for way in WAYS}
        about = values["seconds"], values["family"]
        return cls(tuple(values["true"]), found, intervals, *about)


@dataclass(frozen=True, eq=False)
class MeasuredClip:
    """A clip whose `result` has the annotation in place of `motion`, which `finish_clips` adds.

    `person`: whose it is; `motion`: what the clip's motion shows, None where it shows nothing.
    """

    person: str
    result: ClipResult
    motion: AnnotatedMotion | None


def draw_annotation(config: SynthConfig, index: int) -> KeyFrames:
    """The annotated key frames of clip `index`."""
    emotion, rng = _drawing(config, index)
    draw_expression(emotion, rng)  # comes first in `draw_clip`
    return annotate(draw_time_course(config, _fps(config), rng), config, rng)


def measure_clip(config: SynthConfig, usual: UsualPhases, index: int) -> MeasuredClip:
    """Draw clip `index`, and find its key frames in every way.

    Args:
        config: settings of the clips.
        usual: phases of their annotation.
        index: of the clip.
    """
    person = index // CLIPS_PER_PERSON
    emotion, rng = _drawing(config, index)
    face = _face(config.seed, person, config.height, config.width)
    clip = draw_clip(face, emotion, config, _fps(config), rng)
    frames = dict(_as_read(clip.frames(), config.jpeg_quality))
    annotated, course = clip.annotated, clip.course
    found = {"annotation": annotated.numbers}
    for preset, ratio in SEARCHES.items():
        found[preset] = reselect(frames, *annotated.numbers, preset=preset, ratio=ratio).numbers
    started = time.process_time()
    span = needed_frames(*annotated.numbers, "motion")
    motion = see_motion({n: frames[n] for n in span if n in frames}, annotated, usual)
    seconds = time.process_time() - started
    spotted = fit_spotted(frames).keys
    found |= dict.fromkeys(("motion", "bound"), annotated.numbers)
    found["spotted"] = spotted.numbers
    if motion is not None:
        shape = (course.numbers, course.strength)
        found["bound"] = known_shape_fit(
            motion.level, motion.times, annotated.numbers, course.true.numbers, shape
        )
    result = ClipResult(
        true=course.true.numbers,
        found=found,
        intervals={"motion": None, "spotted": spotted.intervals or None},
        seconds=seconds,
        family=course.family,
    )
    return MeasuredClip(f"{person}", result, motion)


def finish_clips(clips: Sequence[MeasuredClip]) -> list[ClipResult]:
    """The results of a cell; the annotator is learned from the other people's clips."""
    started = time.process_time()
    fits = fit_together([clip.person for clip in clips], [clip.motion for clip in clips])
    seconds = (time.process_time() - started) / len(clips)
    results = []
    for clip, fit in zip(clips, fits, strict=True):
        result = replace(clip.result, seconds=round(clip.result.seconds + seconds, 4))
        if fit is not None:
            found = {**result.found, "motion": fit.keys.numbers}
            stated = {**result.intervals, "motion": fit.keys.intervals}
            result = replace(result, found=found, intervals=stated)
        results.append(result)
    return results


def _drawing(config: SynthConfig, index: int) -> tuple[str, np.random.Generator]:
    """Emotion and random numbers of clip `index`."""
    emotions = list(next(iter(get_spec(config.dataset).tasks.values())).emotions)
    seed = (config.seed, _CLIP, *divmod(index, CLIPS_PER_PERSON))
    return emotions[index % len(emotions)], np.random.default_rng(seed)


def _fps(config: SynthConfig) -> float:
    return config.fps or 100.0


@lru_cache(maxsize=16)
def _face(seed: int, person: int, height: int, width: int) -> Face:
    rng = np.random.default_rng((seed, _PERSON, person))
    return render_face(draw_identity(rng), height, width)


def _as_read(
    frames: Iterable[tuple[int, np.ndarray]], quality: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Frame numbers and frames as decoded from JPEG files."""
    for number, frame in frames:
        done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        yield number, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))


def known_shape_fit(
    level: np.ndarray,
    times: np.ndarray,
    annotated: Numbers,
    true: Numbers,
    shape: tuple[np.ndarray, np.ndarray],
) -> Numbers:
    """The bound: onset, apex and offset from a measured level if the course's shape is known.

    The level is fitted by the clip's true strength curve, of which only the key frames are
    unknown: the parts before and after the apex are shifted and stretched to them. Prior, noise
    estimate and estimator (the posterior's median) are those of `motion`. The remaining error is
    due to noise in the level and to the annotation; what `motion` adds is the price of not knowing
    the shape. It bounds fits to this level under this prior, on average over clips, as far as the
    level's errors are noise: where drift bends the level, a fit of free shapes may occasionally be
    better, as may another measurement. No method that must learn the shape will come near it.

    Args:
        level: (T,) motion level, as `fit_motion` measured it.
        times: (T,) frame numbers of the level.
        annotated: onset, apex and offset that the prior is centred on.
        true: onset, apex and offset that `shape` belongs to.
        shape: frame numbers (S,) and the true strength of the expression at them (S,).

    Returns:
        Medians of the posterior, rounded to frames of `times`.
    """
    keys = np.array(annotated, float)
    draws = sample(
        Problem(
            level=level,
            times=times,
            curves=lambda keys: stretched(keys, times, true, shape),
            centre=keys,
            width=FIXED.prior(keys)[1],
            allowed=in_order,
            memory=slow_memory(keys),
        )
    )
    middle = np.median(draws[:, :3], axis=0)
    return nearest(times, middle)


def stretched(
    keys: np.ndarray,
    times: np.ndarray,
    true: Numbers,
    shape: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """The curve `shape` with its key frames moved from `true` to each of `keys` (N, 3): (N, T).

    Time runs piecewise linearly from one key frame to the next.
    """
    onset, apex, offset = (column[:, None] for column in keys.T)
    up = (times - onset) / np.maximum(apex - onset, 1e-6)
    down = (times - apex) / np.maximum(offset - apex, 1e-6)
    moved = np.where(
        times < apex, true[0] + up * (true[1] - true[0]), true[1] + down * (true[2] - true[1])
    )
    numbers, strength = shape
    return np.interp(moved, numbers, strength, left=0.0, right=0.0)
