"""A step replayed as one CUDA graph, without a launch for each of its kernels."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

log = logging.getLogger(__name__)

# Calls before the capture, as PyTorch's documentation asks: they allocate what the step keeps.
_WARM_UP = 3


class CapturedStep:
    """A function of tensors of fixed shapes, captured after a few plain calls.

    Every call does the work once, so that the numbers are those of the plain function; random
    numbers come from PyTorch's default CUDA generator, which graphs advance as plain calls do.
    If the capture fails, the function keeps running as it is.

    Args:
        work: reads nothing back from the device. Its other tensors must stay where they are.
    """

    def __init__(self, work: Callable[..., Tensor]) -> None:
        self._work = work
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._plain = False
        self._inputs: tuple[Tensor, ...] = ()
        self._result = torch.empty(0)

    @property
    def is_captured(self) -> bool:
        """Whether the next call is a replay."""
        return self._graph is not None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result; valid until the next call."""
        if self._plain:
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
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self._work(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _capture(self, inputs: tuple[Tensor, ...]) -> bool:
        self._inputs = tuple(value.clone() for value in inputs)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._result = self._work(*self._inputs)
        except Exception as error:  # CUDA and the compiler raise errors of many kinds
            log.warning("the training step is not captured as a CUDA graph: %s", error)
            self._plain = True
            return False
        self._graph = graph
        return True
