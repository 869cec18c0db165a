"""State dicts of the original release: every name is mapped, or the error names it."""

import pytest
import torch

from gamdss.errors import CheckpointError
from gamdss.models.release import load_original_state_dict, rename
from gamdss.models.two_branch import TwoBranchNet


@pytest.fixture(scope="module")
def net():
    return TwoBranchNet(5)


def test_only_unused_parameters_and_constants_are_dropped(expected):
    dropped = {name for name in expected["state_dict_shapes"] if rename(name) is None}
    constants = {f"main_branch.layers.{i}.Relpos.{t}" for i in range(4) for t in ("angle", "decay")}
    assert dropped == set(expected["unused_in_forward"]) | constants


@pytest.mark.parametrize("prefix", ["", "module."])
def test_every_weight_is_loaded(net, original_weights, prefix):
    load_original_state_dict(net, {prefix + name: t for name, t in original_weights.items()})
    state = net.state_dict()
    kept = {name: tensor for name, tensor in original_weights.items() if rename(name) is not None}
    assert len(kept) == len(state)
    for name, tensor in kept.items():
        assert torch.equal(state[rename(name)], tensor.to(state[rename(name)].dtype)), name


def test_an_unknown_name_is_named(net, original_weights):
    with pytest.raises(CheckpointError, match=r"main_branch\.layers\.9\.weight is unknown"):
        load_original_state_dict(
            net, original_weights | {"main_branch.layers.9.weight": torch.ones(1)}
        )


def test_a_missing_weight_is_named_and_nothing_is_loaded(original_weights):
    net = TwoBranchNet(5)
    before = net.head.norm.running_mean.clone()
    partial = {name: t for name, t in original_weights.items() if name != "main_branch.proj.weight"}
    with pytest.raises(CheckpointError, match=r"head\.expand\.weight is missing"):
        load_original_state_dict(net, partial)
    assert torch.equal(net.head.norm.running_mean, before)


def test_another_number_of_classes_is_named(original_weights):
    with pytest.raises(
        CheckpointError, match=r"main_branch\.head\.weight has shape \(5, 1024\) instead of \(3,"
    ):
        load_original_state_dict(TwoBranchNet(3), original_weights)


def test_a_foreign_checkpoint_gives_a_readable_error(net):
    with pytest.raises(CheckpointError, match=r"epoch is unknown; .*; and \d+ more"):
        load_original_state_dict(net, {"epoch": torch.tensor(3)})
