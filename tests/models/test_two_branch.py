"""The two-branch network at small sizes: branches, sizes, errors, determinism."""

import re

import pytest
import timm
import torch

from gamdss.errors import ConfigError
from gamdss.losses import two_phase_loss
from gamdss.models.temporal import TemporalStream
from gamdss.models.two_branch import TwoBranchNet


def frames(size, batch=2):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, batch, 3, size, size, generator=generator).unbind()


@pytest.mark.slow
@pytest.mark.parametrize(("size", "grid"), [(48, 3), (112, 7)])
def test_any_multiple_of_16_works(size, grid):
    net = TwoBranchNet(7, image_size=size)
    rising, falling = net(*frames(size))
    assert rising.shape == falling.shape == (2, 7)
    assert net.spatial.grid == grid
    two_phase_loss(rising, falling, torch.tensor([0, 6])).backward()
    without = [name for name, p in net.named_parameters() if p.grad is None]
    assert without == []


@pytest.mark.parametrize(("size", "fits"), [(100, "96 or image_size=112"), (8, "16 or"), (0, "16")])
def test_an_unsupported_size_names_the_nearest_supported(size, fits):
    with pytest.raises(ConfigError, match=rf"image_size is {size}(.|\n)*image_size={fits}"):
        TwoBranchNet(5, image_size=size)


@pytest.mark.parametrize("size", [48.0, "48", None, True])
@pytest.mark.parametrize("backbone", ["rmt", "release_resnet", "resnet10t"])
def test_a_size_that_is_no_number_of_pixels_is_refused(size, backbone):
    with pytest.raises(ConfigError, match=rf"^image_size is {size!r}\nGive an integer"):
        TwoBranchNet(num_classes=5, image_size=size, backbone=backbone)
    with pytest.raises(ConfigError, match=r"num_classes is 5\.0\nIt must be an integer"):
        TwoBranchNet(num_classes=5.0, image_size=48, backbone=backbone)


def test_frames_of_another_size_are_refused():
    net = TwoBranchNet(5, image_size=32)
    onset, apex, offset = frames(32)
    with pytest.raises(ConfigError, match=r"offset has shape \(2, 3, 64, 64\).*32, 32"):
        net(onset, apex, frames(64)[2])
    with pytest.raises(ConfigError, match="onset is None"):
        net(None, apex, offset)


@pytest.mark.parametrize("one_pass", [False, True])
def test_inputs_that_would_be_broadcast_or_wrap_around_are_refused(one_pass):
    net = TwoBranchNet(5, image_size=32, one_pass=one_pass)
    onset, apex, offset = frames(32)
    with pytest.raises(ConfigError, match=r"apex has shape \(1, 3, 32, 32\), onset \(2, 3"):
        net(onset, apex[:1], offset)
    with pytest.raises(ConfigError, match=r"offset has shape \(1, 3, 32, 32\)"):
        net(onset, apex, offset[:1])
    with pytest.raises(ConfigError, match=r"\(2, 1, 32, 32\)(.|\n)*takes 3 channels"):
        net(onset[:, :1], apex[:, :1], offset[:, :1])
    with pytest.raises(ConfigError, match=r"features has shape \(1, 2, 3, 32, 32\)"):
        net(onset, apex, offset, torch.zeros(1, 2, 3, 32, 32))
    with pytest.raises(ConfigError, match=r"onset has the type uint8(.|\n)*wraps"):
        net(*(frame.to(torch.uint8) for frame in (onset, apex, offset)))


_UNFIT = [
    (2, 64, 64),
    (1, 3, 64, 64),
    (3, 3, 64, 64),
    (2, 2, 64, 64),
    (2, 3, 32, 32),
    (2, 3, 64, 32),
]


@pytest.mark.parametrize("one_pass", [False, True])
def test_phase_features_that_do_not_fit_are_refused(one_pass):
    net = TwoBranchNet(5, image_size=64, backbone="resnet10t", one_pass=one_pass).eval()
    for shape in (*((2, *each) for each in _UNFIT), (3, 2, 3, 64, 64)):
        message = rf"^features has shape {re.escape(str(shape))}.*\(batch, 2, 3, 64, 64\)\nPass"
        for call in (net, net.predict_logits):
            with pytest.raises(ConfigError, match=message):
                call(*frames(64), torch.zeros(shape))
    with pytest.raises(ConfigError, match="features has the type int64"):
        net(*frames(64), torch.zeros(2, 2, 3, 64, 64, dtype=torch.int64))


def test_key_frames_as_one_tensor():
    net = TwoBranchNet(5, image_size=32).eval()
    stacked = torch.stack(frames(32), dim=1)
    for one, two in zip(net(stacked), net(*frames(32)), strict=True):
        assert torch.equal(one, two)
    with pytest.raises(ConfigError, match=r"\(2, 2, 3, 32, 32\)"):
        net(stacked[:, :2])


@pytest.mark.parametrize("one_pass", [False, True])
def test_one_clip_on_one_pixel_has_no_batch_statistics(one_pass):
    net = TwoBranchNet(5, image_size=16, one_pass=one_pass)
    with pytest.raises(ConfigError, match=r"single pixel(.|\n)*larger image_size"):
        net(*frames(16, batch=1))
    assert net(*frames(16))[0].shape == net.eval()(*frames(16))[0].shape == (2, 5)


def test_an_unknown_branch_is_refused():
    with pytest.raises(ConfigError, match=r"'front'(.|\n)*both, rising, falling"):
        TwoBranchNet(5, branches="front")


