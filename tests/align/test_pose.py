"""The geometry of crops, in exact numbers."""

import numpy as np
import pytest

from gamdss.align import AlignConfig
from gamdss.align.detectors import DetectedFace, largest
from gamdss.align.pose import Pose, crop, matrix, median_pose, pose_of, scale


def apply(m, points):
    return np.asarray(points) @ m[:, :2].T + m[:, 2]


@pytest.mark.parametrize("angle", [0.0, 17.0, -31.0])
@pytest.mark.parametrize("size", [60.0, 180.0, 700.0])  # enlarged, about the same, downscaled
def test_a_crop_agrees_with_the_matrix(angle, size):
    """On ramps of grey, each pixel encodes its position in the raw frame."""
    settings = AlignConfig(width=140, height=170)
    pose = Pose(400.0, 390.0, size, angle)
    inverse = np.linalg.inv(np.vstack([matrix(pose, settings), [0, 0, 1]]))
    y, x = np.mgrid[:170, :140]
    there = (inverse @ [x.ravel(), y.ravel(), np.ones(x.size)])[:2]
    inside = ((there > 5) & (there < 795)).all(axis=0)
    assert inside.mean() > 0.5
    for axis, place in enumerate(np.mgrid[:800, :800][::-1] / 4.0):
        image = np.stack([place, 200 - place, place], axis=2).round().astype(np.uint8)
        rising, falling, _ = crop(image, pose, settings).astype(float).reshape(-1, 3).T
        error = ((rising - falling + 200) / 2 - there[axis] / 4)[inside]  # rounding cancels out
        assert abs(error.mean()) < 0.02  # 0.08 raw pixels; half a pixel would be 0.125
        assert np.abs(error).max() < 1.2


def test_fine_patterns_do_not_alias_when_a_frame_is_downscaled():
    image = np.zeros((900, 900, 3), np.uint8)
    image[:, ::2] = 255
    small = crop(image, Pose(450, 450, 750, 0), AlignConfig(width=300, height=300))
    assert small[50:-50, 50:-50].std() < 12


def test_eyes_are_level_and_at_the_same_position_for_any_pose():
    settings = AlignConfig()
    places = []
    for angle in (-25.0, 0.0, 8.0):
        for distance in (30.0, 90.0):
            turn = np.radians(angle)
            x, y = np.cos(turn) * distance / 2, np.sin(turn) * distance / 2
            eyes = ((200 + x, 150 + y), (200 - x, 150 - y))
            pose = pose_of(DetectedFace((0, 0, 9, 9), eyes))
            assert pose.angle == pytest.approx(angle)
            places.append(apply(matrix(pose, settings), sorted(eyes)))
    assert np.ptp(places, axis=0).max() < 1e-9
    (left, top), (right, same) = places[0]
    assert top == pytest.approx(same)
    assert left + right == pytest.approx(settings.width - 1)
    assert 0.3 * settings.height < top < 0.45 * settings.height


def test_margin_and_scale():
    close, wide = AlignConfig(margin=0), AlignConfig(margin=0.5)
    pose = Pose(0, 0, 140, 0)
    assert scale(pose, close) == 2
    assert scale(pose, wide) == 1


def test_the_median_ignores_an_outlier():
    poses = [Pose(100, 50, 80, 1), Pose(400, 10, 300, 40), Pose(102, 52, 82, 2)]
    assert median_pose(poses) == Pose(102, 50, 82, 2)


def test_the_largest_face_wins():
    small, large = DetectedFace((0, 0, 90, 90)), DetectedFace((100, 100, 200, 200))
    assert largest([small, large]) is largest([large, small]) is large
    assert largest([]) is None
