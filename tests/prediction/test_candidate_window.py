"""Which frames are collected around a candidate."""

import numpy as np
import pytest

from gamdss.align.pose import Pose
from gamdss.prediction.candidate_window import Window
from gamdss.prediction.long import Candidate
from gamdss.prediction.stretches import Stretch


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_every_frame_that_may_be_a_key_frame_has_its_neighbours(reach):
    numbers = np.array([n for n in range(500, 2500) if n != 1201])  # one frame is missing
    ones = np.ones(len(numbers))
    poses = np.zeros((len(numbers), 4))
    stretch = Stretch(1, numbers, numbers / 200, poses, Pose(0, 0, 1, 0), False, 0.0, ones)
    window = Window(0, stretch, Candidate("micro", 700, 745, 790, 2.0, ("brows",)), 200.0, reach)
    spotted = {1200, 1246, 1291}
    assert spotted == set(window.spotted)
    kept = window._near | window._wide | spotted
    assert len(kept) < 400  # of a longer time, every second or third frame
    present = set(numbers.tolist())
    beside = {n + step for n in kept for step in range(-reach, reach + 1)} & present
    assert window.wanted == beside
