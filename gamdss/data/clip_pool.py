"""Maps a function over many clips, in several processes if that pays.

Processes, because most of the time of a clip is spent in Python, where threads wait for each other.
They need no `if __name__ == "__main__"` in the caller's script, as the standard library's would.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

import cv2
import torch
from loky import ProcessPoolExecutor, cpu_count
from loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from gamdss.errors import RunError, first_line

# Clips that take as long as starting a process: their motion is measured, or their key frames read.
WORTH_A_PROCESS = 20
_LOGGER = "gamdss"
_IDLE = 60  # seconds after which a process ends
_WATCHED = 2  # seconds between two looks whether the parent is there
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class ClipPool:
    """Maps functions over clips, in their order.

    Args:
        processes: the executor; None computes in this process.
        option: the option that limits the processes, for errors.
    """

    def __init__(self, processes: ProcessPoolExecutor | None, option: str) -> None:
        self._processes = processes
        self._option = option
        self._noted: set[object] = set()

    def map(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """The results, each as soon as it and those before it are there; logs what they logged.

        Raises:
            RunError: a process was killed, or cannot work.
            Exception: what `function` raised.
        """
        if self._processes is None:
            yield from map(function, items)
            return
        try:
            jobs = deque(self._processes.submit(_with_records, function, item) for item in items)
            while jobs:
                yield self._result(jobs.popleft())
        except BrokenProcessPool as error:
            raise self._broken(error) from error

    def unordered(
        self, function: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Iterator[_Result]:
        """As `map`, each result as soon as it is there."""
        if self._processes is None:
            yield from map(function, items)
            return
        try:
            jobs = [self._processes.submit(_with_records, function, item) for item in items]
            for job in as_completed(jobs):
                yield self._result(job)
        except BrokenProcessPool as error:
            raise self._broken(error) from error

    def _result(self, job: Future[Any]) -> Any:
        """What a job returned, or raise its error; logs what it logged."""
        result, error, records = job.result()
        self._log(records)
        if error is not None:
            raise error
        return result

    def _log(self, records: Iterable[logging.LogRecord]) -> None:
        """Log in this process; what is noted once for each process, only once."""
        for record in records:
            once = getattr(record, "once", None)
            logger = logging.getLogger(record.name)
            if once not in self._noted and logger.isEnabledFor(record.levelno):
                logger.handle(record)
            if once is not None:
                self._noted.add(once)

    def _broken(self, error: BrokenProcessPool) -> RunError:
        if isinstance(error, TerminatedWorkerError):
            return RunError(
                "a worker process was killed",
                remedy=f"If memory was short, use fewer {self._option}; 1 starts no process.",
            )
        return RunError(
            f"worker processes failed: {first_line(error)}",
            remedy=f"Use {self._option} 1, which starts none.",
        )


@contextmanager
def clip_pool(
    workers: int, clips: int, worth: int = WORTH_A_PROCESS, option: str = "--frames.workers"
) -> Iterator[ClipPool]:
    """A pool for so many clips, each of which uses one thread.

    Args:
        workers: at most so many processes; 0 uses one for each processor that this one may use,
            but none for less than `worth` clips; 1 works in this process.
        clips: number of clips.
        worth: clips that take as long as starting a process.
        option: the option that sets `workers`, for errors.
    """
    count = min(workers or cpu_count(), clips if workers else clips // worth)
    if count <= 1:
        with _in_one_thread():
            yield ClipPool(None, option)
        return
    level = logging.getLogger(_LOGGER).getEffectiveLevel()
    start = {"initializer": _start, "initargs": (os.getpid(), level), "timeout": _IDLE}
    processes = ProcessPoolExecutor(count, **start)
    try:
        yield ClipPool(processes, option)
    except BaseException:
        processes.shutdown(kill_workers=True)
        raise
    processes.shutdown()


@contextmanager
def _in_one_thread() -> Iterator[None]:
    # What is set in PyTorch also holds for MKL and for threads that have not asked yet: if it
    # stayed, a run would round differently after it has built its store than if it found one.
    threads, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    try:
        with threadpool_limits(1):
            _use_one_thread()
            yield
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(of_opencv)


def _use_one_thread() -> None:
    """Several threads for one clip only cost, with BLAS 1.3 times as long."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _start(parent: int, level: int) -> None:
    """Initialise a process; only the parent handles Ctrl-C, and without it the process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    _use_one_thread()
    logger = logging.getLogger(_LOGGER)
    logger.setLevel(level)
    logger.propagate = False
    if os.getppid() == parent:
        threading.Thread(target=_end_without, args=(parent,), daemon=True).start()


def _end_without(parent: int) -> None:
    """End this process when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(_WATCHED)
    os._exit(1)


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
) -> tuple[_Result | None, Exception | None, list[logging.LogRecord]]:
    """In a process: the result or the error, and what was logged on the way."""
    logger, records = logging.getLogger(_LOGGER), _Records()
    logger.addHandler(records)
    try:
        return function(item), None, records.found
    except Exception as error:
        return None, error, records.found
    finally:
        logger.removeHandler(records)
