"""The record of an output folder: its settings, and which clips are done with which files.

Crops get their final names when all frames of a clip are written. Whenever a run is killed, a clip
counts as done only if all crops in its record exist.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gamdss.align.clip import Outcome
from gamdss.align.jobs import ClipJob
from gamdss.align.pose import Pose
from gamdss.checksums import file_checksum, values_checksum
from gamdss.config.changes import changes
from gamdss.data.crop_settings import ALIGN_FOLDER, ALIGN_SETTINGS
from gamdss.errors import RunError
from gamdss.files import read_record, unwritable, write_record

log = logging.getLogger("gamdss")


class Ledger:
    """The records of an output folder that this process holds (`files.hold_folder`).

    Args:
        output: the folder of the crops; created if missing.
        identity: what determines the crops, as plain values.

    Raises:
        RunError: the folder cannot be written, or holds crops of other settings.
    """

    def __init__(self, output: Path, identity: dict[str, Any]) -> None:
        self.output = output
        self._settings = values_checksum(identity)
        self._folder = output / ALIGN_FOLDER
        self._records = self._folder / "clips"
        self._work = self._folder / "work"
        self._check_settings(identity)

    def close(self) -> None:
        """Remove the temporary crops."""
        shutil.rmtree(self._work, ignore_errors=True)

    def work_folder(self, job: ClipJob) -> Path:
        """The temporary folder for a job's crops."""
        return self._work / _key(job.id)

    def done(self, job: ClipJob) -> Outcome | None:
        """The outcome of a finished job whose raw frames have not changed."""
        record = self._read(job)
        if record.get("fingerprint") != job.fingerprint():
            return None
        try:
            # Records of earlier versions have neither settings nor checksum.
            if record.get("settings", self._settings) != self._settings:
                return None
            found = file_checksum(*(self.output / name for name in record["files"]))
            if record.get("crops", found) != found:
                log.warning("clip %s: its crops are corrupt; it is aligned again", job.id)
                return None
            values = record["outcome"]
            later = tuple(values.get("later", ()))
            return Outcome(**{**values, "pose": Pose(**values["pose"]), "later": later})
        except (OSError, KeyError, TypeError, ValueError):  # crops are missing, or the record is
            return None

    def refuse_foreign(self, job: ClipJob, numbers: Sequence[int]) -> None:
        """Stop before overwriting a file that is not a crop of this clip.

        Raises:
            RunError: there is such a file.
        """
        if self._record(job).is_file() and not self._read(job):
            return  # a corrupt record shows that the clip was aligned
        own = set(self._read(job).get("files", ()))
        for number in numbers:
            name = job.target(number).as_posix()
            if name not in own and (self.output / name).exists():
                raise RunError(
                    f"crops of clip {job.id} would replace a file that is not one of them",
                    file=self.output / name,
                    remedy="Choose an empty folder with --output.",
                )

    def keep(self, job: ClipJob, outcome: Outcome) -> Outcome:
        """Move a clip's crops into place and record them."""
        folder = self.work_folder(job)
        crops = sorted((int(file.stem), file) for file in folder.iterdir())
        self.refuse_foreign(job, [number for number, _ in crops])
        names = [job.target(number).as_posix() for number, _ in crops]
        outcome = replace(outcome, crop=names[0], later=(names[len(names) // 2], names[-1]))
        values = {
            "fingerprint": job.fingerprint(),
            "settings": self._settings,
            "outcome": asdict(outcome),
            "files": names,
            "crops": file_checksum(*(file for _, file in crops)),
        }
        try:
            for name in self._read(job).get("files", ()):
                (self.output / name).unlink(missing_ok=True)
            write_record(self._record(job), values)
            for name, (_, file) in zip(names, crops, strict=True):
                (self.output / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(file, self.output / name)
            folder.rmdir()
        except OSError as error:
            raise unwritable(self.output, error) from error
        return outcome

    def _check_settings(self, identity: dict[str, Any]) -> None:
        """Compare the settings with those of the stored crops, and store them."""
        shutil.rmtree(self._work, ignore_errors=True)
        file = self._folder / ALIGN_SETTINGS
        stored = read_record(file)
        if stored and stored != identity and any(self._records.glob("*")):
            raise RunError(
                f"the folder holds crops of other settings ({changes(stored, identity)})",
                file=self.output,
                remedy="Choose another --output, or delete this folder.",
            )
        write_record(file, identity)

    def _record(self, job: ClipJob) -> Path:
        return self._records / f"{_key(job.id)}.json"

    def _read(self, job: ClipJob) -> dict[str, Any]:
        return read_record(self._record(job))


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:20]
