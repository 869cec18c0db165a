"""Labels of the curves of `gamdss spot` and `bias`."""

import numpy as np
import pytest

from gamdss.records import KeyFrames
from gamdss.report import motion_curve
from gamdss.report.motion_curve import Curve, motion_curves


@pytest.mark.parametrize("strength", [0.0, 0.03, 0.2, 2.0])
def test_the_labels_of_rest_and_peak_do_not_overlap(tmp_path, monkeypatch, strength):
    """Also where the expression is much weaker than other motion."""
    figures, times = [], np.arange(1, 100)
    monkeypatch.setattr(motion_curve, "save", lambda figure, _: figures.append(figure))
    course = np.clip(1 - np.abs(times - 50) / 20, 0, 1)
    level = strength * course + np.sin(times / 3)
    keys = KeyFrames(30, 50, 70)
    motion_curves(tmp_path / "a.png", [Curve(n, times, level, course, None, keys) for n in "ab"])
    figures[-1].draw_without_rendering()
    for panel in figures[-1].axes:
        rest, peak = (label.get_window_extent() for label in panel.get_yticklabels())
        assert rest.y1 <= peak.y0
