"""The original's numbers, weights and inputs for the tests of parity."""

import json

import pytest
from original_numbers import FIXTURES, draw, weight


@pytest.fixture(scope="session")
def expected():
    return json.loads((FIXTURES / "network_expected.json").read_text())


@pytest.fixture(scope="session")
def original_weights(expected):
    return {name: weight(name, shape) for name, shape in expected["state_dict_shapes"].items()}


@pytest.fixture(scope="session")
def key_frames():
    return tuple(draw(name, (2, 3, 224, 224)) for name in ("onset", "apex", "offset"))
