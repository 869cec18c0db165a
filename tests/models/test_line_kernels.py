"""Retention along lines in one kernel equals the written-out form.

Without a GPU Triton's interpreter runs the kernels, which must be chosen before they are imported:
in a process of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gamdss.models.retention import RetentionTables

pytest.importorskip("triton")
pytest.importorskip("torch.library")


def outcomes(tables, device, dtype=torch.float32):
    """Output and gradients of the written-out form and of the kernels."""
    torch.manual_seed(0)
    height, width = tables.resolution
    shape = (4, 2, height, width, 2, 16)
    *maps, upstream = torch.randn(shape, device=device).bfloat16().to(dtype)
    maps = torch.stack(maps)
    found = []
    for form in ("written", "lines"):
        tables.use(form, dtype)
        given = maps.clone().requires_grad_()
        mixed = tables(*given)
        mixed.backward(upstream)
        found.append(torch.stack((mixed.detach(), *given.grad)).float())
    return found


def compare(device):
    for resolution in ((5, 7), (18, 3)):
        tables = RetentionTables(resolution, 2, 16, 4, decomposed=True).to(device)
        written, lines = outcomes(tables, device)
        torch.testing.assert_close(lines, written, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels run on CUDA")
@pytest.mark.skipif(sys.platform != "linux", reason="Triton is for Linux")
def test_interpreted_kernels_equal_the_written_out_form():
    here = Path(__file__)
    script = f"import sys; sys.path.insert(0, {str(here.parent)!r}); import {here.stem} as t"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; t.compare('cpu')"],
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "wrap_triton only works" in done.stderr:
        pytest.skip("this release of PyTorch does not run interpreted kernels")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_kernels_equal_the_written_out_form_on_cuda():
    compare("cuda")
    tables = RetentionTables((112, 56), 2, 16, 4, decomposed=True).cuda()
    written, lines = outcomes(tables, "cuda", torch.bfloat16)
    exact, _ = outcomes(tables, "cuda")
    assert (lines - exact).norm() < (written - exact).norm()
    again = outcomes(tables, "cuda", torch.bfloat16)[1]
    assert torch.equal(lines, again)
