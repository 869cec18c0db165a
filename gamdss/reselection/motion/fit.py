"""Key frames from the motion of a whole clip, with their uncertainty.

Noise, light and drift decide the largest image difference. Here the dominant local motion of the
clip is measured in every frame, and a model of the whole rise and fall is fitted to it, with the
annotation as a prior. If the motion does not locate a key frame, the annotation is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.motion.annotator import (
    FIXED,
    Evidence,
    UsualPhases,
    has_both_phases,
    phase_lengths,
    with_both_phases,
)
from gamdss.reselection.motion.course import (
    THIN,
    Expected,
    Posterior,
    expected_strength,
    fit_course,
    nearest,
)
from gamdss.reselection.motion.learned import Learned, learn_dataset
from gamdss.reselection.motion.level import LEAST_PIXELS, MotionMeter, moves, shrink_all
from gamdss.reselection.motion.posterior import resampled

LEAST_FRAMES = 8
UNSUPPORTED = 0.85  # of the prior's width: above it, the motion does not locate the key frame
_NEAR = 1 / 3  # of the prior's width: a median further from the annotation is better than it
UNCERTAIN = 0.2  # of a phase: above this standard deviation, a key frame is uncertain
_LEAST_SHARE = 0.01  # of the samples that must count after weighting


@dataclass(frozen=True, eq=False)
class MotionFit:
    """The measured level of a clip, the fitted course, and the key frames.

    `times` (T,) are frame numbers, `level` (T,) the motion level, `course` (T,) the fitted
    strength of the expression from 0 to 1. `posterior` is the distribution of the key frames.
    """

    times: np.ndarray
    level: np.ndarray
    course: np.ndarray
    keys: KeyFrames
    posterior: Posterior

    @property
    def quality(self) -> float:
        """Share of the level's variance that the course explains, against a constant: 0 to 1.

        Below `RELIABLE` of `gamdss.records`, the level has no clear rise and fall, and the key
        frames mean little.
        """
        design = np.stack([self.course, np.ones_like(self.course)], axis=1)
        factors = np.linalg.lstsq(design, self.level, rcond=None)[0]
        total = float(np.var(self.level))
        if factors[0] <= 0 or total < 1e-18:
            return 0.0
        return max(0.0, 1 - float(np.var(self.level - design @ factors)) / total)


@dataclass(frozen=True, eq=False)
class AnnotatedMotion:
    """The measured level of an annotated clip, and the key frames' posterior under a wide prior.

    `usual`: phases of the dataset; `times` (T,): frame numbers; `level` (T,): the motion level.
    """

    annotated: KeyFrames
    usual: UsualPhases
    times: np.ndarray
    level: np.ndarray
    posterior: Posterior

    @property
    def evidence(self) -> Evidence:
        """What the motion shows of the annotation's errors and the course; enough to learn from."""
        return self._evidence.thinned(THIN)

    @property
    def _evidence(self) -> Evidence:
        return self.usual.evidence(self.posterior.parameters, np.array(self.annotated.numbers))

    def under(self, learned: Learned) -> MotionFit:
        """The fit under what was learned from the dataset.

        Starts from the samples that are likely then; if these are few, from the prior.
        """
        numbers = np.array(self.annotated.numbers)
        weights, start = learned.weights(self._evidence), None
        enough = 1 / (weights @ weights) >= _LEAST_SHARE * len(weights)
        if enough and has_both_phases(numbers):
            start = resampled(self.posterior.parameters, weights, 0.5)
        expected = learned.expected(numbers, self.usual)
        return _fitted(self.times, self.level, self.annotated, expected, start)

    def alone(self) -> MotionFit:
        """The fit under the fixed prior: as `fit_motion` finds it."""
        return _fitted(self.times, self.level, self.annotated, _fixed(self.annotated))


