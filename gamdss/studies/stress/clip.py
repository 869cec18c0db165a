"""One synthetic clip of the stress test: drawn once, its key frames found in every way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from gamdss.data.specs import get_spec
from gamdss.reselection import needed_frames, reselect
from gamdss.reselection.motion.annotator import FIXED
from gamdss.reselection.motion.course import in_order, slow_memory
from gamdss.reselection.motion.fit import fit_motion
from gamdss.reselection.motion.posterior import Problem, sample
from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.settings import SynthConfig

# Seeds are (SEED, 0, person) and (SEED, 1, person, clip), the same in all cells, so that cells
# differ only in their factor. Nothing else draws from them, and nothing is tuned on them.
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


def measure_clip(config: SynthConfig, index: int) -> ClipResult:
    """Draw clip `index`, and find its key frames in every way."""
    person, take = divmod(index, CLIPS_PER_PERSON)
    emotions = list(next(iter(get_spec(config.dataset).tasks.values())).emotions)
    face = _face(person, config.height, config.width)
    rng = np.random.default_rng((SEED, _CLIP, person, take))
    clip = draw_clip(face, emotions[index % len(emotions)], config, config.fps or 100.0, rng)
    frames = dict(_as_read(clip.frames(), config.jpeg_quality))
    annotated, course = clip.annotated, clip.course
    found = {"annotation": annotated.numbers}
    for preset, ratio in SEARCHES.items():
        found[preset] = reselect(frames, *annotated.numbers, preset=preset, ratio=ratio).numbers
    started = time.process_time()
    span = needed_frames(*annotated.numbers, "motion")
    fit = fit_motion({n: frames[n] for n in span if n in frames}, annotated)
    seconds = time.process_time() - started
    keys = annotated if fit is None else fit.keys
    spotted = fit_spotted(frames).keys
    found |= {"motion": keys.numbers, "spotted": spotted.numbers, "bound": annotated.numbers}
    if fit is not None:
        shape = (course.numbers, course.strength)
        found["bound"] = known_shape_fit(
            fit.level, fit.times, annotated.numbers, course.true.numbers, shape
        )
    return ClipResult(
        true=course.true.numbers,
        found=found,
        intervals={"motion": keys.intervals or None, "spotted": spotted.intervals or None},
        seconds=round(seconds, 4),
        family=course.family,
    )


@lru_cache(maxsize=16)
def _face(person: int, height: int, width: int) -> Face:
    rng = np.random.default_rng((SEED, _PERSON, person))
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
            curves=lambda parameters: stretched(parameters, times, true, shape),
            centre=keys,
            width=FIXED.prior(keys)[1],
            allowed=in_order,
            memory=slow_memory(keys),
        )
    )
    middle = np.median(draws, axis=0)
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in middle)
    return onset, apex, offset


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