def test_a_single_branch_equals_that_of_both():
    onset, apex, offset = frames(32)
    nets = {}
    for branches in ("both", "rising", "falling"):
        nets[branches] = TwoBranchNet(5, image_size=32, branches=branches).eval()
        nets[branches].load_state_dict(nets["both"].state_dict())
    rising, falling = nets["both"](onset, apex, offset)
    alone = nets["rising"](onset, apex, None)
    torch.testing.assert_close(alone[0], rising)
    assert alone[1] is None
    alone = nets["falling"](None, apex, offset)
    torch.testing.assert_close(alone[1], falling)
    assert alone[0] is None


@pytest.mark.parametrize(("branches", "which"), [("both", 0), ("rising", 0), ("falling", 1)])
def test_prediction_runs_one_branch(branches, which):
    net = TwoBranchNet(5, image_size=32, branches=branches).eval()
    batch = frames(32)
    calls = []
    net.head.register_forward_hook(lambda *_: calls.append(1))
    logits = net.predict_logits(*batch)
    assert len(calls) == 1
    torch.testing.assert_close(logits, net(*batch)[which])


def test_antialiasing_changes_the_spatial_stream():
    smooth = TwoBranchNet(5, image_size=64).eval()
    rough = TwoBranchNet(5, image_size=64, antialias=False).eval()
    rough.load_state_dict(smooth.state_dict())
    face = frames(64)[0]
    assert not torch.allclose(smooth.spatial(face), rough.spatial(face))
    torch.testing.assert_close(
        smooth.temporal.forward_features(face), rough.temporal.forward_features(face)
    )


def test_the_same_seed_gives_the_same_step():
    gradients = []
    for _ in range(2):
        torch.manual_seed(7)
        net = TwoBranchNet(5, image_size=32, drop_path=0.5)
        two_phase_loss(*net(*frames(32)), torch.tensor([1, 2])).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters()]))
    assert torch.equal(*gradients)


def test_bfloat16_autocast_trains():
    torch.manual_seed(0)
    net = TwoBranchNet(5, image_size=32, drop_path=0.0).eval()
    exact, _ = net(*frames(32))
    with torch.autocast("cpu", torch.bfloat16):
        rough, falling = net(*frames(32))
        loss = two_phase_loss(rough, falling, torch.tensor([1, 2]))
    loss.backward()
    torch.testing.assert_close(rough.float(), exact, atol=0.05, rtol=0.05)
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_rmt")
def test_compiles_into_one_graph():
    net = TwoBranchNet(5, image_size=32).eval()
    compiled = torch.compile(net, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*frames(32)), net(*frames(32)))


def test_a_custom_temporal_stream_sets_the_spatial_width_and_grid():
    class Patches(TemporalStream):
        num_features = 64
        reduction = 8

        def __init__(self):
            super().__init__()
            self.patch = torch.nn.Conv2d(3, 64, 8, stride=8)

        def forward_features(self, x):
            return self.patch(x)

    net = TwoBranchNet(5, image_size=40, temporal=Patches())
    assert net(*frames(40))[0].shape == (2, 5)
    assert net.spatial.position.shape == (1, 25, 64)


@pytest.mark.slow
def test_both_phases_at_once_are_normalised_separately():
    nets = [TwoBranchNet(5, image_size=32, drop_path=0.0, one_pass=way) for way in (False, True)]
    nets[1].load_state_dict(nets[0].state_dict())
    calls = []
    nets[1].head.register_forward_hook(lambda *_: calls.append(1))
    batch = frames(32, batch=3)
    for one, two in zip(nets[0](*batch), nets[1](*batch), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)
    assert len(calls) == 1
    for one, two in zip(nets[0].buffers(), nets[1].buffers(), strict=True):
        torch.testing.assert_close(one, two)
    alone = nets[1].rising(*batch[:2])  # afterwards a single phase passes as before
    torch.testing.assert_close(alone, nets[0].rising(*batch[:2]), rtol=1e-4, atol=1e-5)


def test_a_stream_with_another_batch_norm_gets_the_phases_one_by_one():
    class Normed(TemporalStream):
        num_features = 8
        reduction = 16

        def __init__(self):
            super().__init__()
            self.patch = torch.nn.Conv2d(3, 8, 16, stride=16)
            self.norm = torch.nn.BatchNorm2d(8)

        def forward_features(self, x):
            assert len(x) == 2
            return self.norm(self.patch(x))

    net = TwoBranchNet(5, image_size=32, temporal=Normed(), one_pass=True)
    assert net(*frames(32))[0].shape == (2, 5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_takes_both_phases_at_once_and_agrees_with_the_cpu():
    net = TwoBranchNet(5, image_size=64, drop_path=0.0)
    batch = frames(64, batch=4)
    expected = net(*batch)
    net.cuda()
    calls = []
    net.head.register_forward_hook(lambda *_: calls.append(1))
    found = net(*(frame.cuda() for frame in batch))
    assert len(calls) == 1
    for one, two in zip(expected, found, strict=True):
        torch.testing.assert_close(two.cpu(), one, rtol=1e-2, atol=1e-2)


def test_timm_creates_it():
    net = timm.create_model("gamdss_two_branch", num_classes=3, image_size=32, branches="rising")
    assert isinstance(net, TwoBranchNet)
    assert net(*frames(32))[0].shape == (2, 3)
