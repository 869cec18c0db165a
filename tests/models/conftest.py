"""Synthetic weights and inputs, by the same rule as the original's expected numbers."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

FIXTURE = Path(__file__).parents[1] / "fixtures" / "network_expected.json"
NORM_PARTS = ("norm", "proj.1.", "proj.4.", "proj.7.", "proj.10.")


def draw(name, shape):
    seed = zlib.crc32(name.encode())
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=torch.float32)


def weight(name, shape):
    if name.endswith((".num_batches_tracked", ".angle", ".decay")):
        return torch.zeros(shape)  # computed by the network
    x = draw(name, shape)
    if name.endswith("running_var"):
        return 1 + 0.1 * x.abs()
    if name.endswith("running_mean"):
        return 0.1 * x
    if len(shape) == 1 and name.endswith("weight") and any(part in name for part in NORM_PARTS):
        return 1 + 0.1 * x
    return 0.05 * x


@pytest.fixture(scope="session")
def expected():
    return json.loads(FIXTURE.read_text())


@pytest.fixture(scope="session")
def original_weights(expected):
    return {name: weight(name, shape) for name, shape in expected["state_dict_shapes"].items()}


@pytest.fixture(scope="session")
def key_frames():
    return tuple(draw(name, (2, 3, 224, 224)) for name in ("onset", "apex", "offset"))
