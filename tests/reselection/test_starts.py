"""Fits without annotation: frames of a held expression."""

import numpy as np

from gamdss.reselection.motion.starts import with_held


def test_any_frame_of_a_held_expression_could_be_its_apex():
    times, course = np.arange(1, 11), np.array([0, 0.3, 0.8, 1, 1, 1, 0.9, 0.4, 0, 0])
    assert with_held((5, 5), times, course) == (3, 7)
    assert with_held((2, 5), times, course) == (2, 7)
