"""A hand before a face is named; skin that moves, and eyes that close, are not."""

import cv2
import numpy as np
from filmed import portrait

from gamdss.align import AlignConfig
from gamdss.align.pose import Pose, crop
from gamdss.prediction.covered import covered, covered_share
from gamdss.prediction.face_regions import FaceLayout
from gamdss.records import KeyFrames

SETTINGS = AlignConfig()
LAYOUT = FaceLayout.of_crops(SETTINGS)
KEYS = KeyFrames(1, 7, 13)
RISE = np.interp(range(1, 14), [1, 7, 13], [0, 1, 0])


def face():
    return np.asarray(crop(portrait(), Pose(159, 127, 93, 0), SETTINGS))


def with_hand(image, strength):
    """A striped disc of skin that rises from below to the cheek."""
    rows, columns = np.indices(image.shape[:2])
    x, y = columns - 85, rows - (430 - 200 * strength)
    hand = (x**2 + y**2 < 60**2)[..., None]
    skin = image[240, 120].astype(float) + 25 * np.sin(x / 4)[..., None]
    return np.where(hand, np.clip(skin, 0, 255), image).astype(np.uint8)


def smiling(image, strength):
    """The corners of the mouth move outwards and up by 10 pixels."""
    rows, columns = np.indices(image.shape[:2], dtype=np.float32)
    move = 10 * strength * np.exp(-((rows - 248) ** 2 + (np.abs(columns - 140) - 48) ** 2) / 800)
    side = np.sign(columns - 140)
    moved = (columns - side * move).astype(np.float32), (rows + move).astype(np.float32)
    return cv2.remap(image, *moved, cv2.INTER_LINEAR)


def film(change):
    rng = np.random.default_rng(4)
    frames = (change(face(), strength) + rng.normal(0, 2, face().shape) for strength in RISE)
    return {n: np.clip(frame, 0, 255).astype(np.uint8) for n, frame in enumerate(frames, 1)}


def test_a_hand_before_the_cheek_is_named():
    assert covered(film(with_hand), KEYS, LAYOUT)


def test_a_smile_is_not_a_hand():
    assert covered_share(film(smiling), KEYS, LAYOUT) < 0.02


def test_a_still_face_is_not_covered():
    assert covered_share(film(lambda image, _: image), KEYS, LAYOUT) == 0
