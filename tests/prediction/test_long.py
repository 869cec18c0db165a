"""Spotting in synthetic recordings through the real path: found, named, or nothing."""

import numpy as np
import pytest

from gamdss.metrics.spotting import Span, iou
from gamdss.prediction.face_regions import REGIONS, FaceLayout
from gamdss.prediction.long import spot_long, spot_motion
from gamdss.prediction.region_bumps import SpottingSettings
from gamdss.prediction.region_motion import RegionMotion
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

LAYOUT = FaceLayout((0.343, 0.465), (0.657, 0.465), (0.5, 0.75))
SMALL = {"seconds": 9.0, "height": 146, "width": 120, "speech": 0}
LARGER = {**SMALL, "height": 194, "width": 160}


def spotted(settings):
    recording = draw_recording(settings)
    crops = (frame for _, frame in recording.frames())
    return recording.events, spot_long(crops, settings.fps, LAYOUT)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30.0, 200.0])
def test_a_micro_and_a_macro_expression_are_found(fps):
    settings = RecordingSettings(**SMALL, fps=fps, micro=(1, 1), macro=(1, 1), turns=0, seed=3)
    events, found = spotted(settings)
    true = [e for e in events if e.kind in ("micro", "macro")]
    assert [c.type for c in found.candidates] == [e.kind for e in true]
    for candidate, event in zip(found.candidates, true, strict=True):
        span = Span(candidate.type, candidate.onset + 1, candidate.offset + 1)
        assert iou(span, Span(event.kind, event.onset, event.offset)) >= 0.5
        assert candidate.onset < candidate.apex < candidate.offset
        assert candidate.score >= 1


@pytest.mark.slow
def test_blinks_are_named_and_a_calm_face_has_no_expression():
    settings = RecordingSettings(**SMALL, micro=(0, 0), macro=(0, 0), turns=0, blinks=40, seed=6)
    events, found = spotted(settings)
    assert found.candidates == ()
    blinks = [o for o in found.others if o.kind == "blink"]
    true = [e for e in events if e.kind == "blink"]
    assert len(blinks) == len(true) > 1
    for blink, event in zip(blinks, true, strict=True):
        assert blink.onset + 1 <= event.apex <= blink.offset + 1


@pytest.mark.slow
def test_a_turn_of_the_head_is_named_and_is_no_expression():
    settings = RecordingSettings(**LARGER, micro=(0, 0), macro=(0, 0), turns=15, blinks=0, seed=5)
    events, found = spotted(settings)
    assert any(event.kind == "turn" for event in events)
    assert found.candidates == ()
    assert {other.kind for other in found.others} == {"head"}


def test_a_stretch_too_short_to_hold_an_expression_has_none():
    found = spot_long([np.zeros((146, 120, 3), np.uint8)] * 5, 30, LAYOUT)
    assert found.candidates == found.others == ()


@pytest.mark.parametrize(("held", "between"), [(2, 0.6), (4, 0.9), (5, 1.0)])
def test_a_smile_that_is_held_is_one_expression(held, between):
    (candidate,) = spot_motion(smile(held, between), SpottingSettings()).candidates
    assert candidate.type == "macro"
    assert candidate.onset == pytest.approx(70, abs=8)
    assert candidate.offset == pytest.approx(95 + 30 * held, abs=8)


def test_two_smiles_with_rest_between_are_two_expressions():
    assert len(spot_motion(smile(2, 0.0, 40), SpottingSettings()).candidates) == 2


@pytest.mark.parametrize(("held", "pause"), [(0.5, 0.4), (1, 0.8)])
def test_the_rest_between_two_smiles_is_no_expression(held, pause):
    onset, second = 90, 90 + round(30 * (5 / 6 + held + pause))
    length = round(30 * (5 / 6 + held))
    course = sum(
        np.interp(np.arange(360), [at, at + 10, at + length - 15, at + length], [0, 1, 1, 0])
        for at in (onset, second)
    )
    found = spot_motion(smiling(course), SpottingSettings()).candidates
    assert [c.onset for c in found] == [pytest.approx(at, abs=6) for at in (onset, second)]
    assert [c.offset - c.onset for c in found] == [pytest.approx(length, abs=8)] * 2


def smile(held, between, pause=24):
    """Motion of the corners of the mouth at 30 frames per second, with a dip in the middle."""
    end = 95 + 30 * held
    middle, half = (70 + end) / 2, pause / 2
    at = [70, 80, middle - half, middle - half / 2, middle + half / 2, middle + half, end - 15, end]
    return smiling(np.interp(np.arange(360), at, [0, 1, 1, between, between, 1, 1, 0]))


def smiling(course):
    """Motion of the corners of the mouth at 30 frames per second."""
    rng, count = np.random.default_rng(3), len(course)
    regions = rng.normal(0, 5e-4, (count, len(REGIONS), 2))
    corners = ["mouth corner" in name for name in REGIONS]
    regions[:, corners] += course[:, None, None] * np.array([0.03, -0.04])
    still = np.zeros((count, 6))
    return RegionMotion(30, 1, count, regions, still, rng.normal(1, 0.01, (count, 48)))
