"""What an output folder holds already: with which settings, which clips, which files.

Crops appear under their names when a clip is whole. Whatever moment a run is killed at, a clip
counts as done only if all its crops are those that its record speaks of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gamdss.align.clip import Outcome, Task
from gamdss.align.jobs import ClipJob
from gamdss.align.pose import Pose
from gamdss.errors import RunError
from gamdss.files import read_record, unwritable, write_json

FOLDER = ".gamdss-align"


class Ledger:
    """The records of an output folder.

    Args:
        output: the folder of the crops; made if it is not there.
        identity: what decides the crops, as plain values.

    Raises:
        RunError: the folder cannot be written, belongs to other settings, or is in use.
    """

    def __init__(self, output: Path, identity: dict[str, Any]) -> None:
        self.output = output
        self._folder = output / FOLDER
        self._records = self._folder / "clips"
        self._work = self._folder / "work"
        try:
            self._records.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(output, error) from error
        self._lock = FileLock(self._folder / "lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise RunError(
                "another process is writing crops there",
                file=output,
                remedy="Wait until it has finished, or choose another --output.",
            ) from error
        try:
            self._settle(identity)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let others use the folder."""
        shutil.rmtree(self._work, ignore_errors=True)
        self._lock.release()

    def task(self, job: ClipJob) -> Task:
        """The job for a worker, with a temporary folder."""
        return Task.of(job, self._work / _key(job.id))

    def done(self, job: ClipJob) -> Outcome | None:
        """The outcome of a job that was finished before and whose raw frames are the same."""
        record = self._read(job)
        whole = record.get("fingerprint") == job.fingerprint() and all(
            (self.output / name).is_file() for name in record["files"]
        )
        if not whole:
            return None
        values = dict(record["outcome"])
        return Outcome(**{**values, "pose": Pose(**values["pose"])})

    def refuse_foreign(self, job: ClipJob, numbers: Sequence[int]) -> None:
        """Stop before a file is overwritten that is no crop of this clip.

        Raises:
            RunError: there is such a file.
        """
        mine = set(self._read(job).get("files", ()))
        for number in numbers:
            name = job.targets(number).as_posix()
            if name not in mine and (self.output / name).exists():
                raise RunError(
                    f"crops of clip {job.id} would replace a file that is none of them",
                    file=self.output / name,
                    remedy="Choose an empty folder with --output.",
                )

    def keep(self, job: ClipJob, outcome: Outcome) -> Outcome:
        """Move a clip's crops into place and record them."""
        task = self.task(job)
        crops = sorted((int(file.stem), file) for file in task.folder.iterdir())
        self.refuse_foreign(job, [number for number, _ in crops])
        names = [job.targets(number).as_posix() for number, _ in crops]
        outcome = replace(outcome, crop=names[0])
        try:
            for name in self._read(job).get("files", ()):
                (self.output / name).unlink(missing_ok=True)
            values = {
                "fingerprint": job.fingerprint(),
                "outcome": asdict(outcome),
                "files": names,
            }
            write_json(self._record(job), values)
            for name, (_, file) in zip(names, crops, strict=True):
                (self.output / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, self.output / name)
            task.folder.rmdir()
        except OSError as error:
            raise unwritable(self.output, error) from error
        return outcome

    def _settle(self, identity: dict[str, Any]) -> None:
        """Compare the settings with those of the crops that are there, or write them down."""
        shutil.rmtree(self._work, ignore_errors=True)
        file = self._folder / "settings.json"
        before = read_record(file)
        if before and before != identity and any(self._records.iterdir()):
            names = [name for name in identity if before.get(name) != identity[name]]
            problem = "; ".join(f"{n} {before.get(n)}, now {identity[n]}" for n in names)
            raise RunError(
                f"there are crops of other settings ({problem})",
                file=self.output,
                remedy="Choose another --output, or delete this folder.",
            )
        write_json(file, identity)

    def _record(self, job: ClipJob) -> Path:
        return self._records / f"{_key(job.id)}.json"

    def _read(self, job: ClipJob) -> dict[str, Any]:
        return read_record(self._record(job))


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:20]