def fit_motion(images: Mapping[int, np.ndarray], keys: KeyFrames) -> MotionFit | None:
    """Measure the motion of a clip and fit its course.

    Args:
        images: frames by number, all of one size, with the annotated ones among them.
        keys: the annotation.

    Returns:
        The fit; None if frames are too few or too small, or show no structure or change, or if
        onset, apex and offset are one frame.
    """
    measured = _measure(images, keys)
    if measured is None:
        return None
    return _fitted(*measured, keys, _fixed(keys))


def see_motion(
    images: Mapping[int, np.ndarray], keys: KeyFrames, usual: UsualPhases
) -> AnnotatedMotion | None:
    """As `fit_motion`, before it is known what the dataset teaches.

    Args:
        images, keys: as `fit_motion`.
        usual: phases of the dataset's annotation.
    """
    measured = _measure(images, keys)
    if measured is None:
        return None
    numbers = np.array(keys.numbers)
    times, level = measured
    posterior = fit_course(level, times, Expected(numbers, usual.wide(numbers)))
    return AnnotatedMotion(keys, usual, times, level, posterior)


def fit_together(
    subjects: Sequence[str], seen: Sequence[AnnotatedMotion | None]
) -> list[MotionFit | None]:
    """The fit of each clip under what is learned from all other subjects' clips.

    Args:
        subjects: of each clip.
        seen: of each clip of a dataset, as `see_motion` found it.
    """
    known = [(who, clip.evidence) for who, clip in zip(subjects, seen, strict=True) if clip]
    learned = learn_dataset([who for who, _ in known], [evidence for _, evidence in known])
    return [
        clip.under(learned.without[who]) if clip else None
        for who, clip in zip(subjects, seen, strict=True)
    ]


def _measure(
    images: Mapping[int, np.ndarray], keys: KeyFrames
) -> tuple[np.ndarray, np.ndarray] | None:
    """Frame numbers (T,) and motion level (T,); None where `fit_motion` returns None."""
    times = np.array(sorted(images))
    if len(times) < LEAST_FRAMES or keys.onset == keys.offset:
        return None
    if min(images[keys.apex].shape[:2]) < LEAST_PIXELS:
        return None
    small = shrink_all(images[number] for number in times)
    if not moves(small):
        return None
    meter = MotionMeter(small)
    try:
        expected = expected_strength(with_both_phases(np.array(keys.numbers)), times)
        return times, meter.level(expected)
    except np.linalg.LinAlgError:  # no structure in the frames that could move
        return None


def _fixed(keys: KeyFrames) -> Expected:
    return Expected(*FIXED.prior(np.array(keys.numbers)))


def _fitted(
    times: np.ndarray,
    level: np.ndarray,
    keys: KeyFrames,
    expected: Expected,
    start: np.ndarray | None = None,
) -> MotionFit:
    """Medians, or the annotation where the motion does not locate a key frame, and intervals."""
    posterior = fit_course(level, times, expected, start)
    middle = posterior.middle()
    near = np.abs(middle - keys.numbers) <= _NEAR * expected.width
    kept = (posterior.spread > UNSUPPORTED) & near
    found = np.where(kept, keys.numbers, np.round(middle))
    while (wrong := np.diff(found) < 0).any():
        # An annotated frame on the wrong side of a moved one is located by the motion after all.
        kept &= ~(np.append(wrong, False) | np.append(False, wrong))
        found = np.where(kept, keys.numbers, np.round(middle))
    deviation = posterior.samples.std(axis=0) / phase_lengths(np.median(posterior.samples, axis=0))
    numbers = nearest(times, found)
    moved = KeyFrames(
        *numbers,
        intervals=posterior.intervals(keys=numbers),
        apex_phase=posterior.apex_phase,
        kept=_names(kept),
        uncertain=_names(deviation > UNCERTAIN),
    )
    return MotionFit(times, level, posterior.course, moved, posterior)


def _names(chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(name for name, yes in zip(KEYS, chosen, strict=True) if yes)
