"""Align many clips in parallel; finished clips are skipped."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import cv2
from loky import cpu_count
from tqdm import tqdm

from gamdss.align.clip import FAILED, Outcome, align_clip
from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Detector
from gamdss.align.jobs import ClipJob
from gamdss.align.ledger import Ledger
from gamdss.align.settings import AlignConfig
from gamdss.data.crop_settings import ALIGN_FOLDER
from gamdss.errors import RunError
from gamdss.files import hold_folder, inside

Work = tuple[ClipJob, Path]  # a clip, and the temporary folder of its crops


def align_clips(
    jobs: Sequence[ClipJob], settings: AlignConfig, output: Path, progress: bool = True
) -> list[Outcome]:
    """Write the crops of all clips; the result does not depend on the number of workers.

    Several workers are separate processes, so the calling script must guard its code by
    `if __name__ == "__main__":`.

    Args:
        jobs: the clips, with different names and targets.
        settings: how faces are found and cropped.
        output: the folder that targets are relative to.
        progress: show a progress bar, and failures as they occur.

    Returns:
        An outcome per job, in the order of the jobs; clips that failed are included.

    Raises:
        DetectorError: the detector is unavailable.
        ConfigError: a job writes outside the output.
        RunError: two jobs write the same file; the output cannot be written, or holds crops of
            other settings or files that are not crops.
    """
    _refuse_clashes(jobs, output)
    identity = settings.identity
    detector = load_detector(settings)  # fails before anything is written
    with hold_folder(output / ALIGN_FOLDER), closing(Ledger(output, identity)) as ledger:
        outcomes: dict[str, Outcome] = {}
        waiting = {}
        for job in jobs:
            done = ledger.done(job)
            if done is not None:
                outcomes[job.id] = done
                continue
            ledger.refuse_foreign(job, job.known)
            waiting[job.id] = job
        work = [(job, ledger.work_folder(job)) for job in waiting.values()]
        with tqdm(
            total=len(jobs),
            initial=len(outcomes),
            desc="aligning",
            unit="clip",
            disable=not progress,
        ) as bar:
            for outcome in _outcomes(work, settings, detector):
                if outcome.status == FAILED:
                    if progress:
                        bar.write(f"clip {outcome.id} failed: {outcome.problem}", file=sys.stderr)
                    outcomes[outcome.id] = outcome
                else:
                    outcomes[outcome.id] = ledger.keep(waiting[outcome.id], outcome)
                bar.update()
    return [outcomes[job.id] for job in jobs]


def _outcomes(work: Sequence[Work], settings: AlignConfig, detector: Detector) -> Iterator[Outcome]:
    """Outcomes in the order of completion."""
    workers = min(settings.workers or cpu_count(), len(work))
    if workers <= 1:
        yield from (align_clip(*item, detector, settings) for item in work)
        return
    # Processes because dlib holds the GIL; spawned because OpenCV has threads.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (settings,))
    try:
        for future in as_completed([pool.submit(_align, item) for item in work]):
            yield future.result()
    except BrokenProcessPool as error:
        raise RunError(
            "a worker process was killed",
            remedy="If memory ran out, use fewer --workers; the same command resumes.",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_STATE: dict[str, tuple[Detector, AlignConfig]] = {}


def _start(settings: AlignConfig) -> None:
    """Initialise a worker process; only the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _STATE["worker"] = load_detector(settings), settings


def _align(item: Work) -> Outcome:
    return align_clip(*item, *_STATE["worker"])


def _refuse_clashes(jobs: Sequence[ClipJob], output: Path) -> None:
    """Refuse jobs of one name, and frames with one target or with one outside the output."""
    owners: dict[Path, str] = {}
    names: set[str] = set()
    for job in jobs:
        if job.id in names:
            raise RunError(
                f"two clips are called {job.id}", remedy="Give each clip a different name."
            )
        names.add(job.id)
        for target in map(job.target, job.known):
            inside(output, target.as_posix(), f"a crop of clip {job.id}")
            if target in owners:
                raise RunError(
                    f"frames of clips {owners[target]} and {job.id} would both be written to "
                    f"{target}",
                    remedy="Give each frame a different target.",
                )
            owners[target] = job.id
