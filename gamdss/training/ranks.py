"""Folds shared among the processes of a job that torchrun started, or done by one process alone.

Ranks take the next fold from a counter in the job's own store, so that a slow fold holds nobody
up. When a rank dies, torchrun starts all of them again: finished folds are found on the disk, and
unfinished ones continue from their training state, whichever rank takes them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from torch.distributed import TCPStore

Item = TypeVar("Item")
_POLL_SECONDS = 0.2
# A rank may wait for the slowest fold of a job that takes days.
_PATIENCE = timedelta(days=30)


class Ranks(Protocol):
    """The processes of a job as one of them sees them."""

    rank: int
    local_rank: int
    count: int

    def share(self, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
        """Take items until none is left; each with the number that all ranks have finished."""

    def wait_for_first(self) -> None:
        """Wait until the first rank has called `first_is_ready`; the first rank does not wait."""

    def first_is_ready(self) -> None:
        """Let the other ranks go on."""


@dataclass
class OneProcess:
    """A job of one process."""

    rank: int = 0
    local_rank: int = 0
    count: int = 1

    def share(self, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
        """All items, in order."""
        for done, item in enumerate(items):
            yield item, done

    def wait_for_first(self) -> None:
        """There is nobody to wait for."""

    def first_is_ready(self) -> None:
        """There is nobody who waits."""


class TorchrunRanks:
    """A job that torchrun started, from the environment it sets.

    Keys carry the number of the start: after a restart the counters begin anew. They carry what
    the ranks work on too, since a job may do several runs one after the other.
    """

    def __init__(self, work: str) -> None:
        self.rank = int(os.environ["RANK"])
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.count = int(os.environ["WORLD_SIZE"])
        # torchrun's agent keeps the store, so it outlives the ranks.
        agents = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        self._store = TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=not agents and self.rank == 0,
            timeout=_PATIENCE,
        )
        start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        job = os.environ.get("TORCHELASTIC_RUN_ID", "job")
        self._prefix = f"gamdss/{job}/{start}/{work}"

    def share(self, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
        """Take the next item that no rank has taken; the first rank ends when all are finished."""
        taken, finished = f"{self._prefix}/taken", f"{self._prefix}/finished"
        while (index := self._store.add(taken, 1) - 1) < len(items):
            yield items[index], self._store.add(finished, 0)
            self._store.add(finished, 1)
        while self.rank == 0 and self._store.add(finished, 0) < len(items):
            time.sleep(_POLL_SECONDS)

    def wait_for_first(self) -> None:
        """Wait until the first rank has called `first_is_ready`; the first rank does not wait."""
        if self.rank:
            self._store.wait([f"{self._prefix}/ready"])

    def first_is_ready(self) -> None:
        """Let the other ranks go on."""
        self._store.set(f"{self._prefix}/ready", "yes")


def find_ranks(work: str) -> Ranks:
    """The job this process belongs to, as far as it does `work`."""
    return TorchrunRanks(work) if "TORCHELASTIC_RUN_ID" in os.environ else OneProcess()
