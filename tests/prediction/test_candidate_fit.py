"""Key frames of a candidate: the truth is found, and noise has a low quality of fit."""

import numpy as np
import pytest

from gamdss.prediction.candidate_fit import fit_candidate
from gamdss.records import RELIABLE
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

pytestmark = pytest.mark.slow

SMALL = {"seconds": 6.0, "height": 146, "width": 120, "speech": 0, "turns": 0, "fps": 30.0}


@pytest.fixture(scope="module")
def smile():
    """The one expression of a recording, and its frames."""
    settings = RecordingSettings(**SMALL, micro=(0, 0), macro=(1, 1), blinks=0, seed=3)
    recording = draw_recording(settings)
    return recording.events[0], dict(recording.frames())


def test_the_key_frames_of_an_expression_are_found_from_a_rough_start(smile):
    event, frames = smile
    near = range(event.onset - 20, event.offset + 21)
    images = {n: frames[n] for n in near if n in frames}
    found = fit_candidate(images, images, (event.onset + 3, event.apex - 5, event.offset + 4), 16)
    keys = found.fit.keys
    assert found.fit.quality > 0.8
    for number, true, (low, high) in zip(
        keys.numbers, (event.onset, event.apex, event.offset), keys.intervals, strict=True
    ):
        assert low <= number <= high
        assert abs(number - true) <= 3 or low <= true <= high
    assert len(found.draws) == 16
    assert all(set(draw) <= set(images) and list(draw) == sorted(draw) for draw in found.draws)
    assert (
        fit_candidate(images, images, keys.numbers, 4).draws
        == fit_candidate(images, images, keys.numbers, 4).draws
    )


def test_an_expression_of_which_only_the_rise_was_spotted_is_found_as_a_whole(smile):
    event, images = smile
    rise = (event.onset + 3, event.onset + 6, event.onset + 9)
    near = {n: images[n] for n in range(rise[0] - 9, rise[2] + 10)}
    wide = {n: images[n] for n in range(max(1, rise[0] - 60), min(len(images), rise[2] + 60) + 1)}
    found = fit_candidate(near, wide, rise, 4)
    assert found.fit.quality > 0.9
    assert abs(found.fit.keys.onset - event.onset) <= 4
    assert abs(found.fit.keys.offset - event.offset) <= 4


def test_noise_has_a_low_quality(smile):
    """A calm face need not: slow drift of a head rises and falls as well (README)."""
    face, rng = smile[1][1].astype(float), np.random.default_rng(0)
    images = {n: _uint8(face + rng.normal(0, 2, face.shape)) for n in range(1, 61)}
    found = fit_candidate(images, images, (20, 30, 45), 4)
    assert found.fit.quality < RELIABLE / 2


def _uint8(image):
    return np.clip(image, 0, 255).astype(np.uint8)


def test_too_few_or_still_frames_have_no_fit():
    still = {n: np.full((80, 60, 3), 90, np.uint8) for n in range(30)}
    assert fit_candidate(still, still, (5, 10, 20), 4) is None
    few = {n: still[n] for n in range(5)}
    assert fit_candidate(few, few, (1, 2, 4), 4) is None
