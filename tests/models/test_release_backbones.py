"""The release's other backbones reproduce its numbers (float32 rounding, relative 1e-4)."""

import copy
import json

import pytest
import torch
from original_numbers import FIXTURES, assert_same, weight

from gamdss.errors import ConfigError
from gamdss.losses import two_phase_loss
from gamdss.models.release import load_original_state_dict, rename
from gamdss.models.release_streams import RELEASE_STREAMS, ReleaseResNet
from gamdss.models.two_branch import TwoBranchNet

EXPECTED = json.loads((FIXTURES / "backbones_expected.json").read_text())
NAMES = {name.removeprefix("release_"): name for name in RELEASE_STREAMS}


def test_the_fixture_has_a_network_for_each_stream():
    assert set(NAMES) == set(EXPECTED)


@pytest.fixture(scope="module", params=sorted(NAMES))
def case(request):
    """A network of the release with its weights, their shapes, and its numbers."""
    expected = EXPECTED[request.param]
    net = TwoBranchNet(5, backbone=NAMES[request.param], antialias=False, drop_path=0.0)
    shapes = expected["state_dict_shapes"]
    load_original_state_dict(net, {name: weight(name, s, True) for name, s in shapes.items()})
    return net, expected


@pytest.mark.slow
def test_logits_with_and_without_antialiasing(case, key_frames):
    net, expected = case
    net.eval()
    for antialias in (True, False):
        net.spatial.antialias = antialias
        with torch.inference_mode():
            rising, falling = net(*key_frames)
        wanted = expected[f"antialias_{str(antialias).lower()}"]
        assert_same(rising, wanted["eval_front"])
        assert_same(falling, wanted["eval_back"])


@pytest.mark.slow
def test_training_logits_loss_and_gradient_norms(case, key_frames):
    net, expected = case
    # BatchNorms of two clips enlarge the rounding of float32, which differs between processors.
    net, key_frames = copy.deepcopy(net).double(), [frames.double() for frames in key_frames]
    wanted = expected["training"]
    before = {name: values.clone() for name, values in net.state_dict().items()}
    # Only BatchNorms could tell one pass from two.
    for one_pass in (False, True) if isinstance(net.temporal, ReleaseResNet) else (True,):
        net.one_pass = one_pass
        net.load_state_dict(before)  # running statistics
        net.train().zero_grad()
        rising, falling = net(*key_frames)
        loss = two_phase_loss(rising, falling, torch.tensor([1, 3]))
        loss.backward()
        assert_same(rising.float(), wanted["front"])
        assert_same(falling.float(), wanted["back"])
        assert loss.item() == pytest.approx(wanted["loss"], rel=1e-4)
        parameters = dict(net.named_parameters())
        for name, norm in expected["gradient_norms"].items():
            found = parameters[rename(name, type(net.temporal))].grad.norm().item()
            assert found == pytest.approx(norm, rel=1e-4), name


def test_only_unused_parameters_are_dropped(case):
    net, expected = case
    shapes = expected["state_dict_shapes"]
    dropped = [name for name in shapes if rename(name, type(net.temporal)) is None]
    assert dropped == expected["unused_in_forward"]
    unused = sum(torch.Size(shapes[name]).numel() for name in dropped)
    assert sum(p.numel() for p in net.parameters()) == expected["parameters"] - unused


def test_a_backbone_that_the_release_does_not_have_is_refused():
    net = TwoBranchNet(5, 64, backbone="mobilenetv4_conv_small")
    with pytest.raises(ConfigError, match=r"TimmStream(.|\n)*release_resnet"):
        load_original_state_dict(net, {"main_branch.x": torch.ones(1)})


@pytest.mark.parametrize("name", sorted(RELEASE_STREAMS))
def test_image_sizes_are_checked(name):
    with pytest.raises(ConfigError, match=r"image_size is 100(.|\n)*Use image_size=96"):
        TwoBranchNet(5, 100, backbone=name)
