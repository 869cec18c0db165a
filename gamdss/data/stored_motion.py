"""Input features of all phases of a store, as a memory-mapped file beside its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.data.key_frames import ClipKeyFrames

FILE = "motion.npy"
_KEYS = ("annotated_motion", "reselected_motion")


@dataclass(frozen=True, eq=False)
class StoredMotion:
    """Features of the phases of N clips.

    `values` is float16 (K, C, S, S), in the units of `gamdss.features.FEATURES` (float16 is exact
    for grey levels, and to a 2000th of a flow's size); `annotated` and `reselected` (N, 2) index
    it by clip and phase (rising, falling).
    """

    values: np.ndarray
    annotated: np.ndarray
    reselected: np.ndarray

    def subset(self, places: Sequence[int]) -> StoredMotion:
        """Those of these clips only; the values stay as they are."""
        chosen = list(places)
        return StoredMotion(self.values, self.annotated[chosen], self.reselected[chosen])


def write_motion(
    folder: Path, results: Sequence[ClipKeyFrames], rows: Sequence[dict[str, Any]], digest: Any
) -> None:
    """Write the features, if there are any, their places into the clips' rows, and digest them."""
    found = [result.motion for result in results if result.motion is not None]
    if not found:
        return
    shape = (sum(map(len, found)), *found[0].shape[1:])
    values = np.lib.format.open_memmap(folder / FILE, "w+", np.float16, shape)
    start = 0
    for result, row, motion in zip(results, rows, found, strict=True):
        digest.update(motion.tobytes())
        values[start : start + len(motion)] = motion
        pairs = (result.annotated_motion, result.reselected_motion)
        row |= {key: [start + i for i in pair] for key, pair in zip(_KEYS, pairs, strict=True)}
        start += len(motion)
    values.flush()


def load_motion(folder: Path, rows: Sequence[dict[str, Any]]) -> StoredMotion | None:
    """What `write_motion` wrote; None where there was nothing to write."""
    if not (folder / FILE).exists():
        return None
    indices = (np.array([row[key] for row in rows], np.int64) for key in _KEYS)
    return StoredMotion(np.load(folder / FILE, mmap_mode="c"), *indices)


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
