"""The device and precision of a run: `auto` resolved, and the process set up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

import cv2
import torch
from torch.utils._triton import has_triton

from gamdss.config import Config
from gamdss.errors import ConfigError, DeviceError, short_of_memory

_DEVICE = re.compile(r"cpu|cuda(:\d+)?|auto")
_THREADS: dict[str, int] = {}  # `own`: the process's; `set`: what a run has made of it


def resolve(config: Config) -> Config:
    """The config with `auto` replaced by what this machine has: device, precision, compiler.

    Raises:
        ConfigError: not the name of a device.
        DeviceError: the CUDA device is not available.
    """
    device = resolve_device(config.device)
    precision = config.training.precision
    if precision == "auto":
        precision = "bf16" if _fast_in_bf16(device) else "float32"
    compiles = config.training.compile
    if compiles == "auto":
        compiles = "on" if _has_compiler(device) else "off"
    training = replace(config.training, precision=precision, compile=compiles)
    return replace(config, device=str(device), training=training)


def resolve_device(name: str) -> torch.device:
    """The device of `auto`, `cpu`, `cuda` or `cuda:N`, if available; raises as `resolve`."""
    if not _DEVICE.fullmatch(name):
        raise ConfigError(f"--device is {name!r}", remedy="Use auto, cpu, cuda or cuda:N.")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            have = f"{count} CUDA device(s)" if count else "no CUDA device"
            raise DeviceError(
                f"--device is {name!r}, but PyTorch {torch.__version__} sees {have}",
                remedy="Use --device cpu, or check the driver and the PyTorch build.",
            )
    return device


def _fast_in_bf16(device: torch.device) -> bool:
    """Whether the device has units that multiply bfloat16 faster than float32.

    A property of the device, not a timing, so that the answer is always the same on one machine.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")  # not in every release
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def _has_compiler(device: torch.device) -> bool:
    """Whether steps are compiled: on CUDA with Triton. On the CPU it takes minutes and gains 6%."""
    return device.type == "cuda" and has_triton()


def set_up(config: Config, local_rank: int = 0, threads: int = 0) -> torch.device:
    """Set threads and deterministic algorithms of the process; returns its device.

    With `device: cuda`, the ranks of a machine are distributed over its GPUs, several to a GPU if
    there are more ranks; `cuda:N` uses one GPU for all.

    Args:
        config: the resolved config.
        local_rank: of this process on its machine.
        threads: used if the config leaves the number of threads to PyTorch; 0 leaves it there.
    """
    # Read by cuBLAS when it starts; without it, results may differ between runs.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    _use_threads(config.threads or threads)
    cv2.setNumThreads(1)  # several for a small image take twice the work and as long
    torch.use_deterministic_algorithms(True, warn_only=True)
    # No operator here reads memory that it did not write; filling it takes 8% of a step on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    target = torch.device(config.device)
    if target.type == "cuda":
        if target.index is None:
            target = torch.device("cuda", local_rank % torch.cuda.device_count())
        _set_up_cuda(target)
    return target


def _use_threads(wanted: int) -> None:
    """Set the number of CPU threads; 0 restores the process's own, whatever runs have set."""
    current = torch.get_num_threads()
    if current != _THREADS.get("set"):  # nothing was set yet, or the caller did
        _THREADS["own"] = current
    _THREADS["set"] = wanted or _THREADS["own"]
    if current != _THREADS["set"]:
        torch.set_num_threads(_THREADS["set"])


def _set_up_cuda(target: torch.device) -> None:
    torch.cuda.set_device(target)  # graphs and Triton's kernels run on the current device
    # With `warn_only`, the backward passes of fused attention stay non-deterministic.
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    # What is left multiplies in the precision of its inputs, not in float32.
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)


@contextmanager
def memory_explained() -> Iterator[None]:
    """Say what to do if the memory of the GPU does not suffice.

    Raises:
        DeviceError: it does not.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise short_of_memory(error) from error


def autocast(config: Config) -> AbstractContextManager[None]:
    """A context in which forward passes have the precision of the config."""
    device = torch.device(config.device).type
    return torch.autocast(device, torch.bfloat16, enabled=config.training.precision == "bf16")
