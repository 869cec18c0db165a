"""The two-phase wrapper adds phases to a custom model, and nothing else."""

import pytest
import timm
import torch
from torch import nn

import gamdss
from gamdss.errors import ConfigError


@pytest.fixture
def model():
    torch.manual_seed(0)
    return timm.create_model("mobilenetv4_conv_small", num_classes=4)


def frames(batch=3):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, batch, 3, 32, 32, generator=generator).unbind()


def test_it_adds_no_parameter_and_rising_is_the_bare_model(model):
    net = gamdss.two_phase(model)
    bare = {name: p.shape for name, p in model.named_parameters()}
    assert {n: p.shape for n, p in net.named_parameters()} == {
        f"model.{name}": shape for name, shape in bare.items()
    }
    assert len(list(net.buffers())) == len(list(model.buffers()))
    onset, apex, offset = frames()
    net.eval()
    rising, falling = net(onset, apex, offset)
    assert torch.equal(rising, model(apex - onset))
    assert torch.equal(falling, model(apex - offset))
    assert torch.equal(net.predict_logits(onset, apex), rising)


def test_it_trains_with_the_two_phase_loss_and_norms_see_one_phase_at_a_time(model):
    net = gamdss.two_phase(model)
    sizes = []
    model.register_forward_pre_hook(lambda _m, x: sizes.append(len(x[0])))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    losses = []
    for _ in range(4):
        loss = gamdss.two_phase_loss(*net(*frames()), torch.tensor([0, 1, 3]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert set(sizes) == {3}


def test_errors_name_the_mistake():
    with pytest.raises(ConfigError, match="the model is of type str"):
        gamdss.two_phase("resnet18")
    onset, apex, offset = frames()
    net = gamdss.two_phase(nn.Flatten())
    with pytest.raises(ConfigError, match=r"offset has shape \(2, 3, 32, 32\), apex \(3"):
        net(onset, apex, offset[:2])
    with pytest.raises(ConfigError, match=r"returned \(3, 8, 30, 30\) for a batch of 3"):
        gamdss.two_phase(nn.Conv2d(3, 8, 3))(onset, apex, offset)
    with pytest.raises(ConfigError, match="apex has the type uint8"):
        net(*(frame.to(torch.uint8) for frame in (onset, apex, offset)))
