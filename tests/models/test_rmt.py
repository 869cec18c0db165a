"""The temporal stream as a model of its own."""

import pytest
import timm
import torch
from timm.layers import DropPath

from gamdss.errors import ConfigError
from gamdss.models.rmt import RMT


def test_timm_makes_an_image_classifier():
    model = timm.create_model("gamdss_rmt", num_classes=5, image_size=64)
    assert isinstance(model, RMT)
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 5)


def test_nobody_published_weights():
    with pytest.raises(ConfigError, match="gamdss_rmt has no pretrained weights"):
        timm.create_model("gamdss_rmt", pretrained=True)


def test_without_classes_it_returns_features():
    model = RMT(num_classes=0, image_size=48, in_chans=1)
    x = torch.randn(2, 1, 48, 48)
    assert model.forward_features(x).shape == (2, 512, 3, 3)
    assert model(x).shape == (2, 512)


def test_drop_path_grows_linearly_over_the_blocks():
    model = RMT(image_size=32, drop_path=0.1)
    rates = [m.drop_prob for m in model.modules() if isinstance(m, DropPath)]
    assert rates == pytest.approx([0, 0.025, 0.05, 0.075, 0.1])


def test_an_image_of_another_size_is_refused():
    with pytest.raises(ConfigError, match=r"\(1, 3, 40, 40\).*32, 32"):
        RMT(image_size=32)(torch.zeros(1, 3, 40, 40))
