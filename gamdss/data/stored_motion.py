"""Input features of all phases of a store, as a memory-mapped file beside its frames."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.data.key_frames import ClipKeyFrames

FILE = "motion.bin"


@dataclass(frozen=True, eq=False)
class StoredMotion:
    """Features of the phases of N clips.

    `values` is float16 (K, C, S, S), in the units of `gamdss.features.FEATURES` (float16 is exact
    for differences of colours, which are whole grey levels, and to a 2000th of the value for luma
    and flow); `annotated` and `reselected` (N, 2) index it by clip and phase (rising, falling).
    """

    values: np.ndarray
    annotated: np.ndarray
    reselected: np.ndarray

    def subset(self, places: Sequence[int]) -> StoredMotion:
        """Those of these clips only; the values stay as they are."""
        chosen = list(places)
        return StoredMotion(self.values, self.annotated[chosen], self.reselected[chosen])


class MotionWriter:
    """Writes features clip by clip, as they come: those of a large dataset fill no memory.

    Args:
        folder: where the file goes; none is made where no clip has features.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._shape: tuple[int, ...] = ()
        self._digest = hashlib.blake2b(digest_size=12)
        self.count = 0

    def take(self, result: ClipKeyFrames) -> ClipKeyFrames:
        """Write the clip's features; the clip without them, its pairs pointing into the file."""
        if result.motion is None:
            return result
        with self._file.open("ab") as file:
            file.write(result.motion.tobytes())
        self._digest.update(result.motion.tobytes())
        self._shape = result.motion.shape[1:]
        start, self.count = self.count, self.count + len(result.motion)
        first, second = result.annotated_motion, result.reselected_motion
        return replace(
            result,
            motion=None,
            annotated_motion=(start + first[0], start + first[1]),
            reselected_motion=(start + second[0], start + second[1]),
        )

    def index(self, results: Sequence[ClipKeyFrames]) -> dict[str, Any] | None:
        """What `load_motion` needs of the clips that were taken, as plain values."""
        if not self.count:
            return None
        return {
            "shape": [self.count, *self._shape],
            "digest": self._digest.hexdigest(),
            "annotated": [result.annotated_motion for result in results],
            "reselected": [result.reselected_motion for result in results],
        }


def load_motion(folder: Path, index: dict[str, Any] | None) -> StoredMotion | None:
    """What a `MotionWriter` wrote and its index; None where there was nothing to write."""
    if index is None:
        return None
    return StoredMotion(
        np.memmap(folder / FILE, np.float16, "c", shape=tuple(index["shape"])),
        np.array(index["annotated"], np.int64),
        np.array(index["reselected"], np.int64),
    )


def join_motion(parts: Sequence[StoredMotion | None]) -> StoredMotion | None:
    """Features of all parts in one array, in memory; None where they have none."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    starts = np.cumsum([0, *(len(part.values) for part in there[:-1])])
    pairs = list(zip(there, starts, strict=True))
    return StoredMotion(
        values=np.concatenate([part.values for part in there]),
        annotated=np.concatenate([part.annotated + start for part, start in pairs]),
        reselected=np.concatenate([part.reselected + start for part, start in pairs]),
    )
