"""Features of every clip as files for other programs; resumes if interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from gamdss.data.frames import ClipFrames
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.store import clip_pool
from gamdss.errors import ConfigError, FrameError, RunError
from gamdss.files import hold_folder, read_record, write_atomic, write_json
from gamdss.records import KeyFrames

ABOUT, RECORD = "features.json", "clip.json"
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
        write_json(output / ABOUT, about)
        yield


def _compare(output: Path, settings: dict[str, Any]) -> None:
    stored = read_record(output / ABOUT).get("settings")
    if stored not in (None, settings):
        names = [n for n in sorted({*stored, *settings}) if stored.get(n) != settings.get(n)]
        changes = "; ".join(
            f"{n}: {stored.get(n)!r} stored, {settings.get(n)!r} current" for n in names
        )
        raise RunError(
            f"the folder contains features of other settings ({changes})",
            file=output,
            remedy="Choose another --output, or delete this folder.",
        )


def write_features(
    jobs: Sequence[FeatureJob], output: Path, picture: Picture | None, workers: int
) -> Iterator[Written]:
    """Write the features of all remaining clips; yields the outcome of each clip as it finishes.

    Args:
        jobs: the clips, each with its own folder.
        output: the folder that contains theirs.
        picture: draws a clip's features (2, C, H, W) into a file; None for no pictures.
        workers: number of threads; 0 uses one for each processor.

    Raises:
        ConfigError: a clip's folder is outside the output, or another clip has the same.
        RunError: the output cannot be written.
    """
    seen: dict[PurePosixPath, str] = {}
    for job in jobs:
        other = seen.setdefault(job.folder, job.item.clip.id)
        if ".." in job.folder.parts or job.folder.is_absolute() or other != job.item.clip.id:
            raise ConfigError(
                f"clip {job.item.clip.id} (row {job.item.clip.row}) cannot have the folder "
                f"{job.folder}",
                remedy="Give each clip a unique name, without `..`.",
            )
    with clip_pool(workers) as pool:
        for future in as_completed([pool.submit(_one, job, output, picture) for job in jobs]):
            yield future.result()


def _one(job: FeatureJob, output: Path, picture: Picture | None) -> Written:
    folder = output / job.folder
    mark = _fingerprint(job)
    record = read_record(folder / RECORD)
    files = [f"{phase}.npy" for phase in PHASES] + ["picture.png"] * (picture is not None)
    if record.get("made_of") == mark and all((folder / file).is_file() for file in files):
        return Written(job, KeyFrames(*record["key_frames"]))
    try:
        images = job.reader.images(job.item)
        keys = job.reader.reselect(job.item, images)
        pairs = ((keys.onset, keys.apex), (keys.offset, keys.apex))
        values = job.reader.phase_features(job.item, images, pairs)
    except FrameError as error:
        return Written(job, None, error)
    for phase, value in zip(PHASES, values, strict=True):
        _write_array(folder / f"{phase}.npy", value)
    if picture is not None:
        picture(folder / "picture.png", values)
    # Last of all: the record marks a clip as complete.
    write_json(folder / RECORD, {"key_frames": keys.numbers, "made_of": mark})
    return Written(job, keys)


def _write_array(file: Path, values: np.ndarray) -> None:
    write_atomic(file, lambda target: np.save(target, values))


def _fingerprint(job: FeatureJob) -> str:
    """Changes with the annotation, its learned errors, and the frames of the features."""
    item = job.item
    parts = [repr(item.clip.annotated.numbers), *job.reader.learned(item.clip.subject)]
    for number in job.reader.looked_at(item):
        if number in item.files:
            status = item.files[number].stat()
            parts.append(f"{number} {status.st_size} {status.st_mtime_ns}")
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
