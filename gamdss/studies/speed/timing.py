"""Timing: two ways in turn; the work of a step, and the device's rates that bound it.

The work is that of the step as PyTorch runs it, operator by operator: multiplications and
additions of matrix products, convolutions and attention, and the bytes that every operator reads
and writes. With the device's own measured rates it shows what bounds the step (the roofline of
Williams, Waterman and Patterson, Communications of the ACM 52(4), 2009).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

_MATRIX_SIZE = {"cpu": 2048, "cuda": 8192}
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}  # on CUDA at most a quarter of what is free
_LAUNCHES = 1000
_REPEATS = 5
# Pairs before those that count. On CUDA, a step is captured after a few plain calls.
_WARM_UP = {"cpu": 1, "cuda": 5}


@dataclass(frozen=True)
class SpeedComparison:
    """Seconds per unit of work of the baseline and of this project.

    `ratio` is the median of the pairs' ratios, `low` and `high` their minimum and maximum.
    """

    name: str
    unit: str
    baseline: float
    here: float
    ratio: float
    low: float
    high: float


def seconds(work: Callable[[], object]) -> float:
    """Seconds that `work` takes, until the device has finished it.

    CPU time with one thread, to which other load on the machine adds little.
    """
    on_cuda = torch.cuda.is_initialized()  # by what was put there; a machine may have an idle GPU
    alone = torch.get_num_threads() == 1 and not on_cuda
    clock = time.process_time if alone else time.perf_counter
    started = clock()
    work()
    if on_cuda:
        torch.cuda.synchronize()
    return clock() - started


def compare(
    name: str,
    unit: str,
    baseline: tuple[Callable[[], object], int],
    here: tuple[Callable[[], object], int],
    repeats: int,
) -> SpeedComparison:
    """Time two ways of doing the same work in turn, so that load on the machine affects both.

    Args:
        name, unit: of the work, for the table.
        baseline, here: what to time, and how many units of work it does.
        repeats: pairs of timings, after a warm-up.
    """
    warm_up = _WARM_UP["cuda" if torch.cuda.is_initialized() else "cpu"]
    pairs = [
        tuple(seconds(work) / units for work, units in (baseline, here))
        for _ in range(warm_up + repeats)
    ][warm_up:]
    ratios = [before / after for before, after in pairs]
    return SpeedComparison(
        name=name,
        unit=unit,
        baseline=statistics.median(before for before, _ in pairs),
        here=statistics.median(after for _, after in pairs),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
    )


@dataclass(frozen=True)
class Work:
    """Of one sample in one step: floating-point operations, bytes read and written, operators."""

    flop: float
    bytes: float
    operators: float


@dataclass(frozen=True)
class Rates:
    """FLOP/s of a matrix product, bytes/s of a copy, seconds of a launch, as the device reaches."""

    flop: float
    bytes: float
    launch: float

    def least(self, work: Work) -> dict[str, float]:
        """Seconds that arithmetic, memory traffic and launches of `work` take at least.

        They may overlap, so that the longest is the bound.
        """
        return {
            "compute": work.flop / self.flop,
            "bandwidth": work.bytes / self.bytes,
            "launches": work.operators * self.launch,
        }


class _Traffic(TorchDispatchMode):
    """Adds up the bytes of the tensors that operators read and write; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.operators = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            self.operators += 1
            self.bytes += sum(map(_size, _tensors((args, kwargs, out))))
        return out


def _tensors(values: Any) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _convolution_backward(
    grad: Sequence[int], _image: Sequence[int], weight: Sequence[int], *rest: Any, **_: Any
) -> int:
    """Gradients of image and weight; PyTorch's own count treats a grouped one as a full one."""
    wanted = rest[-1][:2]  # of the image, of the weight
    return 2 * sum(wanted) * grad[0] * prod(grad[2:]) * prod(weight)


def count(step: Callable[[], object], samples: int) -> Work:
    """The work per sample of `step`, which runs twice."""
    backward = {torch.ops.aten.convolution_backward: _convolution_backward}
    with FlopCounterMode(display=False, custom_mapping=backward) as flops:
        step()
    with _Traffic() as traffic:
        step()
    totals = flops.get_total_flops(), traffic.bytes, traffic.operators
    return Work(*(total / samples for total in totals))


def measure_rates(device: torch.device, dtype: torch.dtype) -> Rates:
    """The best of a few square matrix products in `dtype`, of copies, and of many tiny kernels."""
    size = _MATRIX_SIZE[device.type]
    first = torch.randn(size, size, device=device).to(dtype)
    second = torch.randn(size, size, device=device).to(dtype)
    copied = _COPY_BYTES[device.type]
    if device.type == "cuda":
        copied = min(copied, torch.cuda.mem_get_info(device)[0] // 4)
    source = torch.zeros(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    product = _best(lambda: first @ second)
    copy = _best(lambda: target.copy_(source))
    tiny = torch.zeros(1, device=device)
    launches = _best(lambda: [tiny.add_(1) for _ in range(_LAUNCHES)])
    return Rates(2 * size**3 / product, 2 * source.numel() / copy, launches / _LAUNCHES)


def _best(work: Callable[[], object]) -> float:
    work()
    return min(seconds(work) for _ in range(_REPEATS))
