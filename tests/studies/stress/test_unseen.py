"""The unseen simulator: power laws around a plateau, on a photograph."""

import numpy as np
import pytest

from gamdss.studies.stress.unseen import draw, power_course


def test_the_course_rises_to_a_plateau_and_falls():
    course = power_course(np.random.default_rng(0))
    onset, apex, offset = (np.flatnonzero(course.numbers == n)[0] for n in course.true.numbers)
    assert course.strength[onset] == course.strength[offset] == 0
    assert course.strength[apex] == course.strength.max() == 1
    assert (np.diff(course.strength[onset:apex]) >= 0).all()
    assert (np.diff(course.strength[apex : offset + 1]) <= 0).all()
    assert not course.strength[:onset].any()


def test_clips_show_the_photograph_and_are_annotated():
    pytest.importorskip("skimage")
    clip = draw(0)
    number, frame = next(clip.frames())
    assert number == 1
    assert frame.shape == (170, 140, 3)
    assert frame.std() > 30
    assert clip.annotated.onset < clip.annotated.apex < clip.annotated.offset
