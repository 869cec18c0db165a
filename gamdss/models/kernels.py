"""This package's Triton kernels as PyTorch's operators `torch.ops.gamdss`, imported when needed."""

from __future__ import annotations

import importlib
import os

from torch import Tensor

_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"


def load_kernels(name: str) -> None:
    """Register the operators of a module of this package.

    Raises:
        ImportError: Triton is missing, or PyTorch is older than 2.6.
    """
    importlib.import_module(f"gamdss.models.{name}")


def try_loading(name: str) -> bool:
    """As `load_kernels`; returns whether the operators are available, in place of an error."""
    try:
        load_kernels(name)
    except ImportError:
        return False
    return True


def can_take(x: Tensor) -> bool:
    """Whether kernels run where the tensor is; on a CPU only in Triton's interpreter."""
    return x.is_cuda or _INTERPRETED
