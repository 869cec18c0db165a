"""timm backbones as temporal stream: they train; errors explain what does not fit."""

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import register_model
from torch import nn

from gamdss.cli import main
from gamdss.errors import CheckpointError, ConfigError
from gamdss.losses import two_phase_loss
from gamdss.models import TemporalStream, backbones
from gamdss.models.backbones import TimmStream, fitting_sizes
from gamdss.models.two_branch import TwoBranchNet

TRAINED = [
    ("test_resnet", 64),
    ("test_convnext", 64),
    ("swin_tiny_patch4_window7_224", 64),
    ("test_vit", 32),
    ("test_efficientnet", 64),
    ("mobilenetv4_conv_small", 64),
    ("test_mambaout", 64),
    ("edgenext_xx_small", 64),
    ("levit_128s", 96),  # built for a fixed size
    ("ghostnet_100", 64),  # has no stochastic depth
]


def frames(size, batch=4):
    generator = torch.Generator().manual_seed(0)
    face = torch.randn(batch, 3, size, size, generator=generator)
    motion = 0.05 * torch.randn(2, batch, 3, size, size, generator=generator)
    return face, face + motion[0], face + 0.1 * motion[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), TRAINED)
def test_backbones_learn_in_a_few_steps(name, size):
    torch.manual_seed(0)
    net = TwoBranchNet(3, size, backbone=name)
    batch, labels = frames(size, batch=2), torch.tensor([0, 2])
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(3):
        loss = two_phase_loss(*net(*batch), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    without = [name for name, p in net.named_parameters() if p.grad is None]
    assert without == []
    assert net.eval().predict_logits(*batch).isfinite().all()


@pytest.mark.parametrize("name", ["skresnet18", "resnest14d"])
def test_one_clip_cannot_train_norms_after_pooling(name):
    net = TwoBranchNet(3, 64, backbone=name)
    with pytest.raises(ConfigError, match=r"one clip(.|\n)*batch_size"):
        net(*frames(64, batch=1))
    assert net.eval().predict_logits(*frames(64, batch=1)).shape == (1, 3)


def test_the_streams_meet_at_the_backbones_map():
    net = TwoBranchNet(5, 96, backbone="vit_tiny_patch16_224")
    assert (net.temporal.num_features, net.spatial.grid) == (192, 6)
    assert net.spatial.position.shape == (1, 36, 192)
    wide = TwoBranchNet(5, 64, backbone="mobilenetv4_conv_small")
    assert (wide.temporal.num_features, wide.spatial.grid) == (960, 2)
    assert wide.spatial.position.shape == (1, 4, 512)  # never wider than the paper's
    assert wide.spatial(frames(64)[0]).shape == (4, 960, 2, 2)
    with pytest.raises(ConfigError, match="built for 64"):
        wide.temporal.grid(96)


def test_differences_are_normalised_to_the_statistics_of_photographs():
    net = TwoBranchNet(5, 64, backbone="mobilenetv4_conv_small")
    onset, apex, offset = frames(64)
    seen = []
    net.difference.register_forward_hook(lambda _m, _i, out: seen.append(out))
    net(onset, apex, offset)
    for phase in seen:
        torch.testing.assert_close(phase.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
        torch.testing.assert_close(phase.std((0, 2, 3)), torch.ones(3), atol=0.02, rtol=0)
    assert sum(p.numel() for p in net.difference.parameters()) == 0
    # The running statistics are those of both phases, without their initial values.
    variance = ((apex - onset).var((0, 2, 3)) + (apex - offset).var((0, 2, 3))) / 2
    torch.testing.assert_close(net.difference.running_var, variance, rtol=1e-3, atol=0)


def test_rmt_gets_raw_differences_by_default():
    assert isinstance(TwoBranchNet(5, 32).difference, nn.Identity)
    assert isinstance(TwoBranchNet(5, 32, input_statistics="batch").difference, nn.BatchNorm2d)
    raw = TwoBranchNet(5, 64, backbone="mobilenetv4_conv_small", input_statistics="raw")
    assert isinstance(raw.difference, nn.Identity)
    with pytest.raises(ConfigError, match=r"input_statistics is 'mean'(.|\n)*auto, raw, batch"):
        TwoBranchNet(5, 32, input_statistics="mean")


def test_batch_norms_of_a_backbone_see_each_phase_as_a_separate_batch():
    """Even with one_pass=True: running statistics as in two passes."""
    torch.manual_seed(0)
    net = TwoBranchNet(5, 64, backbone="resnet18", drop_path=0.0, one_pass=True)
    onset, apex, offset = frames(64)
    means = []
    net.temporal.net.bn1.register_forward_pre_hook(lambda _m, x: means.append(x[0].mean((0, 2, 3))))
    net(onset, apex, offset)
    assert len(means) == 2
    expected = 0.1 * means[1] + 0.9 * 0.1 * means[0]  # rising first, then falling
    torch.testing.assert_close(net.temporal.net.bn1.running_mean, expected)
    at_once = TwoBranchNet(5, 64, backbone="convnext_atto", one_pass=True)  # it has no BatchNorm
    calls = []
    at_once.head.register_forward_hook(lambda *_: calls.append(1))
    at_once(onset, apex, offset)
    assert len(calls) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        (
            "resnet81",
            64,
            r"backbone is 'resnet81'(.|\n)*Did you mean resnet18, .*models --all",
        ),
        ("rmtt", 64, r"Did you mean rmt[,?]"),
        ("", 64, "backbone is ''"),
        (None, 64, "backbone is None"),
        ("resnet18.best", 64, r"no weights 'best' for resnet18(.|\n)*resnet18\.a1_in1k"),
        ("resnet18", 32, r"single pixel(.|\n)*Use image_size 64, 96 or 224"),
        ("resnet18", 0, "image_size 0 does not fit"),
        ("vit_tiny_patch16_224", 100, r"4 pixels at the edge(.|\n)*64, 96, 128, 160 or 224"),
        ("maxvit_rmlp_pico_rw_256", 100, r"divisible by window(.|\n)*Use image_size 64"),
    ],
)
def test_errors_list_what_fits(name, size, message):
    with pytest.raises(ConfigError, match=message):
        TwoBranchNet(5, size, backbone=name)


