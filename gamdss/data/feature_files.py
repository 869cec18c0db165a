"""Features of every clip as files for other programs; resumes if interrupted."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gamdss.checksums import file_checksum, values_checksum
from gamdss.config.changes import changes
from gamdss.data.clip_pool import clip_pool
from gamdss.data.frames import ClipFrames
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.store import FORMAT
from gamdss.data.store_name import file_state
from gamdss.errors import ConfigError, FrameError, RunError
from gamdss.files import hold_folder, inside, read_record, write_atomic, write_record
from gamdss.records import KeyFrames

log = logging.getLogger("gamdss")
ABOUT, RECORD, PICTURE = "features.json", "clip.json", "picture.png"
PHASES = ("rising", "falling")
Picture = Callable[[Path, np.ndarray], None]


@dataclass(frozen=True)
class FeatureJob:
    """A clip, its reader, the name of its class, and its folder in the output."""

    item: ClipFrames
    reader: KeyFrameReader
    label: str
    folder: PurePosixPath


@dataclass(frozen=True)
class Written:
    """The outcome for a clip: its key frames, or what is wrong with it."""

    job: FeatureJob
    keys: KeyFrames | None
    problem: FrameError | None = None


@contextmanager
def feature_folder(output: Path, about: dict[str, Any]) -> Iterator[None]:
    """Lock the output folder for this process, and describe its files in `features.json`.

    Args:
        output: the folder; created if it does not exist.
        about: plain values; those under "settings" determine the features.

    Raises:
        RunError: another process uses it, or it contains features of other settings or other files.
    """
    with hold_folder(output, ABOUT):
        _compare(output, about["settings"])
        write_record(output / ABOUT, about)
        yield


def _compare(output: Path, settings: dict[str, Any]) -> None:
    stored = read_record(output / ABOUT).get("settings")
    if stored not in (None, settings):
        raise RunError(
            f"the folder contains features of other settings ({changes(stored, settings)})",
            file=output,
            remedy="Choose another --output, or delete this folder.",
        )


def write_features(
    jobs: Sequence[FeatureJob], output: Path, picture: Picture | None, workers: int
) -> Iterator[Written]:
    """Write the features of all remaining clips; yields the outcome of each clip.

    Args:
        jobs: the clips, each with its own folder.
        output: the folder that contains theirs.
        picture: draws a clip's features (2, C, H, W) into a file; None for no pictures.
        workers: as in `clip_pool`.

    Raises:
        ConfigError: a clip's folder is outside the output, or another clip has the same.
        RunError: the output cannot be written.
    """
    seen: dict[PurePosixPath, str] = {}
    for job in jobs:
        other = seen.setdefault(job.folder, job.item.clip.id)
        inside(output, job.folder, f"the folder of row {job.item.clip.row}")
        if other != job.item.clip.id:
            raise ConfigError(
                f"clip {job.item.clip.id} (row {job.item.clip.row}) cannot have the folder "
                f"{job.folder}: it is that of clip {other}",
                remedy="Give each clip a unique name.",
            )
    settings = read_record(output / ABOUT).get("settings")
    digest = values_checksum(settings)
    one = partial(_one, output=output, picture=picture, settings=digest)
    with clip_pool(workers, len(jobs)) as pool:
        for job, (keys, problem) in zip(jobs, pool.map(one, jobs), strict=True):
            yield Written(job, keys, problem)


def _one(
    job: FeatureJob, *, output: Path, picture: Picture | None, settings: str
) -> tuple[KeyFrames | None, FrameError | None]:
    folder = output / job.folder
    mark = {"made_of": _fingerprint(job), "settings": settings}
    files = [folder / f"{phase}.npy" for phase in PHASES]
    files += [folder / PICTURE] * (picture is not None)
    done = _done(folder, mark, files)
    if done is not None:
        return done, None
    try:
        images = job.reader.images(job.item)
        keys = job.reader.reselect(job.item, images)
        pairs = ((keys.onset, keys.apex), (keys.offset, keys.apex))
        values = job.reader.phase_features(job.item, images, pairs)
    except FrameError as error:
        return None, error
    for file, value in zip(files, values, strict=False):
        _write_array(file, value)
    if picture is not None:
        picture(folder / PICTURE, values)
    # Last of all: the record marks a clip as complete.
    sums = {file.name: file_checksum(file) for file in files}
    write_record(folder / RECORD, {"key_frames": keys.numbers, **mark, "checksums": sums})
    return keys, None


def _done(folder: Path, mark: Mapping[str, str], files: Sequence[Path]) -> KeyFrames | None:
    """The key frames of a clip whose files are as they were written; None if they are not."""
    record = read_record(folder / RECORD)
    # Records of earlier versions have neither settings nor checksums.
    made_of, settings = mark["made_of"], mark["settings"]
    if record.get("made_of") != made_of or record.get("settings", settings) != settings:
        return None
    sums = record.get("checksums")
    try:
        for file in files:
            found = file_checksum(file)
            if sums is not None and sums.get(file.name, found) != found:
                log.warning("%s: corrupt; the features of the clip are computed again", file)
                return None
        return KeyFrames(*record["key_frames"])
    except (OSError, KeyError, TypeError):  # a file is missing, or the record is incomplete
        return None


def _write_array(file: Path, values: np.ndarray) -> None:
    write_atomic(file, lambda target: np.save(target, values))


def _fingerprint(job: FeatureJob) -> str:
    """Changes with the method, the annotation, its learned errors, and the frames it looks at.

    Files in another place are others: archives may give all frames the same time and size.
    """
    item, frames = job.item, job.reader.frames
    parts = [
        f"format {FORMAT}",
        repr((item.clip.annotated.numbers, frames.mixed_size, frames.grey)),
        *job.reader.learned(item.clip.subject),
    ]
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=12)
    for number in job.reader.looked_at(item):
        if number in item.files:
            digest.update(file_state(number, item.files[number]))
    return digest.hexdigest()
