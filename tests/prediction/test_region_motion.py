"""Region motion is relative to the head; the head's is found; frames are grouped by rate."""

import numpy as np
import pytest

from gamdss.align.settings import AlignConfig
from gamdss.errors import ConfigError, FrameError
from gamdss.prediction.face_regions import REGIONS, FaceLayout, region_weights
from gamdss.prediction.region_motion import measure_regions
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

LAYOUT = FaceLayout((0.343, 0.465), (0.657, 0.465), (0.5, 0.75))
CALM = RecordingSettings(
    seconds=6, height=146, width=120, micro=(0, 0), macro=(0, 0), speech=0, blinks=0, head=0
)


@pytest.fixture(scope="module")
def face():
    """One still frame."""
    return next(draw_recording(CALM).frames())[1]


def test_a_shift_is_the_heads_and_no_regions(face):
    shifts = [0, 1, 2, 3]
    crops = [np.roll(face, (shift, 0), (1, 0)) for shift in shifts]
    motion = measure_regions(crops, 30, LAYOUT)
    unit = 120 * (LAYOUT.right_eye[0] - LAYOUT.left_eye[0])
    assert motion.pose[:, 0] * unit == pytest.approx(shifts, abs=0.25)
    assert np.abs(motion.regions).max() < 0.015


@pytest.mark.parametrize(("fps", "group"), [(25, 1), (30, 1), (60, 2), (200, 5)])
def test_fast_recordings_are_averaged_in_groups(face, fps, group):
    motion = measure_regions([face] * 11, fps, LAYOUT)
    assert motion.group == group
    assert motion.frames == 11
    assert len(motion.regions) == len(motion.eyes) == -(-11 // group)
    assert motion.frame(0) == (group - 1) // 2
    assert motion.frame(1000) == 10


def test_no_frames_are_no_error():
    assert measure_regions([], 30).regions.shape == (0, len(REGIONS), 2)


def test_a_slow_video_and_crops_of_several_sizes_are_refused(face):
    with pytest.raises(ConfigError, match="the frame rate is 12"):
        measure_regions([face], 12)
    with pytest.raises(FrameError, match="crop 1 is"):
        measure_regions([face, face[:-1]], 30)
    with pytest.raises(FrameError, match="the eyes are 13 pixels apart"):
        measure_regions([face[:40, :40]], 30, LAYOUT)


def test_a_layout_must_be_of_an_upright_face():
    with pytest.raises(ConfigError, match="no upright face"):
        FaceLayout((0.7, 0.4), (0.3, 0.4), (0.5, 0.7))


def test_layout_of_aligned_crops():
    layout = FaceLayout.of_crops(AlignConfig())
    assert layout.left_eye == pytest.approx((0.306, 0.379), abs=0.003)
    assert layout.right_eye == pytest.approx((0.694, 0.379), abs=0.003)
    assert layout.mouth == pytest.approx((0.5, 0.73), abs=0.005)
    assert FaceLayout.of_crops(AlignConfig(width=140, height=170)) == layout


def test_regions_are_averages_and_mirrored():
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 2, 121)))
    weights = region_weights(x, y, 1.1)
    assert weights.sum(axis=1) == pytest.approx(np.ones(len(REGIONS)))
    left, right = (weights[REGIONS.index(f"{side} mouth corner")] for side in ("left", "right"))
    assert left @ x == pytest.approx(-(right @ x))
    assert left @ y == pytest.approx(right @ y)