def test_fitting_sizes_fit():
    assert fitting_sizes("levit_128s", 70) == [96, 128, 224]
    assert TimmStream("levit_128s", 96).grid(96) == 2


@register_model
def gamdss_test_vector(pretrained=False, num_classes=0, **kwargs):
    """A model without a map."""
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(8))


def test_a_model_without_a_map_is_refused():
    with pytest.raises(ConfigError, match=r"no usable spatial feature map.*_in"):
        TwoBranchNet(5, 64, backbone="gamdss_test_vector")


def test_weights_from_a_file(tmp_path, monkeypatch):
    torch.manual_seed(1)
    model = timm.create_model("resnet18", num_classes=7)
    file = tmp_path / "resnet18.safetensors"
    save_file(model.state_dict(), file)
    net = TwoBranchNet(5, 64, backbone="resnet18", weights=file)
    assert torch.equal(net.temporal.net.conv1.weight, model.conv1.weight)
    monkeypatch.setenv("HOME", str(tmp_path))
    net = TwoBranchNet(5, 64, backbone="resnet18", weights="~/resnet18.safetensors")
    assert torch.equal(net.temporal.net.conv1.weight, model.conv1.weight)
    message = r"other\.safetensors(.|\n)*there is no such file\nCheck --model.weights"
    with pytest.raises(CheckpointError, match=message):
        TwoBranchNet(5, 64, backbone="resnet18", weights=tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="weights of mobilenetv4_conv_small cannot"):
        TwoBranchNet(5, 64, backbone="mobilenetv4_conv_small", weights=file)
    with pytest.raises(ConfigError, match="'rmt' has no pretrained weights"):
        TwoBranchNet(5, 32, pretrained=True)
    with pytest.raises(ConfigError, match="timm has no pretrained weights of lcnet_035"):
        TwoBranchNet(5, 64, backbone="lcnet_035", pretrained=True)


def test_without_a_network_pretrained_weights_are_refused_before_data_is_read(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    words = ["train", "--data-root", str(tmp_path / "nowhere"), "--output", str(tmp_path / "run")]
    words += ["--model.backbone", "mobilenetv4_conv_small", "--model.pretrained", "true"]
    assert main([*words, "--model.image-size", "64"]) == 2
    shown = capsys.readouterr().err
    assert "error: the weights of mobilenetv4_conv_small cannot be loaded" in shown
    assert "--model.weights" in shown


def test_a_typo_in_the_backbone_stops_a_run_before_data_is_read(tmp_path, capsys):
    words = ["train", "--data-root", str(tmp_path / "nowhere"), "--model.backbone", "resnet_18"]
    assert main([*words, "--output", str(tmp_path / "run")]) == 2
    assert "Did you mean resnet18" in capsys.readouterr().err


class Squares(TemporalStream):
    """A custom stream, as a package would have it."""

    num_features, reduction = 8, 16

    def __init__(self, *size_drop_path_channels):
        super().__init__()
        self.net = nn.Conv2d(size_drop_path_channels[2], 8, 16, stride=16)

    def forward_features(self, x):
        return self.net(x)


NOTHING = None


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs a package that has an entry point, and forgets the stream that it added."""

    def install(value, name="mine"):
        about = tmp_path / "mine-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[gamdss.backbones]\n{name} = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    monkeypatch.setattr(backbones, "OWN", dict(backbones.OWN))
    return install


def test_a_package_adds_a_backbone(installed):
    with pytest.raises(ConfigError, match=r"^backbone is 'mine'(.|\n)*group gamdss\.backbones"):
        TwoBranchNet(3, image_size=64, backbone="mine")
    installed(f"{__name__}:Squares")
    assert "mine" in backbones.list_backbones()
    net = TwoBranchNet(3, image_size=64, backbone="mine").eval()
    assert type(net.temporal) is Squares
    assert isinstance(net.difference, nn.Identity)  # raw, as for all streams of this interface
    assert net(*frames(64))[0].shape == (4, 3)


def test_a_package_adds_a_model_of_timm(installed, tmp_path):
    code = "from timm.models import create_model, register_model\n"
    code += "@register_model\ndef mine_of_timm(pretrained=False, **options):\n"
    code += "    return create_model('test_resnet', pretrained=pretrained, **options)\n"
    (tmp_path / "module_of_mine.py").write_text(code)
    installed("module_of_mine:mine_of_timm", "mine_of_timm")
    net = TwoBranchNet(3, image_size=64, backbone="mine_of_timm")
    assert isinstance(net.temporal, TimmStream)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("absent_of_mine:build", "cannot be loaded from absent_of_mine:build .ModuleNotFoundError"),
        (f"{__name__}:NOTHING", "of type NoneType\n.*TemporalStream"),
    ],
)
def test_a_broken_entry_point_is_named(installed, value, message):
    installed(value)
    with pytest.raises(ConfigError, match=f"^the backbone 'mine' .*{message}"):
        TwoBranchNet(3, image_size=64, backbone="mine")
