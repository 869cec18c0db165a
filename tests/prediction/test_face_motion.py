"""A face is followed by its rigid parts, whatever its light and expression."""

import cv2
import numpy as np
import pytest
from filmed import moved, portrait

from gamdss.align.pose import Pose
from gamdss.prediction.face_motion import FaceMotion, likeness

START = Pose(159.0, 125.0, 92.0, 0.0)


def noisy(image, seed, gain=1.0):
    rng = np.random.default_rng(seed)
    return np.clip(image * gain + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("light", [0.0, 0.25])
def test_the_pose_follows_the_face(light):
    motion = FaceMotion(noisy(portrait(), 0), START)
    for n in range(1, 40):
        shift, angle, zoom = (12 * np.sin(n / 5), 6 * np.sin(n / 7)), 0.25 * n, 1 + 0.004 * n
        image = noisy(moved(portrait(), shift, angle, zoom), n, 1 + light * np.sin(n / 3))
        assert motion.follow(image)
        matrix = cv2.getRotationMatrix2D((159, 127), -angle, zoom)
        x, y = matrix @ (START.x, START.y, 1) + shift
        assert np.hypot(motion.pose.x - x, motion.pose.y - y) < 0.15
        assert motion.pose.size == pytest.approx(START.size * zoom, rel=0.004)
        assert motion.pose.angle == pytest.approx(angle, abs=0.25)


def test_an_expression_does_not_move_the_pose():
    motion = FaceMotion(portrait(), START)
    rows, columns = np.indices((320, 320), dtype=np.float32)
    mouth = np.exp(-(((columns - 160) / 22) ** 2 + ((rows - 152) / 14) ** 2))
    brows = np.exp(-(((columns - 160) / 40) ** 2 + ((rows - 88) / 7) ** 2))
    for n in range(1, 15):
        lift = (0.3 * n * mouth + 0.2 * n * brows).astype(np.float32)
        assert motion.follow(cv2.remap(portrait(), columns, rows + lift, cv2.INTER_LINEAR))
        assert np.hypot(motion.pose.x - START.x, motion.pose.y - START.y) < 0.3
        assert motion.pose.size == pytest.approx(START.size, rel=0.006)


def test_what_is_not_the_face_is_not_followed():
    motion = FaceMotion(portrait(), START)
    rng = np.random.default_rng(1)
    assert not motion.follow(rng.integers(0, 255, (320, 320, 3)).astype(np.uint8))
    assert not motion.follow(np.full((320, 320, 3), 90, np.uint8))
    assert motion.pose == START
    assert motion.follow(moved(portrait(), (2, 1)))


def test_likeness_does_not_depend_on_light():
    one = FaceMotion(portrait(), START).view
    dark = FaceMotion((portrait() * 0.5).astype(np.uint8), START).view
    mirrored = FaceMotion(np.ascontiguousarray(portrait()[:, ::-1]), Pose(160, 125, 92, 0)).view
    assert likeness(one, one) == pytest.approx(1)
    assert likeness(one, dark) > 0.95
    assert likeness(one, mirrored) < 0.9


@pytest.mark.slow
def test_errors_do_not_add_up_over_repeated_turns():
    """A face that turns out of the reach of its first view and back, again and again."""
    motion = FaceMotion(portrait(), START)
    rows, columns = np.indices((320, 320), dtype=np.float32)
    for n in range(1, 81):
        strength = 9 * (1 - np.cos(2 * np.pi * n / 40))
        bend = strength * np.sin((columns - 159) / 18) * np.exp(-(((rows - 125) / 60) ** 2))
        image = cv2.remap(portrait(), (columns + bend).astype(np.float32), rows, cv2.INTER_LINEAR)
        assert motion.follow(image), n
    assert np.hypot(motion.pose.x - START.x, motion.pose.y - START.y) < 0.5
    assert motion.pose.size == pytest.approx(START.size, rel=0.01)
