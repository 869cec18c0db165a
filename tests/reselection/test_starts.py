"""Fits without annotation: expressions that are held."""

from dataclasses import replace

import numpy as np
import pytest

from gamdss.records import KeyFrames
from gamdss.reselection.motion.starts import with_held
from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.nuisance import draw_nuisances
from gamdss.synthetic.settings import SynthConfig
from gamdss.synthetic.time_course import TimeCourse


def test_any_frame_of_a_held_expression_could_be_its_apex():
    times, course = np.arange(1, 11), np.array([0, 0.3, 0.8, 1, 1, 1, 0.9, 0.4, 0, 0])
    assert with_held((5, 5), times, course) == (3, 7)
    assert with_held((2, 5), times, course) == (2, 7)
    assert with_held((5, 6), times, course / 2) == (5, 6)


@pytest.mark.slow
def test_a_held_expression_is_spotted_as_a_whole():
    rng = np.random.default_rng(7)
    config = SynthConfig(height=64, width=56, fps=30.0, noise=0.5, drift=0.1, blink=0.0)
    numbers = np.arange(1, 61)
    course = np.interp(numbers, (14, 19, 50, 55), (0, 1, 1, 0))
    clip = draw_clip(render_face(draw_identity(rng), 64, 56), "happiness", config, 30.0, rng)
    held = replace(
        clip,
        course=TimeCourse(numbers, course, KeyFrames(14, 34, 55), "held"),
        amplitude=2.0,
        nuisances=draw_nuisances(config, clip.face, len(numbers), 30.0, rng),
    )
    found = fit_spotted(dict(held.frames()))
    assert abs(found.keys.onset - 14) <= 3
    assert abs(found.keys.offset - 55) <= 3
    low, high = found.keys.intervals[1]
    assert low <= 34 <= high
    assert found.quality > 0.9
