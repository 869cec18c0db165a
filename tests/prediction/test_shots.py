"""Shots begin where the picture cuts, and nowhere else."""

import cv2
import numpy as np
import pytest
from filmed import coffee, moved, person, portrait

from gamdss.prediction.recordings import Frame
from gamdss.prediction.shots import with_shots


def shots(images):
    frames = [Frame(n, n / 25, image) for n, image in enumerate(images, 1)]
    found = list(with_shots(frames))
    assert [frame for _, frame in found] == frames
    return [shot for shot, _ in found]


def dimmed(image, gain, offset=0.0):
    return np.clip(image * gain + offset, 0, 255).astype(np.uint8)


def nodding(count, step=6.0):
    return [moved(portrait(), (step * np.sin(n), step * np.cos(n))) for n in range(count)]


def test_a_cut_begins_a_shot():
    assert shots(nodding(6) + [coffee()] * 4) == [1] * 6 + [2] * 4
    assert shots([coffee()] * 4 + [portrait()]) == [1] * 4 + [2]


def test_a_cut_between_similar_pictures_begins_a_shot():
    """A jump cut: the same person, a little elsewhere."""
    before = [moved(portrait(), (0.3 * n, 0)) for n in range(5)]
    after = [moved(portrait(), (40 + 0.3 * n, 10)) for n in range(5)]
    assert shots(before + after) == [1] * 5 + [2] * 5


@pytest.mark.parametrize(
    "images",
    [
        [dimmed(portrait(), gain) for gain in np.linspace(0.4, 1.3, 12)],
        [dimmed(portrait(), gain) for gain in (1, 1, 0.6, 0.6, 1.2, 1.2)],
        nodding(20),
        [moved(portrait(), (3 * n, -2 * n), 1.5 * n, 1 + n / 50) for n in range(12)],
        [portrait()] * 4 + [np.full_like(portrait(), 255)] + [portrait()] * 4,
        [portrait()] * 4 + [coffee()] + [portrait()] * 4,
        [np.zeros_like(portrait())] * 5,
        [portrait()],
        [],
    ],
    ids=["fade", "steps of light", "nod", "pan", "flash", "glitch", "black", "one frame", "none"],
)
def test_light_movement_and_flashes_are_not_cuts(images):
    assert set(shots(images)) <= {1}


def test_an_expression_is_not_a_cut():
    smile = person(3)
    wide = cv2.resize(smile[170:220, 110:210], (120, 60))
    laughing = smile.copy()
    laughing[165:225, 100:220] = wide
    assert shots([smile] * 5 + [laughing] * 5) == [1] * 10


def test_a_picture_after_black_is_a_shot():
    black = np.zeros_like(portrait())
    assert shots([portrait()] * 3 + [black] * 3 + [coffee()] * 3) == [1] * 3 + [2] * 3 + [3] * 3
