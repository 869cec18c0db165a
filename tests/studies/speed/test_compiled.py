"""Kernels and traffic of the compiled step, of a tiny network."""

from functools import partial

import pytest
import torch

from gamdss.models.temporal import TemporalStream
from gamdss.models.two_branch import TwoBranchNet
from gamdss.studies.speed import compiled
from gamdss.studies.speed.compiled import Kernels, compiled_step, roofline


class Patches(TemporalStream):
    """A stream of two convolutions; the spatial stream has two transformer blocks."""

    num_features = 8
    reduction = 8

    def __init__(self):
        super().__init__()
        convs = torch.nn.Conv2d(3, 8, 8, stride=8), torch.nn.Conv2d(8, 8, 3, padding=1)
        self.layers = torch.nn.Sequential(convs[0], torch.nn.GELU(), convs[1])

    def forward_features(self, x):
        return self.layers(x)


@pytest.mark.slow
def test_kernels_and_their_traffic_are_counted(monkeypatch):
    monkeypatch.setattr(compiled, "TwoBranchNet", partial(TwoBranchNet, temporal=Patches()))
    found = compiled_step(16, 2)
    assert found.fused > 10
    assert found.library > 20  # products and convolutions of both streams, forward and backward
    assert 1e-4 < found.gigabytes < 1e-1


def test_the_larger_of_memory_and_products_bounds_the_step():
    """33.5 GB at 3.35 TB/s take 10 ms; the products of 16 samples 1.3 ms, of 160 13.1 ms."""
    found = Kernels(1, 1, 33.5)
    memory, products = (roofline(found, size, 6000).splitlines()[2].split() for size in (16, 160))
    assert memory[-4:] == ["10.00", "1.31", "10.00", "1.0"]
    assert products[-4:] == ["10.00", "13.07", "13.07", "1.3"]
