"""Errors against the truth of synthetic clips, in sentences."""

import numpy as np

from gamdss.records import Clip, KeyFrames
from gamdss.studies.bias.accuracy import accuracy
from gamdss.studies.bias.shifts import measure_shifts


def test_errors_coverage_and_tail_are_stated_for_clips_with_known_truth():
    clips = [
        Clip("cas2", "01", name, KeyFrames(100, 130, 170), "happiness") for name in ("a", "b", "c")
    ]
    found = [
        KeyFrames(100, 120, 160, intervals=((99, 101), (119, 121), (150, 155))),
        KeyFrames(100, 132, 160, intervals=((99, 101), (119, 121), (150, 165))),
        KeyFrames(0, 1, 2, intervals=((0, 0), (1, 1), (2, 2))),
    ]
    truth = np.array([(100, 120, 160), (100, 120, 160), (np.nan,) * 3])
    lines = accuracy(measure_shifts(clips, found, 200), truth)
    assert lines[0] == (
        "true onset: the annotation's mean error is 0.0% (median 0.0%) of the phase, that of "
        "reselection 0.0% (median 0.0%), 80% intervals contain it in 100%"
    )
    assert "is 50.0% (median 50.0%) of the phase, that of reselection 30.0%" in lines[1]
    assert "contain it in 50%" in lines[2]
    assert lines[3].endswith("in 2 of 2 clips as annotated, in 1 as reselected")
