"""Fits without annotation: frames of a held expression."""

import numpy as np

from gamdss.reselection.motion.course import Posterior
from gamdss.reselection.motion.starts import with_held


def fit(course):
    times = np.arange(1, len(course) + 1)
    return Posterior(np.ones((1, 3)), np.array(course), np.ones(3), times)


def test_any_frame_of_a_held_expression_could_be_its_apex():
    held = fit([0, 0.3, 0.8, 1, 1, 1, 0.9, 0.4, 0, 0])
    assert with_held((5, 5), held) == (3, 7)
    assert with_held((2, 5), held) == (2, 7)


def test_the_apex_of_an_expression_that_peaks_keeps_its_interval():
    course = np.array([0, 0.2, 0.5, 0.8, 1, 0.8, 0.5, 0.2, 0])
    assert with_held((5, 6), fit(course)) == (5, 6)
    assert with_held((5, 6), fit(course / 2)) == (5, 6)
