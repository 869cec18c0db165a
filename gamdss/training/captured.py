"""A step replayed as one CUDA graph, without a launch for each of its kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache

import torch
from torch import Tensor

log = logging.getLogger(__name__)

# Calls before the capture, as PyTorch's documentation asks: they allocate what the step keeps.
_WARM_UP = 3
# Graphs that failed: PyTorch's allocator may still refer to them.
_failed: list[torch.cuda.CUDAGraph] = []


class CapturedStep:
    """A function of tensors of fixed shapes, captured after a few plain calls.

    Every call does the work once, so that the numbers are those of the plain function; random
    numbers come from PyTorch's default CUDA generator, which graphs advance as plain calls do.
    If the capture fails, the function keeps running as it is.

    Args:
        work: reads nothing back from the device. Its other tensors must stay where they are.

    Attributes:
        failed: whether the capture failed.
    """

    failed = False

    def __init__(self, work: Callable[..., Tensor]) -> None:
        self._work = work
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._result = torch.empty(0)

    @property
    def is_captured(self) -> bool:
        """Whether the next call is a replay."""
        return self._graph is not None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result; valid until the next call."""
        if self.failed:
            return self._work(*inputs)
        if self._calls < _WARM_UP:
            self._calls += 1
            return self._aside(inputs)
        if self._graph is None and not self._capture(inputs):
            return self._work(*inputs)
        assert self._graph is not None
        for fixed, given in zip(self._inputs, inputs, strict=True):
            fixed.copy_(given)
        self._graph.replay()
        return self._result

    def _aside(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A plain call on another stream, as PyTorch asks for before a capture."""
        stream = _side_stream(torch.cuda.current_device())
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self._work(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _capture(self, inputs: tuple[Tensor, ...]) -> bool:
        self._inputs = tuple(value.clone() for value in inputs)
        try:
            self._graph, self._result = capture(lambda: self._work(*self._inputs))
        except Exception as error:  # CUDA and the compiler raise errors of many kinds
            log.warning("the training step is not captured as a CUDA graph: %s", error)
            self.failed = True
        return not self.failed


def capture(work: Callable[[], Tensor]) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    """A graph of `work` on the current GPU, and the tensor that each replay fills.

    Raises:
        Exception: the work cannot be captured; it can still run as it is.
    """
    stream, before = _side_stream(torch.cuda.current_device()), torch.cuda.current_stream()
    graph = torch.cuda.CUDAGraph()
    try:
        # Without a stream of its own, it would be captured on the GPU of the process's first graph.
        with torch.cuda.graph(graph, stream=stream):
            result = work()
    except Exception:
        _failed.append(graph)
        with suppress(Exception):
            _recover(stream, before)
        raise
    return graph, result


@cache
def _side_stream(device: int) -> torch.cuda.Stream:
    """The stream of a GPU for calls before a capture, and captures: each stream keeps memory."""
    return torch.cuda.Stream(device)


def _recover(stream: torch.cuda.Stream, before: torch.cuda.Stream) -> None:
    """Undo what a failed capture leaves in PyTorch up to 2.11.

    The stream may still be the current one, and the random generator may wait for the end of the
    capture, without which the next draw fails; the end of another capture is as good.
    """
    torch.cuda.set_stream(before)
    torch.cuda.synchronize()
    number, empty = torch.zeros((), device="cuda"), torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):  # not `torch.cuda.graph`, which may fail after a failure
        empty.capture_begin()
        number.add_(1)
        empty.capture_end()
