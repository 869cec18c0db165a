"""Writing a store: frames and phase features as raw files, and their index."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.checksums import Checksum
from gamdss.data.decoding import is_black
from gamdss.data.key_frames import ClipKeyFrames
from gamdss.files import write_record
from gamdss.records import KEYS
from gamdss.reselection.motion.learned import LearnedDataset

KEY_FRAMES = 3  # the first columns of an index: onset, apex, offset
INDEX, FRAMES, PHASE_FEATURES = "index.json", "frames.bin", "phase_features.bin"


class _Stack:
    """Arrays of one shape, appended to a raw file as they come, so that memory stays small."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.shape: tuple[int, ...] = (0,)
        self.digest = hashlib.blake2b(digest_size=12)
        self.checksum = Checksum()

    def append(self, arrays: np.ndarray) -> int:
        """Write arrays (K, ...); returns the index of the first one."""
        start = self.shape[0]
        values = arrays.tobytes()
        with self.file.open("ab") as file:
            file.write(values)
        self.digest.update(values)
        self.checksum.add(values)
        self.shape = (start + len(arrays), *arrays.shape[1:])
        return start

    def finish(self) -> None:
        """Wait until the file is on the disk, which may only now turn out to be full."""
        with self.file.open("rb+") as file:
            os.fsync(file.fileno())


class StoreWriter:
    """Writes frames and phase features clip by clip, and last of all their index."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / INDEX
        self._frames = _Stack(folder / FRAMES)
        self._features = _Stack(folder / PHASE_FEATURES)
        self._rows: list[dict[str, Any]] = []
        self.learned: LearnedDataset | None = None

    def add(self, result: ClipKeyFrames) -> None:
        """Write the frames of a clip."""
        start = [self._frames.append(result.images)] * KEY_FRAMES
        if result.phase_features is not None:
            start += [self._features.append(result.phase_features)] * 2
        images = result.images[list(result.annotated_index[:KEY_FRAMES])]
        row: dict[str, Any] = {
            "annotated": asdict(result.annotated),
            "reselected": asdict(result.reselected),
            "annotated_index": _moved(result.annotated_index, start),
            "content": _digest(images),
            "reselected_index": _moved(result.reselected_index, start),
            "frame_digests": [_digest(image) for image in result.images if not is_black(image)],
        }
        if result.draws_index:
            row["draws_index"] = [_moved(index, start) for index in result.draws_index]
        self._rows.append(row)

    def finish(self) -> None:
        """Write the index."""
        digest = self._frames.digest
        digest.update(json.dumps(self._identity()).encode())
        index: dict[str, Any] = {"digest": digest.hexdigest(), "checksums": {}}
        for name, stack in (("frames", self._frames), ("phase_features", self._features)):
            if stack.shape[0]:
                stack.finish()
                index[name] = stack.shape
                index["checksums"][stack.file.name] = stack.checksum.text()
        index["learned"] = None if self.learned is None else asdict(self.learned)
        write_record(self._file, {**index, "clips": self._rows})

    def _identity(self) -> Any:
        """What the digest covers beside the frames.

        Its form is that of format 5, which had an index of its own for phase features ("motion")
        and no digests of single frames: a run's data.json has the digest, and runs of earlier
        versions must still find their data.
        """
        indices = ("annotated_index", "reselected_index")
        rows = [
            {name: value for name, value in row.items() if name != "frame_digests"}
            | {name: row[name][:KEY_FRAMES] for name in indices}
            | {which: _identity(row[which]) for which in ("annotated", "reselected")}
            for row in self._rows
        ]
        if not self._features.shape[0]:
            return rows
        annotated, reselected = ([row[name][KEY_FRAMES:] for row in self._rows] for name in indices)
        features = {"shape": self._features.shape, "digest": self._features.digest.hexdigest()}
        features |= {"annotated": annotated, "reselected": reselected}
        return {"clips": rows, "motion": features}


def _digest(image: np.ndarray) -> str:
    return hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest()


def _identity(keys: dict[str, Any]) -> dict[str, Any]:
    """What a digest sees of key frames: their numbers, not how they came about.

    Digests of version 1 are the same where there were no notes.
    """
    numbers = {name: keys[name] for name in KEYS}
    return {**numbers, "notes": [], "intervals": keys["intervals"]}


def _moved(index: Sequence[int], start: Sequence[int]) -> list[int]:
    return [place + first for place, first in zip(index, start, strict=True)]
