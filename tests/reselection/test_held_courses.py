"""Spotting without annotation: an expression that is held, through the real path."""

import numpy as np
import pytest

from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import render_face
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.settings import SynthConfig

HELD = SynthConfig(
    **{"rise_ms": (167, 167), "plateau_ms": (1067, 1067), "fall_ms": (267, 267)},
    **{"margin_ms": 400, "amplitude": (3.0, 3.0), "noise": 1.0, "drift": 0.1, "blink": 0.0},
    course=["cosine"],
)


def test_a_held_smile_is_spotted_with_its_apex_phase():
    rng = np.random.default_rng(0)
    face = render_face(draw_identity(rng), 96, 80)
    clip = draw_clip(face, "happiness", HELD, 30.0, rng)
    keys = fit_spotted(dict(clip.frames())).keys
    true = clip.course.true
    assert keys.onset == pytest.approx(true.onset, abs=3)
    assert keys.offset == pytest.approx(true.offset, abs=5)
    held = clip.course.numbers[clip.course.strength > 0.9]
    assert keys.apex_phase == pytest.approx((held[0], held[-1]), abs=2)
    low, high = keys.intervals[1]
    assert low - 2 <= true.apex <= high + 2
    assert low <= keys.apex <= high
