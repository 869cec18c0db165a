"""Triton's kernels without a GPU: its interpreter, chosen before they are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

needs_interpreter = pytest.mark.skipif(
    torch.cuda.is_available() or sys.platform != "linux", reason="the kernels run on CUDA"
)


def run(test_file: str, call: str) -> None:
    """Call a function of a test file in a process of its own, with interpreted kernels."""
    here = Path(test_file)
    script = f"import sys; sys.path.insert(0, {str(here.parent)!r}); import {here.stem} as t"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}; t.{call}"],
        env={**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "wrap_triton only works" in done.stderr:
        pytest.skip("this release of PyTorch does not run interpreted kernels")
    assert done.returncode == 0, done.stderr
