"""RMT: shapes, memory layout and initialisation of its parts; the whole as a classifier."""

import pytest
import timm
import torch
from timm.layers import DropPath
from torch import nn

from gamdss.errors import ConfigError
from gamdss.models.depthwise import DWConv
from gamdss.models.retention import RetentionTables
from gamdss.models.rmt import FFN, RMT, Downsample, Head, RMTBlock, Stem, init_linear, stored_gelu


def test_timm_creates_an_image_classifier():
    model = timm.create_model("gamdss_rmt", num_classes=5, image_size=64)
    assert isinstance(model, RMT)
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 5)


def test_pretrained_weights_are_refused():
    with pytest.raises(ConfigError, match="gamdss_rmt has no pretrained weights"):
        timm.create_model("gamdss_rmt", pretrained=True)


def test_without_classes_it_returns_an_embedding():
    model = RMT(num_classes=0, image_size=48, in_chans=1)
    x = torch.randn(2, 1, 48, 48)
    assert model.forward_features(x).shape == (2, 512, 3, 3)
    assert model(x).shape == (2, model.head_hidden_size) == (2, 1024)


def test_drop_path_grows_linearly_over_the_blocks():
    model = RMT(image_size=32, drop_path=0.1)
    rates = [m.drop_prob for m in model.modules() if isinstance(m, DropPath)]
    assert rates == pytest.approx([0, 0.025, 0.05, 0.075, 0.1])


def test_images_of_another_size_are_refused():
    with pytest.raises(ConfigError, match=r"\(1, 3, 40, 40\).*32, 32"):
        RMT(image_size=32)(torch.zeros(1, 3, 40, 40))


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_depthwise_convolution_keeps_the_layout(kernel_size):
    layer = DWConv(8, kernel_size)
    y = layer(torch.randn(2, 6, 5, 8))
    assert y.shape == (2, 6, 5, 8)
    assert y.is_contiguous()  # the next Linear needs no copy


def test_ffn_adds_the_local_convolution_to_its_hidden_map():
    ffn = FFN(4, 12)
    nn.init.zeros_(ffn.local.weight)
    nn.init.zeros_(ffn.local.bias)
    x = torch.randn(1, 3, 3, 4)
    plain = ffn.reduce(nn.functional.gelu(ffn.expand(x)))
    torch.testing.assert_close(ffn(x), plain)


def test_a_stored_gelu_is_gelu_in_compiled_code_too():
    x, y = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
    torch.library.opcheck(stored_gelu, (x,))
    for function in (stored_gelu, torch.compile(stored_gelu, backend="aot_eager")):
        gradients = [torch.autograd.grad((f(x) * y).sum(), x)[0] for f in (function, nn.GELU())]
        torch.testing.assert_close(*gradients)
        torch.testing.assert_close(function(x), nn.functional.gelu(x))


def test_block_drops_whole_residual_branches():
    block = RMTBlock(8, 2, 3, drop_path=1.0).train()
    tables = RetentionTables((4, 4), 2, 4, 4, decomposed=False)
    x = torch.randn(2, 4, 4, 8)
    torch.testing.assert_close(block(x, tables), block.position(x))


def test_stem_and_downsample_halve_the_resolution():
    x = Stem(3, 16)(torch.randn(2, 3, 32, 32))
    assert x.shape == (2, 16, 16, 16)
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert Downsample(16, 24)(x).shape == (2, 24, 8, 8)


def test_head_averages_over_the_map():
    head = Head(8, 16, 5).eval()
    x = torch.randn(2, 8, 1, 1)
    torch.testing.assert_close(head(x.expand(2, 8, 3, 3)), head(x))


def test_linear_layers_are_initialised_as_in_the_paper():
    torch.manual_seed(0)
    layer = nn.Linear(256, 256)
    init_linear(layer)
    assert layer.bias.count_nonzero() == 0
    assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
