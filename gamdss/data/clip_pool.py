"""The same work on many clips: in several processes if there are enough, else in this one.

Processes, because most of the time of a clip is spent in Python, where threads wait for each other.
They need no `if __name__ == "__main__"` in the caller's script, as the standard library's would.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TypeVar

import cv2
import torch
from loky import ProcessPoolExecutor, cpu_count
from threadpoolctl import threadpool_limits

from gamdss.errors import RunError

# Starting processes takes about as long as this many clips.
WORTH_A_PROCESS = 20
_LOGGER = "gamdss"
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ClipPool:
    """Maps functions over clips, in their order.

    Args:
        processes: what works; None works in this process.
    """

    def __init__(self, processes: ProcessPoolExecutor | None) -> None:
        self._processes = processes

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results, each as soon as it and those before it are there; logs what they logged.

        Raises:
            RunError: a process was killed.
            Exception: what `function` raised.
        """
        if self._processes is None:
            yield from map(function, items)
            return
        jobs = deque(self._processes.submit(_with_records, function, item) for item in items)
        try:
            while jobs:
                result, records = jobs.popleft().result()
                for record in records:
                    logging.getLogger(record.name).handle(record)
                yield result
        except BrokenProcessPool as error:
            raise RunError(
                "a process that read clips was killed",
                remedy="If memory was short, use fewer --frames.workers; 1 starts no process.",
            ) from error


@contextmanager
def clip_pool(workers: int, clips: int) -> Iterator[ClipPool]:
    """What works on so many clips, each clip by one thread.

    Args:
        workers: most processes; 0 uses one for each processor, 1 works in this process. Few clips
            are not worth so many.
        clips: how many there are to work on.
    """
    # What is set in PyTorch also holds for MKL and for threads that have not asked yet: if it
    # stayed, a run would round differently after it has built its store than if it found one.
    count = min(workers or cpu_count(), clips // WORTH_A_PROCESS)
    if count > 1:
        processes = ProcessPoolExecutor(count, initializer=_start)
        try:
            yield ClipPool(processes)
        finally:
            processes.shutdown(kill_workers=True)
        return
    threads, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    try:
        with threadpool_limits(1):
            _one_thread()
            yield ClipPool(None)
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(of_opencv)


def _one_thread() -> None:
    """Several threads for one clip only cost, with BLAS 1.3 times as long."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _start() -> None:
    """Initialise a process; only the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    _one_thread()
    logger = logging.getLogger(_LOGGER)
    logger.propagate = False


class _Records(logging.Handler):
    """Keeps what is logged, as plain text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self.found.append(record)


def _with_records(
    function: Callable[[_Item], _Result], item: _Item
) -> tuple[_Result, list[logging.LogRecord]]:
    """In a process: the result, and what was logged on the way."""
    logger, records = logging.getLogger(_LOGGER), _Records()
    logger.addHandler(records)
    try:
        return function(item), records.found
    finally:
        logger.removeHandler(records)
