"""Run the stress test: every cell of the grid, over clips in parallel, a file for each cell."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from gamdss.errors import RunError
from gamdss.files import write_json
from gamdss.studies.stress.clip import measure_clip
from gamdss.studies.stress.grid import CLIPS_PER_PERSON, SEED, Cell, cells
from gamdss.synthetic.settings import SynthConfig

CELLS = "cells"
# Version of the method. Raise it with every change that can change a number of a cell: in
# reselection, in the synthetic clips, in what is measured (`stress_clip`, `stress_grid`, `bound`).
# Cells of another version are refused and not mixed with new ones. Renaming, moving and commenting
# leave it as it is.
METHOD = 1
_Map = Callable[[Callable[[int], Any], Sequence[int]], Iterator[Any]]


@dataclass(frozen=True)
class StressSizes:
    """How much is measured: clips of a cell, pixels of a frame, processes (0: one a processor)."""

    clips: int = 40
    height: int = 340
    width: int = 280
    workers: int = 0


def stress(
    factors: Sequence[str], sizes: StressSizes, output: Path, progress: bool = True
) -> dict[str, Any]:
    """Measure the cells of `factors` that `output` does not hold yet.

    Args:
        factors: names from `FACTORS`.
        sizes: how much is measured.
        output: its folder `cells` gets a file for each cell, whole or not at all.
        progress: show a progress bar.

    Returns:
        By name of the cell, what its file holds: `clips`, a list of what `measure_clip` found.

    Raises:
        RunError: a cell's file is unreadable or of other settings; the folder cannot be written.
    """
    wanted = cells(factors)
    found = {cell.name: _read(_file(output, cell), _about(cell, sizes)) for cell in wanted}
    missing = [cell for cell in wanted if found[cell.name] is None]
    total = sizes.clips * len(missing)
    with (
        _mapping(sizes.workers, sizes.clips if missing else 1) as over_clips,
        tqdm(total=total, desc="stress", unit="clip", disable=not progress) as bar,
    ):
        # Processes go on with the next cell while the last clips of one are measured.
        started = [over_clips(_measure(cell, sizes), range(sizes.clips)) for cell in missing]
        for cell, results in zip(missing, started, strict=True):
            bar.set_postfix_str(cell.name)
            clips = []
            for clip in results:
                clips.append(clip)
                bar.update()
            found[cell.name] = {**_about(cell, sizes), "clips": clips}
            write_json(_file(output, cell), found[cell.name])
    return found


@contextmanager
def _mapping(workers: int, jobs: int) -> Iterator[_Map]:
    """A `map` over processes of one thread each, or over one thread of this process."""
    workers = min(workers or os.cpu_count() or 1, jobs)
    if workers == 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            with threadpool_limits(1):
                yield map
        finally:
            cv2.setNumThreads(threads)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _one_thread)
    try:
        # Clips of one person go to one process, which paints the face once.
        yield partial(pool.map, chunksize=min(CLIPS_PER_PERSON, -(-jobs // workers)))
    except BrokenProcessPool as error:
        raise RunError(
            "a process that measured clips was ended from outside",
            remedy="Start again with fewer --workers if memory was short; finished cells are kept.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _one_thread() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent stops the work
    cv2.setNumThreads(1)
    threadpool_limits(1)


def _measure(cell: Cell, sizes: StressSizes) -> Callable[[int], dict[str, Any]]:
    return partial(measure_clip, cell.config(sizes.height, sizes.width))


def _file(output: Path, cell: Cell) -> Path:
    return output / CELLS / f"{cell.name}.json"


def _about(cell: Cell, sizes: StressSizes) -> dict[str, Any]:
    """What a cell's numbers depend on."""
    config: SynthConfig = cell.config(sizes.height, sizes.width)
    left_out = ("subjects", "clips_per_subject", "seed", "workers", "faults", "layout", "emotions")
    settings = {name: value for name, value in asdict(config).items() if name not in left_out}
    return {
        "cell": cell.name,
        "seed": SEED,
        "number_of_clips": sizes.clips,
        "method": METHOD,
        "settings": json.loads(json.dumps(settings)),
    }


def _read(file: Path, about: dict[str, Any]) -> dict[str, Any] | None:
    """A finished cell, or None; an error if it is another test's."""
    if not file.exists():
        return None
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        # Cells of earlier versions have no number of the method.
        same = {name: held.get(name) if name == "method" else held[name] for name in about}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            "this is not a cell of a stress test", file=file, remedy="Remove the file."
        ) from error
    for name, value in about.items():
        if same[name] != value:
            raise RunError(
                f"the cell was measured with another {name.replace('_', ' ')}",
                file=file,
                remedy="Choose another --output, or remove the folder to measure anew.",
            )
    return dict(held)
