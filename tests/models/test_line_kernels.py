"""Retention along lines in one kernel equals the written-out form.

Without a GPU Triton's interpreter runs the kernels.
"""

import copy
import pickle

import pytest
import torch
from interpreted import needs_interpreter, run

from gamdss.models import retention
from gamdss.models.retention import RetentionTables

pytest.importorskip("triton")
if not hasattr(torch.library, "triton_op"):
    pytest.skip("PyTorch is older than the kernels need", allow_module_level=True)


def outcomes(tables, device, dtype=torch.float32):
    """Outputs and gradients of the written-out form and of the kernels."""
    torch.manual_seed(0)
    shape = (2, *tables.resolution, 5, 2, 16)
    values = torch.randn(shape, device=device).bfloat16().to(dtype)
    maps, upstream = values[:, :, :, :3].contiguous(), values[:, :, :, 3:].unbind(3)
    found = []
    for form in ("written", "lines"):
        tables.use(form, dtype)
        given = maps.clone().requires_grad_()
        outputs = tables.packed(given)
        torch.autograd.backward(outputs, upstream)
        found.append(torch.cat((torch.stack(outputs, 3).detach(), given.grad), 3).float())
    return found


def compare(device):
    for resolution in ((5, 7), (18, 3)):
        tables = RetentionTables(resolution, 2, 16, 4, decomposed=True).to(device)
        written, lines = outcomes(tables, device)
        torch.testing.assert_close(lines, written, rtol=1e-4, atol=1e-5)


@needs_interpreter
def test_interpreted_kernels_equal_the_written_out_form():
    run(__file__, "compare('cpu')")


def test_tables_with_kernels_are_copied_and_stored_and_run_on_a_cpu(monkeypatch):
    tables = RetentionTables((5, 7), 2, 16, 4, decomposed=True)
    maps = torch.randn(2, 5, 7, 3, 2, 16)
    expected = tables.packed(maps)[0]
    tables.use("lines", torch.float32)
    stored = pickle.dumps(tables)
    for other in (tables, copy.deepcopy(tables), pickle.loads(stored)):
        assert other.form == "lines"
        assert torch.equal(other.packed(maps)[0], expected)
    monkeypatch.setattr(retention, "try_loading", lambda _: False)  # as without Triton
    assert pickle.loads(stored).form == "written"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_kernels_equal_the_written_out_form_on_cuda():
    compare("cuda")
    tables = RetentionTables((112, 56), 2, 16, 4, decomposed=True).cuda()
    written, lines = outcomes(tables, "cuda", torch.bfloat16)
    exact, _ = outcomes(tables, "cuda")
    assert (lines - exact).norm() < (written - exact).norm()
    again = outcomes(tables, "cuda", torch.bfloat16)[1]
    assert torch.equal(lines, again)
