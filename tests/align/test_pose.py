"""The geometry: what goes where, in exact numbers."""

import numpy as np
import pytest

from gamdss.align import AlignConfig
from gamdss.align.detector import Face, largest
from gamdss.align.pose import Pose, crop, matrix, median_pose, pose_of, scale


def apply(m, points):
    return np.asarray(points) @ m[:, :2].T + m[:, 2]


@pytest.mark.parametrize("angle", [0.0, 17.0, -31.0])
@pytest.mark.parametrize("size", [60.0, 180.0, 700.0])  # enlarged, about the same, made smaller
def test_a_crop_shows_what_the_matrix_says(angle, size):
    """On ramps of grey each pixel tells its own place in the raw frame."""
    rows, columns = np.mgrid[:800, :800].astype(float)
    image = np.stack([columns / 4, rows / 4, columns / 8 + rows / 8], axis=2)
    settings = AlignConfig(width=140, height=170)
    pose = Pose(400.0, 390.0, size, angle)
    got = crop(image.round().astype(np.uint8), pose, settings).astype(float)
    m = matrix(pose, settings)
    y, x = np.mgrid[:170, :140]
    there = np.linalg.inv(np.vstack([m, [0, 0, 1]])) @ [x.ravel(), y.ravel(), np.ones(x.size)]
    inside = ((there[:2] > 5) & (there[:2] < 795)).all(axis=0)
    assert inside.mean() > 0.5
    for channel, wanted in ((0, there[0] / 4), (1, there[1] / 4)):
        error = (got[..., channel].ravel() - wanted)[inside]
        assert abs(error.mean()) < 0.04  # 0.16 raw pixels; a half pixel would be 0.125
        assert np.abs(error).max() < 1.2


def test_fine_patterns_do_not_alias_where_a_frame_is_made_smaller():
    image = np.zeros((900, 900, 3), np.uint8)
    image[:, ::2] = 255
    small = crop(image, Pose(450, 450, 750, 0), AlignConfig(width=300, height=300))
    assert small[50:-50, 50:-50].std() < 12


def test_eyes_come_out_level_and_at_the_same_place_whatever_the_pose():
    settings = AlignConfig()
    places = []
    for angle in (-25.0, 0.0, 8.0):
        for distance in (30.0, 90.0):
            turn = np.radians(angle)
            away = np.array([np.cos(turn), np.sin(turn)]) * distance / 2
            eyes = tuple(map(tuple, np.array([[200.0, 150.0] + away, [200.0, 150.0] - away])))
            pose = pose_of(Face((0, 0, 9, 9), eyes))
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


def test_the_median_leaves_an_outlier_out():
    poses = [Pose(100, 50, 80, 1), Pose(400, 10, 300, 40), Pose(102, 52, 82, 2)]
    assert median_pose(poses) == Pose(102, 50, 82, 2)


def test_the_largest_face_wins():
    small, large = Face((0, 0, 90, 90)), Face((100, 100, 200, 200))
    assert largest([small, large]) is largest([large, small]) is large
    assert largest([]) is None
