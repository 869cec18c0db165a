"""The photograph, and a landmark predictor trained on it."""

import pytest
from filmed import portrait
from posed_photo import POINTS, train

from gamdss.align import AlignConfig


@pytest.fixture(scope="session")
def photo():
    """A portrait, uint8 BGR (320, 320, 3); the face is about 93 pixels wide."""
    return portrait()


@pytest.fixture
def settings():
    """Defaults, in this process, since most tests have a clip or two."""
    return AlignConfig(workers=1)


@pytest.fixture(scope="session")
def predictor(photo, tmp_path_factory):
    """File of a predictor with 5 points."""
    return train(photo, tmp_path_factory.mktemp("predictor") / "points_5.dat", POINTS)
