"""Folds shared among the ranks of a torchrun job, or trained by one process.

Ranks take the next fold from a counter in the job's store, so that no rank waits for a slow fold.
When a rank dies, torchrun restarts all of them: finished folds are found on disk, and unfinished
ones resume from their training state, in whichever rank takes them.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gamdss.errors import RunError
from gamdss.files import hold_folder

Item = TypeVar("Item")
_POLL_SECONDS = 0.2
# A rank may wait for a fold that takes days.
_PATIENCE = timedelta(days=30)


class Ranks(Protocol):
    """The processes of a job, as seen by one of them."""

    rank: int
    local_rank: int
    count: int

    def share(self, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
        """Take items until none is left, each with the number of items that all ranks finished."""

    def wait_for_first(self) -> None:
        """Wait until the first rank has called `first_is_ready`; the first rank does not wait."""

    def first_is_ready(self) -> None:
        """Let the other ranks continue."""

    def agree(self, values: Mapping[str, Any]) -> None:
        """Wait for all ranks, and compare their values with those of the first.

        Args:
            values: plain values, by the name that an error gives them.

        Raises:
            RunError: on all ranks, if a value of one differs.
        """


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
        """No other rank."""

    def first_is_ready(self) -> None:
        """No other rank."""

    def agree(self, values: Mapping[str, Any]) -> None:
        """No other rank."""


class TorchrunRanks:
    """A job that torchrun started, from the environment that it sets.

    Keys contain a random name that the ranks agree on when they start, so that counters begin at 0
    after a restart, and the number of the work, since a job may do several runs one after another.
    """

    _works = 0

    def __init__(self) -> None:
        from torch.distributed import TCPStore  # noqa: PLC0415  (not in all builds of PyTorch)

        self.rank = int(os.environ["RANK"])
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.count = int(os.environ["WORLD_SIZE"])
        # The store belongs to torchrun's agent and so outlives the ranks.
        agents = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        self._store = TCPStore(
            os.environ["MASTER_ADDR"],
            int(os.environ["MASTER_PORT"]),
            is_master=not agents and self.rank == 0,
            timeout=_PATIENCE,
        )
        job = os.environ.get("TORCHELASTIC_RUN_ID", "job")
        self._work = f"gamdss/{job}/{TorchrunRanks._works}"
        TorchrunRanks._works += 1
        self._place = ""

    @property
    def _prefix(self) -> str:
        """Where this start of the work has its keys."""
        self._place = self._place or self._meet()
        return self._place

    def _meet(self) -> str:
        """Where this start of the work has its keys; waits for all ranks.

        The number of restarts would not do: when a rank dies, the agent of its node counts a
        restart, and those of other nodes do not. Keys of earlier starts remain in the store, so
        each rank asks with a random word, and the first answers until all have its name.
        """
        mine = secrets.token_hex(8)
        if self.rank:
            self._store.set(f"{self._work}/asks/{self.rank}", mine)
            name = self._store.get(f"{self._work}/answer/{mine}").decode()
            self._store.set(f"{self._work}/{name}/met/{self.rank}", "yes")
            return f"{self._work}/{name}"
        absent = set(range(1, self.count))
        while absent:
            for rank in sorted(absent):
                if self._store.check([asks := f"{self._work}/asks/{rank}"]):
                    self._store.set(f"{self._work}/answer/{self._store.get(asks).decode()}", mine)
                if self._store.check([f"{self._work}/{mine}/met/{rank}"]):
                    absent.remove(rank)
            time.sleep(_POLL_SECONDS / 10)
        return f"{self._work}/{mine}"

    def share(self, items: Sequence[Item]) -> Iterator[tuple[Item, int]]:
        """Take items that no rank has taken; the first rank also waits until all are finished."""
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
        """Let the other ranks continue."""
        self._store.set(f"{self._prefix}/ready", "yes")

    def agree(self, values: Mapping[str, Any]) -> None:
        """Wait for all ranks, and compare their values with those of the first; see `Ranks`."""
        keys = [f"{self._prefix}/values/{rank}" for rank in range(self.count)]
        self._store.set(keys[self.rank], json.dumps(values))
        self._store.wait(keys)
        first, *others = (json.loads(self._store.get(key)) for key in keys)
        for rank, other in enumerate(others, start=1):
            names = [n for n in {**first, **other} if first.get(n) != other.get(n)]
            if names:
                pairs = (f"\n  {n}: {other.get(n)!r}, first {first.get(n)!r}" for n in names)
                raise RunError(
                    f"rank {rank} of the job differs from the first rank:{''.join(pairs)}",
                    remedy="Start all ranks with the same options, on the same data; --threads N "
                    "gives all of them as many threads.",
                )


def held_by_first(folder: Path) -> AbstractContextManager[None]:
    """Hold an output folder as `hold_folder`, in the first rank of a job for all of them."""
    return hold_folder(folder) if os.environ.get("RANK", "0") == "0" else nullcontext()


def find_ranks() -> Ranks:
    """The ranks of this process's job, for its next work; all ranks do the same ones in order."""
    return TorchrunRanks() if "TORCHELASTIC_RUN_ID" in os.environ else OneProcess()
