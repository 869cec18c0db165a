"""PhaseBatchNorm gives PyTorch's numbers."""

import copy

import pytest
import torch
from torch import nn

from gamdss.models.phase_norm import PhaseBatchNorm


def batches(count):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(4, 3, 5, 5, generator=generator) for _ in range(count)]


def assert_same(one, other):
    for (name, mine), theirs in zip(
        one.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs), name


@pytest.mark.parametrize("momentum", [None, 0.1])
def test_numbers_equal_pytorchs_batch_norm(momentum):
    mine, theirs = (kind(3, momentum=momentum) for kind in (PhaseBatchNorm, nn.BatchNorm2d))
    early = None
    for number, batch in enumerate(batches(7)):
        assert torch.equal(mine(batch), theirs(batch))
        assert_same(mine, theirs)
        if number == 2:
            early = copy.deepcopy(mine.state_dict())
    # Restored to the state after three batches, and continued.
    again = nn.BatchNorm2d(3, momentum=momentum)
    again.load_state_dict(early)
    mine.load_state_dict(early)
    for batch in batches(2):
        assert torch.equal(mine(batch), again(batch))
    assert_same(mine, again)
    mine.reset_running_stats()
    again.reset_running_stats()
    mine(batches(1)[0])
    again(batches(1)[0])
    assert_same(mine, again)
    assert torch.equal(mine.eval()(batches(1)[0]), again.eval()(batches(1)[0]))
