"""Align many clips in parallel; finished clips are skipped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.align.clip import FAILED, Outcome, align_clip
from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Detector
from gamdss.align.jobs import ClipJob
from gamdss.align.ledger import Ledger
from gamdss.align.settings import AlignConfig
from gamdss.data.clip_pool import clip_pool
from gamdss.data.crop_settings import ALIGN_FOLDER
from gamdss.errors import RunError
from gamdss.files import hold_folder, inside

Work = tuple[ClipJob, Path]  # a clip, and the temporary folder of its crops


def align_clips(
    jobs: Sequence[ClipJob], settings: AlignConfig, output: Path, progress: bool = True
) -> list[Outcome]:
    """Write the crops of all clips; the result does not depend on the number of workers.

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
    aligner = _Aligner(settings, load_detector(settings))  # fails before anything is written
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
        with (
            clip_pool(settings.workers, len(work), 1, "--workers") as pool,
            tqdm(
                total=len(jobs),
                initial=len(outcomes),
                desc="aligning",
                unit="clip",
                disable=not progress,
            ) as bar,
        ):
            for outcome in pool.unordered(aligner, work):
                if outcome.status == FAILED:
                    if progress:
                        bar.write(f"clip {outcome.id} failed: {outcome.problem}", file=sys.stderr)
                    outcomes[outcome.id] = outcome
                else:
                    outcomes[outcome.id] = ledger.keep(waiting[outcome.id], outcome)
                bar.update()
    return [outcomes[job.id] for job in jobs]


class _Aligner:
    """Aligns clips by its detector, which every process loads once."""

    def __init__(self, settings: AlignConfig, detector: Detector) -> None:
        self._settings, self._detector = settings, detector

    def __call__(self, work: Work) -> Outcome:
        return align_clip(*work, self._detector, self._settings)

    def __reduce__(self) -> tuple[object, ...]:
        return _aligner, (astuple(self._settings),)


@lru_cache(maxsize=1)
def _aligner(settings: tuple[Any, ...]) -> _Aligner:
    found = AlignConfig(*settings)
    return _Aligner(found, load_detector(found))


def _refuse_clashes(jobs: Sequence[ClipJob], output: Path) -> None:
    """Refuse jobs of one name, and frames with one target or with one outside the output."""
    owners: dict[Path, str] = {}
    names: dict[str, ClipJob] = {}
    for job in jobs:
        if job.id in names:
            raise RunError(
                f"two clips are called {job.id}: {_source(names[job.id])} and {_source(job)}",
                remedy="Give each clip a different name.",
            )
        names[job.id] = job
        for target in map(job.target, job.known):
            inside(output, target.as_posix(), f"a crop of clip {job.id}")
            if target in owners:
                raise RunError(
                    f"frames of clips {owners[target]} and {job.id} would both be written to "
                    f"{target}",
                    remedy="Give each frame a different target.",
                )
            owners[target] = job.id


def _source(job: ClipJob) -> str:
    """The video or the first image of a clip."""
    return str(job.video or next(iter(job.files.values()), "one without frames"))
