"""Weights and inputs by the rule of the original's expected numbers, and their comparison."""

import zlib
from pathlib import Path

import numpy as np
import torch

FIXTURES = Path(__file__).parents[1] / "fixtures"
RELATIVE = 1e-4
NORM_PARTS = ("norm", "proj.1.", "proj.4.", "proj.7.", "proj.10.")


def draw(name, shape):
    seed = zlib.crc32(name.encode())
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape), dtype=torch.float32)


def weight(name, shape, every_norm=False):
    """A weight; with `every_norm` all one-dimensional ones are taken to be those of norms."""
    if name.endswith((".num_batches_tracked", ".angle", ".decay")):
        return torch.zeros(shape)  # computed by the network
    x = draw(name, shape)
    if name.endswith("running_var"):
        return 1 + 0.1 * x.abs()
    if name.endswith("running_mean"):
        return 0.1 * x
    is_norm = every_norm or any(part in name for part in NORM_PARTS)
    if len(shape) == 1 and name.endswith("weight") and is_norm:
        return 1 + 0.1 * x
    return 0.05 * x


def assert_same(actual, wanted):
    """Compare relative to the largest number: logits near zero carry the rounding of the rest."""
    wanted = torch.tensor(wanted)
    scale = wanted.abs().max().item()
    torch.testing.assert_close(actual.detach(), wanted, rtol=0, atol=RELATIVE * scale)
