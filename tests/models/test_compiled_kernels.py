"""Triton's kernels compile for GPUs on a machine without one, and fit into their shared memory."""

import pytest
import torch

triton = pytest.importorskip("triton", "3.3")
if not hasattr(torch.library, "triton_op"):
    pytest.skip("PyTorch is older than the kernels need", allow_module_level=True)

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from gamdss.models import depthwise_kernels, line_kernels  # noqa: E402

# Compute capability, and the bytes of shared memory that a block may have: RTX 30, H100.
GPUS = {86: 99 * 1024, 90: 227 * 1024}
FLOATS = ("turns", "decays", "taps", "bias")  # float32; other pointers are to bfloat16
NUMBERS = {"scale": "fp32"}  # others are int32
LINE = {"block": 128, "channels": 16}  # of the first stage at 224 pixels: 112, and its heads
STRIP = depthwise_kernels._STRIP


def compiled(kernel, constants, capability):
    pointers = {"qkv", "values", "out", "copied", "grad", "of_copied", "of_qkv", "of_values", "x"}

    def kind(name):
        if name in constants:
            return "constexpr"
        if name in pointers or name in FLOATS:
            return "*fp32" if name in FLOATS else "*bf16"
        return NUMBERS.get(name, "i32")

    signature = {name: kind(name) for name in kernel.arg_names}
    values = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    target = GPUTarget("cuda", capability, 32)
    options = {"num_warps": 4}
    return triton.compile(ASTSource(kernel, signature, values), target=target, options=options)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("capability", GPUS)
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("name", ["_forward", "_backward"])
def test_retention_along_lines(name, columns, capability):
    found = compiled(getattr(line_kernels, name), {"columns": columns, **LINE}, capability)
    assert found.asm["cubin"]
    assert 0 < found.metadata.shared <= GPUS[capability]


@pytest.mark.slow
@pytest.mark.parametrize("capability", GPUS)
@pytest.mark.parametrize("turned", [False, True])
def test_depthwise_convolution(turned, capability):
    constants = {"turned": turned, "biased": not turned, "added": True, **STRIP}
    found = compiled(depthwise_kernels._convolve, constants, capability)
    assert found.asm["cubin"]
    assert found.metadata.shared <= GPUS[capability]
