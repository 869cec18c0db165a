"""Decode, reselect and resize once; folds and epochs read the memory-mapped result.

A store belongs to one dataset and one setting. Its folder is named after everything it depends
on (`store_name`), so frames of changed files or settings are never reused. It is built under a
temporary name and moved into place when complete. Its checksums are verified whenever it is opened,
and a damaged one is built again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import DTypeLike
from tqdm import tqdm

from gamdss.checksums import file_checksum
from gamdss.config import FramesConfig, ReselectionConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.clip_pool import clip_pool
from gamdss.data.frames import ClipFrames
from gamdss.data.key_frames import KeyFrameReader, read_clip
from gamdss.data.store_name import find_folder, note_name
from gamdss.data.store_writer import FRAMES, INDEX, KEY_FRAMES, PHASE_FEATURES, StoreWriter
from gamdss.errors import RunError
from gamdss.features.phase_features import feature_settings
from gamdss.files import read_record, unwritable
from gamdss.records import KeyFrames
from gamdss.reselection.motion.learned import LearnedDataset
from gamdss.reselection.windows import resolve

log = logging.getLogger("gamdss")
# Raise it when other key frames, frames or features follow from the same settings, also of clips
# without annotation; files of `gamdss features` are then computed again as well, and `gamdss
# predict` and `gamdss spot --dataset --run` find expressions again.
FORMAT = 17
# Settings of frames and reselection that change nothing in a store but which files it is made of.
_NOT_STORED = {
    "layout",
    "pattern",
    "missing",
    "workers",
    "clips",
    "train_draws",
    "test_draws",
    "annotators",
}
_PIECE = 64  # frames that are looked at together
# How `Store.digest` is computed; raise it when the digest of the same data changes. Digests of
# different versions cannot be compared. 1 included the wording of notes; in 2, `motion` had another
# model.
DIGEST = 3


@dataclass(frozen=True, eq=False)
class Store:
    """Key frames of N clips at the size the network sees, and their phase features.

    Attributes:
        frames: uint8 RGB (M, 3, S, S), memory-mapped (writing to it changes no file).
        annotated_index, reselected_index: (N, 3) or, with phase features, (N, 5). Columns 0 to 2
            (onset, apex, offset) point into `frames`, columns 3 and 4 (rising, falling) into
            `phase_features`.
        draws_index: the same of each clip's D draws, (N, D, 3) or (N, D, 5); None without draws.
        annotated_keys, reselected_keys: the frame numbers.
        contents: digest of each clip's annotated key frames.
        frame_digests: those of each clip's single frames that are not black, and its `contents`;
            two clips that share one are of the same recording.
        digest: of everything; like `contents`, it does not depend on where the dataset lies.
        learned: of the annotation's errors and of the courses; None if nothing was.
        phase_features: float16 (K, C, S, S), memory-mapped, in the units of
            `gamdss.features.FEATURES`; None for the plain difference, which needs only frames.
            float16 is exact for differences of colours, which are whole grey levels, and accurate
            to one part in 2000 for luma and flow.
    """

    frames: np.ndarray
    annotated_index: np.ndarray
    reselected_index: np.ndarray
    annotated_keys: tuple[KeyFrames, ...]
    reselected_keys: tuple[KeyFrames, ...]
    contents: tuple[str, ...]
    frame_digests: tuple[tuple[str, ...], ...]
    digest: str
    phase_features: np.ndarray | None = None
    draws_index: np.ndarray | None = None
    learned: LearnedDataset | None = None

    @property
    def annotated(self) -> np.ndarray:
        """Annotated key frames (N, 3) in `frames`."""
        return self.annotated_index[:, :KEY_FRAMES]

    @property
    def reselected(self) -> np.ndarray:
        """Reselected key frames (N, 3) in `frames`."""
        return self.reselected_index[:, :KEY_FRAMES]

    @cached_property
    def grey(self) -> bool:
        """Whether all frames are grey; soon known if they are not."""
        pieces = (self.frames[i : i + _PIECE] for i in range(0, len(self.frames), _PIECE))
        return all(bool((piece == piece[:, :1]).all()) for piece in pieces)

    def subset(self, places: Sequence[int]) -> Store:
        """The store of only these clips; frames and phase features are shared, not copied."""
        chosen = list(places)
        return replace(
            self,
            annotated_index=self.annotated_index[chosen],
            reselected_index=self.reselected_index[chosen],
            annotated_keys=tuple(self.annotated_keys[i] for i in chosen),
            reselected_keys=tuple(self.reselected_keys[i] for i in chosen),
            contents=tuple(self.contents[i] for i in chosen),
            frame_digests=tuple(self.frame_digests[i] for i in chosen),
            draws_index=None if self.draws_index is None else self.draws_index[chosen],
            digest=_digest_of([self.digest, *(self.contents[i] for i in chosen)]),
        )


def join_stores(parts: Sequence[Store]) -> Store:
    """The clips of all parts, with frames and phase features copied into memory."""
    features = [part.phase_features for part in parts if part.phase_features is not None]
    annotated, reselected, draws = [], [], []
    first = np.zeros(KEY_FRAMES + 2, np.int64)
    for part in parts:
        start = first[: part.annotated_index.shape[1]]
        annotated.append(part.annotated_index + start)
        reselected.append(part.reselected_index + start)
        draws += [] if part.draws_index is None else [part.draws_index + start]
        first[:KEY_FRAMES] += len(part.frames)
        first[KEY_FRAMES:] += 0 if part.phase_features is None else len(part.phase_features)
    return Store(
        frames=np.concatenate([part.frames for part in parts]),
        annotated_index=np.concatenate(annotated),
        reselected_index=np.concatenate(reselected),
        annotated_keys=tuple(keys for part in parts for keys in part.annotated_keys),
        reselected_keys=tuple(keys for part in parts for keys in part.reselected_keys),
        contents=tuple(content for part in parts for content in part.contents),
        frame_digests=tuple(found for part in parts for found in part.frame_digests),
        digest=_digest_of([part.digest for part in parts]),
        phase_features=np.concatenate(features) if features else None,
        draws_index=np.concatenate(draws) if draws else None,
    )


def _digest_of(texts: Sequence[str]) -> str:
    return hashlib.blake2b("".join(texts).encode(), digest_size=12).hexdigest()


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
    """Open the store of these clips in `cache`; build it if it does not exist or is damaged.

    Raises:
        ConfigError: the installed OpenCV lacks what the features need.
        FrameError: a required frame is unusable; names clip, row and file.
        RunError: the cache cannot be written.
    """
    settings: dict[str, Any] = {
        "format": FORMAT,
        "colour": colour,
        "image_size": image_size,
        "windows": _without(asdict(resolve(reselection.preset)), {"summary"}),
        **_without(asdict(frames) | asdict(reselection), _NOT_STORED),
    }
    if not reselection.draws:
        settings = _without(settings, {"draws", "jitter"})
    if features is not None and not features.stored:
        features = None
    if features is not None:
        settings["features"] = feature_settings(features)
    reader = KeyFrameReader(colour, image_size, frames, reselection, features)
    folder, note = find_folder(cache / "store", settings, clips, reader.looked_at, progress)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            store = _found(folder)
            if store is None:
                _build(folder, clips, reader, frames.workers, progress)
                store = _load(folder)
        note_name(folder, note)
        return store
    except OSError as error:
        raise unwritable(folder, error) from error
    except _DamagedError as error:
        raise RunError(
            f"what was just written cannot be read: {error}",
            file=folder,
            remedy="Check the disk, or name another one with --cache.",
        ) from error


def _without(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _found(folder: Path) -> Store | None:
    """The store in `folder`; None if there is none, or a damaged one."""
    if not folder.is_dir():
        return None
    try:
        return _load(folder)
    except _DamagedError as error:
        log.warning("%s: %s; it is built again", folder, error)
        return None


def _build(
    folder: Path, clips: Sequence[ClipFrames], reader: KeyFrameReader, workers: int, progress: bool
) -> None:
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        writer = StoreWriter(partial)
        with clip_pool(workers, len(clips)) as pool:
            writer.learned = reader.learn(clips, pool, progress) if reader.learns else None
            bar = tqdm(clips, desc="reselecting key frames", unit="clip", disable=not progress)
            jobs = ((reader.of(item), item) for item in clips)
            for _, found in zip(bar, pool.map(read_clip, jobs), strict=True):
                writer.add(found)
        writer.finish()
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


class _DamagedError(Exception):
    """What is wrong with a stored file."""


def _load(folder: Path) -> Store:
    """The store in `folder`.

    Raises:
        _DamagedError: a file is missing, incomplete or corrupt.
    """
    index = read_record(folder / INDEX)
    if not index:
        raise _DamagedError(f"{INDEX} is missing, incomplete or corrupt")
    try:
        # Stores of earlier versions have no checksums.
        for name, expected in index.get("checksums", {}).items():
            if file_checksum(folder / name) != expected:
                raise _DamagedError(f"{name} is corrupt: its checksum does not match")
        return _mapped(folder, index)
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise _DamagedError(f"a file is missing or incomplete ({error})") from error


def _mapped(folder: Path, index: dict[str, Any]) -> Store:
    rows = index["clips"]

    def keys(which: str) -> tuple[KeyFrames, ...]:
        return tuple(
            KeyFrames(
                *(k["onset"], k["apex"], k["offset"]),
                notes=tuple(k["notes"]),
                intervals=tuple((low, high) for low, high in k["intervals"]),
                apex_phase=k["apex_phase"] and tuple(k["apex_phase"]),
                kept=tuple(k["kept"]),
                estimated=tuple(k["estimated"]),
                substituted=tuple(k["substituted"]),
                uncertain=tuple(k["uncertain"]),
                quality=k["quality"],
            )
            for k in (row[which] for row in rows)
        )

    def stack(file: str, dtype: DTypeLike, shape: Sequence[int]) -> np.ndarray:
        return np.memmap(folder / file, dtype, "c", shape=tuple(shape))

    shape = index.get("phase_features")
    draws = [row["draws_index"] for row in rows if "draws_index" in row]
    return Store(
        frames=stack(FRAMES, np.uint8, index["frames"]),
        annotated_index=np.array([row["annotated_index"] for row in rows], np.int64),
        reselected_index=np.array([row["reselected_index"] for row in rows], np.int64),
        annotated_keys=keys("annotated"),
        reselected_keys=keys("reselected"),
        contents=tuple(row["content"] for row in rows),
        # Stores of earlier versions have no digests of single frames.
        frame_digests=tuple((row["content"], *row.get("frame_digests", ())) for row in rows),
        digest=index["digest"],
        learned=index["learned"] and LearnedDataset.from_dict(index["learned"]),
        phase_features=None if shape is None else stack(PHASE_FEATURES, np.float16, shape),
        draws_index=np.array(draws, np.int64) if draws else None,
    )
