"""All clips: in parallel, those finished before left alone, the rest one by one into place."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import cv2
from tqdm import tqdm

from gamdss.align.clip import FAILED, Outcome, Task, align_clip
from gamdss.align.detector import load_detector
from gamdss.align.faces import Detector
from gamdss.align.jobs import ClipJob
from gamdss.align.ledger import Ledger
from gamdss.align.settings import AlignConfig
from gamdss.errors import RunError


def align_clips(
    jobs: Sequence[ClipJob], settings: AlignConfig, output: Path, progress: bool = True
) -> list[Outcome]:
    """Write the crops of all clips; what each worker computes depends on its clip alone.

    With several workers the calling script must be importable, that is, guarded by
    `if __name__ == "__main__":`, since they are processes of their own.

    Args:
        jobs: the clips, with different names and places.
        settings: how faces are found and cropped.
        output: the folder that the targets are relative to.
        progress: show a progress bar, and failures as they come.

    Returns:
        An outcome for each job, in their order; a clip that failed is one too.

    Raises:
        DetectorError: no detector can be had.
        RunError: two jobs write one file; the output cannot be written, holds crops of other
            settings or files that are no crops.
    """
    _refuse_clashes(jobs)
    identity = settings.identity
    detector = load_detector(settings)  # what is missing is told before anything is written
    with closing(Ledger(output, identity)) as ledger:
        outcomes: dict[str, Outcome] = {}
        waiting = {}
        for job in jobs:
            done = ledger.done(job)
            if done is not None:
                outcomes[job.id] = done
                continue
            ledger.refuse_foreign(job, [1] if job.video else sorted(job.files))
            waiting[job.id] = job
        tasks = [ledger.task(job) for job in waiting.values()]
        bar = tqdm(
            total=len(jobs),
            initial=len(outcomes),
            desc="aligning",
            unit="clip",
            disable=not progress,
        )
        with bar:
            for outcome in _work(tasks, settings, detector):
                if outcome.status == FAILED:
                    if progress:
                        bar.write(f"clip {outcome.id} failed: {outcome.problem}", file=sys.stderr)
                    outcomes[outcome.id] = outcome
                else:
                    outcomes[outcome.id] = ledger.keep(waiting[outcome.id], outcome)
                bar.update()
    return [outcomes[job.id] for job in jobs]


def _work(tasks: Sequence[Task], settings: AlignConfig, detector: Detector) -> Iterator[Outcome]:
    """Outcomes as they come."""
    workers = min(settings.workers or os.cpu_count() or 1, len(tasks))
    if workers <= 1:
        yield from (align_clip(task, detector, settings) for task in tasks)
        return
    # Processes, since dlib keeps Python waiting; started afresh, since OpenCV has threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (settings,))
    try:
        futures: Mapping[Future[Outcome], Task] = {pool.submit(_one, task): task for task in tasks}
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process was killed",
            remedy="If memory ran out, use fewer --workers; the same command goes on.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_STATE: dict[str, tuple[Detector, AlignConfig]] = {}


def _start(settings: AlignConfig) -> None:
    """Begin a worker process: the parent alone hears the user's Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _STATE["worker"] = load_detector(settings), settings


def _one(task: Task) -> Outcome:
    return align_clip(task, *_STATE["worker"])


def _refuse_clashes(jobs: Sequence[ClipJob]) -> None:
    """Names and targets must be different ones."""
    owners: dict[Path, str] = {}
    names: set[str] = set()
    for job in jobs:
        if job.id in names:
            raise RunError(f"two clips are called {job.id}", remedy="Give each a name of its own.")
        names.add(job.id)
        for number in (1,) if job.video else job.files:
            target = job.targets(number)
            if target in owners:
                raise RunError(
                    f"two frames, of clips {owners[target]} and {job.id}, would both become "
                    f"{target}",
                    remedy="Give each clip and frame a file of its own.",
                )
            owners[target] = job.id
