"""The network reproduces the original release's numbers (float32 rounding, relative 1e-4)."""

import numpy as np
import pytest
import torch
from original_numbers import RELATIVE, assert_same

from gamdss.losses import two_phase_loss
from gamdss.models.release import load_original_state_dict, rename
from gamdss.models.two_branch import TwoBranchNet


@pytest.fixture(scope="module")
def original_net(original_weights):
    net = TwoBranchNet(5, drop_path=0.0)
    load_original_state_dict(net, original_weights)
    return net


@pytest.mark.parametrize("antialias", [False, True])
def test_evaluation_logits(original_net, key_frames, expected, antialias):
    wanted = expected[f"antialias_{str(antialias).lower()}"]
    original_net.eval().spatial.antialias = antialias
    with torch.no_grad():
        rising, falling = original_net(*key_frames)
    assert_same(rising, wanted["eval_front"])
    assert_same(falling, wanted["eval_back"])


@pytest.mark.parametrize(("branches", "original"), [("rising", "DRT"), ("falling", "ADRT")])
def test_single_branch_logits(original_weights, key_frames, expected, branches, original):
    net = TwoBranchNet(5, branches=branches, antialias=False).eval()
    load_original_state_dict(net, original_weights)
    with torch.no_grad():
        logits = net(*key_frames)
    assert_same(logits[branches == "falling"], expected["antialias_false"][f"eval_{original}"])
    assert logits[branches == "rising"] is None


@pytest.fixture(scope="module", params=[False, True], ids=["two passes", "one pass"])
def training_step(original_weights, key_frames, request):
    """One forward and backward pass in training mode, from the original's weights."""
    net = TwoBranchNet(5, antialias=False, drop_path=0.0, one_pass=request.param).train()
    load_original_state_dict(net, original_weights)
    rising, falling = net(*key_frames)
    loss = two_phase_loss(rising, falling, torch.tensor([1, 3]))
    loss.backward()
    return net, rising, falling, loss


@pytest.mark.slow
def test_training_logits_and_loss(training_step, expected):
    _, rising, falling, loss = training_step
    wanted = expected["antialias_false"]
    assert_same(rising, wanted["train_front"])
    assert_same(falling, wanted["train_back"])
    assert_same(loss[None], wanted["train_loss"])


@pytest.mark.slow
def test_gradient_norms(training_step, expected):
    parameters = dict(training_step[0].named_parameters())
    for name, wanted in expected["gradient_norms"].items():
        norm = parameters[rename(name)].grad.norm().item()
        # A bias in front of BatchNorm has no gradient but rounding, about 1e-8.
        assert norm == pytest.approx(wanted, rel=RELATIVE, abs=1e-6), name


@pytest.mark.slow
def test_batch_statistics_are_updated_by_the_rising_branch_first(training_step, expected):
    net, wanted = training_step[0], expected["antialias_false"]
    assert_same(net.head.norm.running_mean.sum()[None], wanted["bn_head_running_mean_sum"])
    assert_same(net.temporal.stem[1].running_mean, wanted["bn_stem_running_mean"])
    assert net.temporal.stem[1].num_batches_tracked == 2


def test_parameter_count_is_the_originals_without_the_unused(original_net, expected):
    shapes = expected["state_dict_shapes"]
    unused = sum(int(np.prod(shapes[name])) for name in expected["unused_in_forward"])
    count = sum(parameter.numel() for parameter in original_net.parameters())
    assert count == expected["parameters"] - unused == 12_789_413
