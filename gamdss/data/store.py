"""Decode, reselect and resize once; folds and epochs read the memory-mapped result.

A store belongs to one dataset and one setting, and its folder is named by what it depends on, so
that a changed file or setting never meets old frames. It is built under another name and moved
into place when it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from tqdm import tqdm

from gamdss.config import FramesConfig, ReselectionConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.frames import ClipFrames
from gamdss.data.key_frames import ClipKeyFrames, KeyFrameReader
from gamdss.data.stored_motion import MotionWriter, StoredMotion, load_motion
from gamdss.features.phase_features import feature_settings
from gamdss.files import unwritable, write_json
from gamdss.records import KEYS, KeyFrames

FORMAT = 6
# How `Store.digest` is made; raise it when a digest of the same data changes. Digests of different
# versions cannot be compared. 1 included the wording of notes.
DIGEST = 2
_WHICH = ("annotated", "reselected")


@dataclass(frozen=True, eq=False)
class Store:
    """Key frames of every clip at the size the network sees.

    `frames` is uint8 RGB (M, 3, S, S), memory-mapped (writing to it changes no file);
    `annotated` and `reselected` (N, 3) index it by clip and key frame (onset, apex, offset);
    `annotated_keys` and `reselected_keys` are the frame numbers. `contents` is a digest of each
    clip's annotated key frames, `digest` one of everything; both are the same wherever the
    dataset lies.

    `motion` has the input features of the phases where they are not the plain difference.
    """

    frames: np.ndarray
    annotated: np.ndarray
    reselected: np.ndarray
    annotated_keys: tuple[KeyFrames, ...]
    reselected_keys: tuple[KeyFrames, ...]
    contents: tuple[str, ...]
    digest: str
    motion: StoredMotion | None = None

    def subset(self, places: Sequence[int]) -> Store:
        """The store of these clips only; the frames stay as they are."""
        chosen = list(places)
        text = "".join([self.digest, *(self.contents[i] for i in chosen)])
        return replace(
            self,
            annotated=self.annotated[chosen],
            reselected=self.reselected[chosen],
            annotated_keys=tuple(self.annotated_keys[i] for i in chosen),
            reselected_keys=tuple(self.reselected_keys[i] for i in chosen),
            contents=tuple(self.contents[i] for i in chosen),
            digest=hashlib.blake2b(text.encode(), digest_size=12).hexdigest(),
            motion=None if self.motion is None else self.motion.subset(chosen),
        )


def open_store(
    clips: Sequence[ClipFrames],
    colour: bool,
    image_size: int,
    frames: FramesConfig,
    reselection: ReselectionConfig,
    cache: Path,
    progress: bool = True,
    features: FeaturesConfig | None = None,
) -> Store:
    """The store of these clips in `cache`, built first if it is not there.

    Raises:
        ConfigError: the features want what this OpenCV lacks.
        FrameError: a frame that is needed cannot be used; names clip, row and file.
        RunError: the cache cannot be written.
    """
    settings: dict[str, Any] = {
        "format": FORMAT,
        "colour": colour,
        "image_size": image_size,
        "mixed_size": frames.mixed_size,
        "grey": frames.grey,
        "preset": reselection.preset,
        "ratio": reselection.ratio,
    }
    if features is not None and not features.stored:
        features = None
    if features is not None:
        settings["features"] = feature_settings(features)
    reader = KeyFrameReader(colour, image_size, frames, reselection, features)
    folder = cache / "store" / _key(settings, clips, reader)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.is_dir():
                _build(folder, clips, reader, frames.workers, progress)
    except OSError as error:
        raise unwritable(folder, error) from error
    return _load(folder)


def _key(settings: dict[str, Any], clips: Sequence[ClipFrames], reader: KeyFrameReader) -> str:
    """Name of what the store depends on: settings, annotation, and the files that are read."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=12)
    for item in clips:
        digest.update(repr((item.clip.id, item.clip.annotated)).encode())
        for number in reader.looked_at(item):
            path = item.files.get(number)
            if path is not None:
                status = path.stat()
                entry = (number, str(path.resolve()), status.st_size, status.st_mtime_ns)
                digest.update(repr(entry).encode())
    return digest.hexdigest()


def _build(
    folder: Path, clips: Sequence[ClipFrames], reader: KeyFrameReader, workers: int, progress: bool
) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        motion = MotionWriter(partial)
        # A clip is one thread's work; splitting it further only costs.
        pool = ThreadPoolExecutor(workers or os.cpu_count(), initializer=one_thread)
        with pool:
            jobs = deque(pool.submit(reader.read, item) for item in clips)
            count = tqdm(
                range(len(jobs)), desc="reselecting key frames", unit="clip", disable=not progress
            )
            try:
                results = [motion.take(jobs.popleft().result()) for _ in count]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        _write(partial, results, motion.index(results))
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def one_thread() -> None:
    """Let PyTorch use this thread only (the setting belongs to the thread that makes it)."""
    torch.set_num_threads(1)


def _write(partial: Path, results: Sequence[ClipKeyFrames], motion: dict[str, Any] | None) -> None:
    total = sum(len(result.images) for result in results)
    frames = np.lib.format.open_memmap(
        partial / "frames.npy", "w+", np.uint8, (total, *results[0].images.shape[1:])
    )
    start = 0
    rows, identities = [], []
    digest = hashlib.blake2b(digest_size=12)
    for result in results:
        digest.update(result.images.tobytes())
        frames[start : start + len(result.images)] = result.images
        row: dict[str, Any] = {
            "annotated": asdict(result.annotated),
            "reselected": asdict(result.reselected),
            "annotated_index": [start + i for i in result.annotated_index],
            "content": _content(result),
            "reselected_index": [start + i for i in result.reselected_index],
        }
        rows.append(row)
        identities.append({**row, **{which: _identity(row[which]) for which in _WHICH}})
        start += len(result.images)
    frames.flush()
    more = {} if motion is None else {"motion": motion}
    digest.update(json.dumps({"clips": identities, **more} if more else identities).encode())
    write_json(partial / "index.json", {"digest": digest.hexdigest(), "clips": rows, **more})


def _identity(keys: dict[str, Any]) -> dict[str, Any]:
    """What a digest sees of key frames: their numbers, not how they came about.

    Digests of version 1 are the same where there were no notes.
    """
    numbers = {name: keys[name] for name in KEYS}
    return {**numbers, "notes": [], "intervals": keys["intervals"]}


def _content(result: ClipKeyFrames) -> str:
    images = result.images[list(result.annotated_index)]
    return hashlib.blake2b(images.tobytes(), digest_size=12).hexdigest()


def _load(folder: Path) -> Store:
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    rows = index["clips"]

    def keys(which: str) -> tuple[KeyFrames, ...]:
        return tuple(
            KeyFrames(
                *(k["onset"], k["apex"], k["offset"]),
                notes=tuple(k["notes"]),
                intervals=tuple((low, high) for low, high in k["intervals"]),
                kept=tuple(k["kept"]),
                estimated=tuple(k["estimated"]),
                substituted=tuple(k["substituted"]),
            )
            for k in (row[which] for row in rows)
        )

    return Store(
        frames=np.load(folder / "frames.npy", mmap_mode="c"),
        annotated=np.array([row["annotated_index"] for row in rows], np.int64),
        reselected=np.array([row["reselected_index"] for row in rows], np.int64),
        annotated_keys=keys("annotated"),
        reselected_keys=keys("reselected"),
        contents=tuple(row["content"] for row in rows),
        digest=index["digest"],
        motion=load_motion(folder, index.get("motion")),
    )
