"""timm's conventions, as timm tests them over its registry, for both of our models.

They also hold for the temporal streams that the two-branch network may have.
"""

import pytest
import timm
import torch
from timm.models import group_parameters
from timm.optim import create_optimizer_v2

from gamdss.errors import ConfigError
from gamdss.models.two_branch import TwoBranchNet

SIZE = 32
MODELS = ("gamdss_rmt", "gamdss_two_branch")
STREAMS = {
    "rmt": 32,
    "release_resnet": 32,
    "release_convnext_t": 32,
    "release_efficientmod_xxs": 32,
    "mobilenetv4_conv_small": 64,
}


def images(name, batch=2, size=SIZE, chans=3):
    key_frames = (3,) if "two_branch" in name else ()
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, *key_frames, chans, size, size, generator=generator)


def first(output):
    """The output of a model, or that of the rising phase."""
    return output[0] if isinstance(output, tuple) else output


@pytest.fixture(scope="module")
def built():
    return {name: timm.create_model(name, img_size=SIZE).eval() for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_the_registry_describes_the_model(name, built):
    net = built[name]
    cfg = timm.get_pretrained_cfg(name)
    assert cfg.input_size == (3, 224, 224)
    assert cfg.num_classes == net.num_classes == 5
    assert net.pretrained_cfg == net.default_cfg
    names = net.state_dict()
    assert f"{cfg.classifier}.weight" in names
    convs = (cfg.first_conv,) if isinstance(cfg.first_conv, str) else cfg.first_conv
    assert all(f"{conv}.weight" in names for conv in convs)
    assert net.get_classifier() is net.get_submodule(cfg.classifier)
    if name == "gamdss_rmt":
        assert cfg.pool_size == (224 // net.feature_info[-1]["reduction"],) * 2
    assert timm.create_model(name, image_size=48).image_size == 48


@pytest.mark.parametrize("name", MODELS)
def test_forward_is_features_then_head(name, built):
    net, x = built[name], images(name)
    with torch.no_grad():
        features = net.forward_features(x)
        assert first(features).shape == (2, net.num_features, 2, 2)
        torch.testing.assert_close(net.forward_head(features), net(x))
        hidden = net.forward_head(features, pre_logits=True)
    assert first(hidden).shape == (2, net.head_hidden_size)
    assert first(net(x)).shape == (2, 5)


@pytest.mark.parametrize("name", MODELS)
def test_the_classifier_is_replaced_and_removed(name):
    net, x = timm.create_model(name, img_size=SIZE, num_classes=7).eval(), images(name)
    assert first(net(x)).shape == (2, 7)
    net.reset_classifier(3, "max")
    assert first(net(x)).shape == (2, 3)
    net.reset_classifier(0)
    removed = first(net(x))
    assert removed.shape == (2, net.head_hidden_size)
    without = timm.create_model(name, img_size=SIZE, num_classes=0, global_pool="max").eval()
    assert without.get_classifier().state_dict() == {}
    without.load_state_dict(net.state_dict())
    torch.testing.assert_close(first(without(x)), removed)
    net.reset_classifier(0, "")
    assert first(net(x)).shape == (2, net.head_hidden_size, 2, 2)
    with pytest.raises(ConfigError, match="global_pool is ''"):
        net.reset_classifier(2)


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name):
    net = timm.create_model(name, img_size=SIZE, num_classes=4, in_chans=1, drop_path_rate=0.0)
    out = net(images(name, chans=1))
    torch.cat(out if isinstance(out, tuple) else (out,)).mean().backward()
    assert [key for key, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("indices", [None, 2, (0, 2), (-1,)])
def test_intermediates(name, indices, built):
    net, x = built[name], images(name)
    with torch.no_grad():
        last, maps = net.forward_intermediates(x, indices=indices)
        torch.testing.assert_close(last, first(net.forward_features(x)))
        only = net.forward_intermediates(
            x, indices=indices, output_fmt="NHWC", intermediates_only=True
        )
    infos = net.feature_info
    places = list(range(4))[-2:] if indices == 2 else indices or range(4)
    for level, other, place in zip(maps, only, places, strict=True):
        assert level.shape[1] == infos[place]["num_chs"]
        assert level.shape[2] == SIZE // infos[place]["reduction"]
        torch.testing.assert_close(other.permute(0, 3, 1, 2), level)


@pytest.mark.parametrize("name", MODELS)
def test_features_only(name):
    net = timm.create_model(name, img_size=SIZE, features_only=True, out_indices=(1, 2)).eval()
    maps = net(images(name))
    assert net.feature_info.channels() == [128, 256] == [level.shape[1] for level in maps]
    assert net.feature_info.reduction() == [4, 8] == [SIZE // level.shape[2] for level in maps]
    if name == "gamdss_rmt":  # the stages after these are removed
        assert len(net.model.stages) == 3


@pytest.fixture(scope="module")
def streams():
    return {name: TwoBranchNet(3, size, backbone=name).eval() for name, size in STREAMS.items()}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("coarse", [False, True])
def test_parameters_are_in_layers(stream, coarse, streams):
    net = streams[stream]
    layers = group_parameters(net, net.group_matcher(coarse=coarse), reverse=True)
    assert set(layers) == {key for key, _ in net.named_parameters()}
    assert layers["head.classify.weight"] == max(layers.values())
    assert layers["spatial.embed.weight"] == 0
    temporal = [layers[key] for key in layers if key.startswith("temporal.")]
    assert len(set(temporal)) >= 4
    assert max(temporal) == layers["spatial.blocks.1.norm1.weight"] < max(layers.values())


def test_layer_decay_of_timm_optimizers(built):
    for net in built.values():
        groups = create_optimizer_v2(net, "adamw", lr=1e-3, layer_decay=0.5).param_groups
        scales = {group["lr_scale"] for group in groups}
        assert max(scales) == 1
        assert len(scales) > 4


@pytest.mark.parametrize("name", [*MODELS, "release_convnext_t"])
def test_checkpointing_changes_no_number(name):
    torch.manual_seed(0)
    if name in MODELS:
        net = timm.create_model(name, img_size=SIZE, drop_path_rate=0.0)
    else:
        net = TwoBranchNet(5, SIZE, backbone=name, drop_path=0.0)
    x = images(name if name in MODELS else "two_branch")
    before = {key: values.clone() for key, values in net.state_dict().items()}
    runs = []
    for enable in (False, True):
        net.load_state_dict(before)
        net.zero_grad()
        net.set_grad_checkpointing(enable)
        first(net(x)).sum().backward()
        gradients = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None])
        runs.append((gradients, [b.clone() for b in net.buffers()]))
    assert torch.equal(runs[0][0], runs[1][0])
    assert all(torch.equal(*pair) for pair in zip(runs[0][1], runs[1][1], strict=True))


def test_checkpointing_is_refused_where_it_would_change_batch_statistics():
    net = TwoBranchNet(5, SIZE, backbone="release_resnet")
    net.set_grad_checkpointing(False)
    with pytest.raises(ConfigError, match="BatchNorms would see batches twice"):
        net.set_grad_checkpointing()


@pytest.mark.parametrize("stream", [name for name in STREAMS if name != "rmt"])
def test_levels_of_the_temporal_streams(stream, streams):
    size, net = STREAMS[stream], streams[stream]
    with torch.no_grad():
        last, maps = net.forward_intermediates(images("two_branch", size=size))
    assert len(maps) == len(net.feature_info) >= 4
    for level, info in zip(maps, net.feature_info, strict=True):
        assert level.shape[1:3] == (info["num_chs"], max(1, size // info["reduction"]))
    assert last.shape == (2, net.num_features, *maps[-1].shape[2:])


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": -1}, "num_classes is -1"),
        ({"in_chans": 0}, "in_chans is 0"),
        ({"drop_path_rate": 1.0}, "drop_path is 1.0"),
        ({"drop_path_rate": float("nan")}, "drop_path is nan"),
        ({"img_size": (32, 64)}, "must be square"),
    ],
)
def test_impossible_sizes_are_refused(name, options, message):
    with pytest.raises(ConfigError, match=message):
        timm.create_model(name, **{"img_size": SIZE, **options})
