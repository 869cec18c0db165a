"""Linear algebra on one thread.

For the small matrices of a clip several threads are no faster, and beside other work they wait for
each other: fits then take five times as long.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from threading import current_thread, main_thread

from threadpoolctl import threadpool_limits


class _OneThread(ContextDecorator):
    """Limits BLAS while the main thread is inside, and restores what was before.

    Only the main thread's: the limit is the whole process's, so that of threads that overlap would
    stay, and OpenBLAS ignores what other threads set once the main thread has set it.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._limits: threadpool_limits | None = None

    def __enter__(self) -> None:
        if current_thread() is main_thread():
            if not self._inside:
                self._limits = threadpool_limits(1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        if current_thread() is main_thread():
            self._inside -= 1
            if not self._inside and self._limits is not None:
                self._limits.restore_original_limits()


one_thread = _OneThread()
