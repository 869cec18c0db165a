"""Features of every clip as files for other programs: written once, gone on with if stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from gamdss.data.frames import ClipFrames
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.store import one_thread
from gamdss.errors import ConfigError, FrameError, RunError
from gamdss.files import read_record, unwritable, write_atomic, write_json
from gamdss.records import KeyFrames

ABOUT, RECORD = "features.json", "clip.json"
PHASES = ("rising", "falling")
Picture = Callable[[Path, np.ndarray], None]


@dataclass(frozen=True)
class FeatureJob:
    """A clip, who reads it, the name of its class, and its folder in the output."""

    item: ClipFrames
    reader: KeyFrameReader
    label: str
    folder: PurePosixPath


@dataclass(frozen=True)
class Written:
    """What became of a clip: its key frames, or what is wrong with it."""

    job: FeatureJob
    keys: KeyFrames | None
    problem: FrameError | None = None


@contextmanager
def feature_folder(output: Path, about: dict[str, Any]) -> Iterator[None]:
    """Hold the output for this process, and say in `features.json` what its files are.

    Args:
        output: the folder; made if it is not there.
        about: plain values; those under "settings" decide the features.

    Raises:
        RunError: another process holds it, it has features of other settings, or other files.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = FileLock(output / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            "another process is writing features there",
            file=output,
            remedy="Wait until it has finished, or choose another --output.",
        ) from error
    except OSError as error:
        raise unwritable(output, error) from error
    try:
        _compare(output, about["settings"])
        write_json(output / ABOUT, about)
        yield
    finally:
        lock.release()


def _compare(output: Path, settings: dict[str, Any]) -> None:
    there = read_record(output / ABOUT).get("settings")
    if there is None:
        strangers = [p.name for p in output.iterdir() if not p.name.startswith(".")]
        if strangers:
            raise RunError(
                f"this folder has no {ABOUT}, but {', '.join(sorted(strangers)[:5])}",
                file=output,
                remedy="Choose an empty folder with --output.",
            )
    elif there != settings:
        names = [n for n in sorted({*there, *settings}) if there.get(n) != settings.get(n)]
        changes = "; ".join(f"{n}: {there.get(n)!r} there, {settings.get(n)!r} now" for n in names)
        raise RunError(
            f"there are features of other settings ({changes})",
            file=output,
            remedy="Choose another --output, or delete this folder.",
        )


def write_features(
    jobs: Sequence[FeatureJob], output: Path, picture: Picture | None, workers: int
) -> Iterator[Written]:
    """Write the features of the clips that are not done yet; what became of each, as they end.

    Args:
        jobs: the clips, each with a folder of its own.
        output: what their folders are relative to.
        picture: draws a clip's features (2, C, H, W) into a file; None for no pictures.
        workers: threads; 0 takes one for each processor.

    Raises:
        ConfigError: a clip's name leads out of the output, or to another one's folder.
        RunError: the output cannot be written.
    """
    seen: dict[PurePosixPath, str] = {}
    for job in jobs:
        other = seen.setdefault(job.folder, job.item.clip.id)
        if ".." in job.folder.parts or job.folder.is_absolute() or other != job.item.clip.id:
            raise ConfigError(
                f"clip {job.item.clip.id} (row {job.item.clip.row}) cannot have the folder "
                f"{job.folder}",
                remedy="Give each clip a name of its own, without `..`.",
            )
    # A clip is one thread's work; splitting it further only costs.
    pool = ThreadPoolExecutor(workers or os.cpu_count(), initializer=one_thread)
    with pool:
        futures = [pool.submit(_one, job, output, picture) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


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
        values = job.reader.motion(job.item, images, pairs)
    except FrameError as error:
        return Written(job, None, error)
    for phase, value in zip(PHASES, values, strict=True):
        _write_array(folder / f"{phase}.npy", value)
    if picture is not None:
        picture(folder / "picture.png", values)
    # Last of all: a clip that has its record is whole.
    write_json(folder / RECORD, {"key_frames": keys.numbers, "made_of": mark})
    return Written(job, keys)


def _write_array(file: Path, values: np.ndarray) -> None:
    write_atomic(file, lambda target: np.save(target, values))


def _fingerprint(job: FeatureJob) -> str:
    """What changes when the annotation or a frame that is looked at does."""
    item = job.item
    parts = [repr(item.clip.annotated.numbers)]
    for number in job.reader.looked_at(item):
        if number in item.files:
            status = item.files[number].stat()
            parts.append(f"{number} {status.st_size} {status.st_mtime_ns}")
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
