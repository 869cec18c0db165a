"""`motion` on clips that its model does not assume, and on which nothing was tuned.

A photographed face (scikit-image's portrait of an astronaut) moves by a power law up, stays, and
moves by another power law down. Run as `python -m gamdss.studies.stress.unseen`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from tqdm import tqdm

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection import needed_frames
from gamdss.reselection.motion.annotator import usual_phases
from gamdss.reselection.motion.fit import fit_together, see_motion
from gamdss.synthetic.action_units import displacement, draw_expression
from gamdss.synthetic.clip import SyntheticClip, annotate
from gamdss.synthetic.face import OVERSAMPLING, Face, render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.nuisance import draw_nuisances
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse

CLIPS, PEOPLE = 120, 12
_SEED = 8_120_000
_FPS = 200.0
_CROP = (slice(10, 230), slice(135, 316))  # the face in the photograph
_EMOTIONS = ("happiness", "disgust", "surprise", "repression")
_SETTINGS = SynthConfig(
    height=170,
    width=140,
    fps=_FPS,
    noise=2.0,
    blink=0.0,
    onset_jitter=0.11,
    apex_jitter=0.13,
    offset_jitter=0.19,
)


@lru_cache(maxsize=PEOPLE)
def photographed_face(person: int) -> Face:
    """The photograph in place of a painted face; the person decides how expressions move it."""
    from skimage.data import astronaut  # noqa: PLC0415  # an extra

    height, width = _SETTINGS.height, _SETTINGS.width
    size = (OVERSAMPLING * width, OVERSAMPLING * height)
    photo = cv2.resize(astronaut()[_CROP][..., ::-1].astype(np.float32), size)
    rng = np.random.default_rng((_SEED, 0, person))
    painted = render_face(draw_identity(rng), height, width)
    return replace(painted, texture=photo, closed=photo)


def power_course(rng: np.random.Generator) -> TimeCourse:
    """A power law up, a plateau with the apex in its middle, and a power law down."""
    rise, fall = (round(rng.uniform(*ms) * _FPS / 1000) for ms in ((100, 200), (120, 250)))
    held = int(rng.uniform(0, 0.3) * min(rise, fall))
    lead, tail = rng.integers(30, 46, 2)
    onset = 1 + int(lead)
    apex = onset + rise + held
    offset = apex + held + fall
    numbers = np.arange(1, offset + int(tail) + 1)
    up = np.clip((numbers - onset) / rise, 0, 1) ** rng.uniform(0.5, 2)
    down = np.clip((offset - numbers) / fall, 0, 1) ** rng.uniform(0.5, 2)
    return TimeCourse(numbers, np.minimum(up, down), KeyFrames(onset, apex, offset), "unseen")


def draw(index: int) -> SyntheticClip:
    """Clip `index`."""
    face = photographed_face(index % PEOPLE)
    rng = np.random.default_rng((_SEED, 1, index))
    expression, course = draw_expression(_EMOTIONS[index % 4], rng), power_course(rng)
    return SyntheticClip(
        face=face,
        expression=expression,
        course=course,
        annotated=annotate(course, _SETTINGS, rng),
        amplitude=float(rng.uniform(0.75, 1.25)),
        field=displacement(face, expression, rng),
        nuisances=draw_nuisances(_SETTINGS, face, len(course.numbers), _FPS, rng),
        noise=_SETTINGS.noise,
        noise_seed=index,
    )


def measure(clips: int = CLIPS) -> dict[str, np.ndarray]:
    """Errors in percent of the phase, (clips, 3), of the annotation and of `motion`.

    And whether the intervals contain the truth, (clips, 3).
    """
    drawn = [draw(index) for index in range(clips)]
    usual = usual_phases([clip.annotated.numbers for clip in drawn])
    seen = []
    for clip in tqdm(drawn, unit="clip"):
        span = needed_frames(*clip.annotated.numbers, "motion")
        images = {number: frame for number, frame in clip.frames() if number in span}
        seen.append(see_motion(images, clip.annotated, usual))
    people = [f"{index % PEOPLE}" for index in range(clips)]
    found = [
        clip.annotated if fit is None else fit.keys
        for clip, fit in zip(drawn, fit_together(people, seen), strict=True)
    ]
    true = np.array([clip.course.true.numbers for clip in drawn])
    rise, fall = np.diff(true, axis=1).T
    phases = np.stack([rise, rise, fall], axis=1)
    numbers = np.array([keys.numbers for keys in found])
    given = np.array([clip.annotated.numbers for clip in drawn])
    ends = np.array([keys.intervals or [(n, n) for n in keys.numbers] for keys in found])
    return {
        "annotation": 100 * np.abs(given - true) / phases,
        "motion": 100 * np.abs(numbers - true) / phases,
        "contained": (ends[..., 0] <= true) & (true <= ends[..., 1]),
    }


def main() -> None:
    """Print the mean errors, what they fell by, and how often intervals contain the truth."""
    found = measure()
    before, after = found["annotation"].mean(axis=0), found["motion"].mean(axis=0)
    for k, key in enumerate(KEYS):
        print(
            f"{key}: {before[k]:.1f}% -> {after[k]:.1f}% of the phase "
            f"({100 * (after[k] / before[k] - 1):+.0f}%), "
            f"80% intervals contain it in {found['contained'][:, k].mean():.0%}"
        )


if __name__ == "__main__":
    main()
