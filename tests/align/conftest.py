"""A real photograph, put into frames by known rotation, scale and shift."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from gamdss.align import AlignConfig, ClipJob

SIZE = 320
# In the photograph below: corners of the eyes and base of the nose, read off an enlargement, in
# dlib's order of 5 points; the middle of the face.
POINTS = np.array([[194.3, 43.7], [173.2, 44.2], [129.7, 40.8], [148.5, 40.8], [159.3, 71.7]])
POINTS += (0, 60)
MIDDLE = (159.0, 127.0)


@pytest.fixture(scope="session")
def photo():
    """A portrait, uint8 BGR (320, 320, 3); the face is about 88 pixels wide."""
    image = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR)
    return image[:SIZE, 64 : 64 + SIZE]


def pose_matrix(angle=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """(2, 3): turn clockwise as one sees it, by degrees, and scale about the face; then shift."""
    matrix = cv2.getRotationMatrix2D(MIDDLE, -angle, zoom)
    matrix[:, 2] += shift
    return matrix


def posed(photo, angle=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """The photograph in a known pose."""
    return cv2.warpAffine(
        photo,
        pose_matrix(angle, zoom, shift),
        (SIZE, SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


def write(folder, images, first=1, form="img{}.png"):
    """Files of the images by frame number."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, image in enumerate(images, first):
        files[number] = folder / form.format(number)
        assert cv2.imwrite(str(files[number]), image)
    return files


def job(name, files, suffix=".png"):
    return ClipJob(name, lambda n: Path(name) / f"{n}{suffix}", files)


def read(path):
    image = cv2.imread(str(path))
    assert image is not None, path
    return image


@pytest.fixture
def settings():
    """In this process, since most tests have a clip or two."""
    return AlignConfig(workers=1)
