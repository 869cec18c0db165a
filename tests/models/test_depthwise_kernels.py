"""The depthwise convolution of the kernels equals PyTorch's, with and without the map added.

Without a GPU Triton's interpreter runs them.
"""

import copy
import pickle

import pytest
import torch
from interpreted import needs_interpreter, run

from gamdss.models.depthwise import DWConv

pytest.importorskip("triton")
if not hasattr(torch.library, "triton_op"):
    pytest.skip("PyTorch is older than the kernels need", allow_module_level=True)


def outcomes(shape, added, device, dtype=torch.float32):
    """Output and gradients of PyTorch's convolution and of the kernels."""
    torch.manual_seed(0)
    layer = DWConv(shape[-1], added=added).to(device)
    values, upstream = torch.randn((2, *shape), device=device).bfloat16().to(dtype)
    found = []
    for kernels in (False, True):
        if kernels:
            layer.use_kernels()
        given = values.clone().requires_grad_()
        with torch.autocast(device, torch.bfloat16, enabled=dtype == torch.bfloat16):
            y = layer(given)
        layer.zero_grad()
        y.backward(upstream)
        gradients = given.grad, layer.weight.grad, layer.bias.grad
        found.append([values.detach().float().clone() for values in (y, *gradients)])
    return found


def compare(device):
    for shape, added in (((2, 5, 7, 6), True), ((1, 17, 18, 70), False), ((1, 31, 17, 16), True)):
        plain, kernels = outcomes(shape, added, device)
        for want, got in zip(plain, kernels, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)


@needs_interpreter
def test_interpreted_kernels_equal_the_convolution():
    run(__file__, "compare('cpu')")


def test_a_layer_with_kernels_is_copied_and_stored_and_runs_on_a_cpu():
    layer, x = DWConv(8, added=True), torch.randn(1, 6, 6, 8)
    expected = layer(x)
    layer.use_kernels()
    for other in (layer, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other.uses_kernels
        assert torch.equal(other(x), expected)


def test_other_sizes_have_no_kernels():
    layer = DWConv(8, 5)
    layer.use_kernels()
    assert not layer.uses_kernels
    assert layer(torch.randn(1, 6, 6, 8)).shape == (1, 6, 6, 8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_kernels_equal_the_convolution_on_cuda():
    with torch.backends.cudnn.flags(allow_tf32=False):
        compare("cuda")
    plain, kernels = outcomes((4, 56, 56, 128), True, "cuda", torch.bfloat16)
    exact, _ = outcomes((4, 56, 56, 128), True, "cuda")
    for want, got, rounded in zip(exact, kernels, plain, strict=True):
        assert (got - want).norm() <= 1.01 * (rounded - want).norm()
    again = outcomes((4, 56, 56, 128), True, "cuda", torch.bfloat16)[1]
    assert all(torch.equal(a, b) for a, b in zip(kernels, again, strict=True))
