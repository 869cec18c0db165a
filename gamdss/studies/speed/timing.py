"""Two ways of doing the same work, timed in turn, so that a machine's moods hit both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Comparison:
    """Seconds of one unit of work in the baseline and here; `ratio` is the pairs' median.

    `low` and `high` are the least and the greatest ratio of a pair.
    """

    name: str
    unit: str
    baseline: float
    here: float
    ratio: float
    low: float
    high: float


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes, until the device has finished it."""
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
) -> Comparison:
    """Time both, each given with the units of work it does, `repeats` times after a warm-up."""
    pairs = []
    for turn in range(repeats + 1):
        pair = tuple(seconds(work) / units for work, units in (baseline, here))
        if turn:
            pairs.append(pair)
    ratios = [before / after for before, after in pairs]
    return Comparison(
        name=name,
        unit=unit,
        baseline=statistics.median(before for before, _ in pairs),
        here=statistics.median(after for _, after in pairs),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
    )
