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
_COPY_BYTES = {"cpu": 2**28, "cuda": 2**31}
_REPEATS = 5


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
    """Seconds that `work` takes, until the device has finished it."""
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


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
    pairs = []
    for turn in range(repeats + 1):
        pair = tuple(seconds(work) / units for work, units in (baseline, here))
        if turn:
            pairs.append(pair)
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
    """Floating-point operations, and bytes read and written, of one sample in one step."""

    flop: float
    bytes: float


@dataclass(frozen=True)
class Rates:
    """Rates that the device reaches: FLOP/s of a matrix product, bytes/s of a copy."""

    flop: float
    bytes: float

    def bound(self, work: Work) -> float:
        """Least seconds that `work` takes, if arithmetic and memory traffic overlap."""
        return max(work.flop / self.flop, work.bytes / self.bytes)


class _Traffic(TorchDispatchMode):
    """Adds up the bytes of the tensors that operators read and write; views cost nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
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
    return Work(flops.get_total_flops() / samples, traffic.bytes / samples)


def measure_rates(device: torch.device, dtype: torch.dtype) -> Rates:
    """The best of a few square matrix products in `dtype`, and of a few copies."""
    size = _MATRIX_SIZE[device.type]
    first = torch.randn(size, size, device=device).to(dtype)
    second = torch.randn(size, size, device=device).to(dtype)
    source = torch.zeros(_COPY_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    product = _best(lambda: first @ second)
    copy = _best(lambda: target.copy_(source))
    return Rates(2 * size**3 / product, 2 * source.numel() / copy)


def _best(work: Callable[[], object]) -> float:
    work()
    return min(seconds(work) for _ in range(_REPEATS))
