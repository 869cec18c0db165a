"""The datasets that `gamdss bias` measures: each with its own widest task, then as one table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gamdss.config import Config
from gamdss.data.composite import sources
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.store import Store, join_stores
from gamdss.data.truth import GROUND_TRUTH
from gamdss.errors import ConfigError
from gamdss.records import Clip, KeyFrames
from gamdss.studies.bias import Shifts, join_shifts, measure_shifts

ALL = "all"  # the task with the most emotions


@dataclass(frozen=True, eq=False)
class Source:
    """One dataset, read and reselected."""

    spec: DatasetSpec
    config: Config
    dataset: Dataset
    fps: float

    @property
    def clips(self) -> tuple[Clip, ...]:
        """In the order of the workbook."""
        return self.dataset.annotations.clips

    @property
    def keys(self) -> tuple[KeyFrames, ...]:
        """As reselected."""
        return self.dataset.store.reselected_keys

    @property
    def truth(self) -> np.ndarray:
        """True frame numbers (n, 3), NaN where nobody knows them."""
        known = self.dataset.truth or {}
        unknown = (np.nan,) * 3
        return np.array([known[c.id].numbers if c.id in known else unknown for c in self.clips])

    @property
    def shifts(self) -> Shifts:
        """The table of shifts."""
        return measure_shifts(self.clips, self.keys, self.fps)


@dataclass(frozen=True, eq=False)
class Joined:
    """All sources as one: clips, shifts and truth of N clips in the same order.

    Of several datasets, subjects in `clips` and `truth` carry their dataset's name.
    """

    sources: tuple[Source, ...]
    clips: tuple[Clip, ...]
    shifts: Shifts
    store: Store
    truth: np.ndarray | None

    def place(self, index: int) -> tuple[Source, int]:
        """The source of a clip, and its place there."""
        for source in self.sources:
            if index < len(source.clips):
                return source, index
            index -= len(source.clips)
        raise IndexError(index)

    def true_keys(self) -> dict[str, KeyFrames] | None:
        """True key frames by clip id, where there are any."""
        if self.truth is None:
            return None
        pairs = zip(self.clips, self.truth, strict=True)
        return {
            clip.id: KeyFrames(int(row[0]), int(row[1]), int(row[2]))
            for clip, row in pairs
            if np.isfinite(row).all()
        }


def open_sources(config: Config, cache: Path, fps: float | None) -> Joined:
    """Read and reselect every dataset of the config.

    Raises:
        ConfigError: a frame rate that is no rate.
        DataRootError, AnnotationError, FrameError: as for training.
    """
    if fps is not None and not fps > 0:
        raise ConfigError(f"--fps is {fps!r}", remedy="Give frames a second, such as 200.")
    opened = tuple(_open(part, cache, fps) for part in sources(config))
    several = len(opened) > 1
    clips = [
        replace(clip, subject=f"{clip.dataset}-{clip.subject}") if several else clip
        for source in opened
        for clip in source.clips
    ]
    truth = np.concatenate([source.truth for source in opened])
    stores = [source.dataset.store for source in opened]
    return Joined(
        sources=opened,
        clips=tuple(clips),
        shifts=join_shifts([source.shifts for source in opened]),
        store=join_stores(stores) if several else stores[0],
        truth=truth if np.isfinite(truth).any() else None,
    )


def _open(config: Config, cache: Path, fps: float | None) -> Source:
    spec = get_spec(config.dataset, config.annotations)
    if config.task == ALL:
        config = replace(config, task=spec.widest_task)
    dataset = open_dataset(config, cache)
    root = Path(config.data_root or ".").expanduser()
    return Source(spec, config, dataset, fps or made_rate(root) or spec.fps)


def made_rate(root: Path) -> float:
    """Frames a second of a made dataset, which need not be the spec's; 0 for others."""
    file = root / GROUND_TRUTH
    if not file.is_file():
        return 0.0
    with file.open(newline="", encoding="utf-8") as rows:
        return float(next(csv.DictReader(rows), {}).get("fps") or 0)


def warnings(opened: Sequence[Source], preset: str) -> list[str]:
    """What the reader of the report should know of the data."""
    notes = []
    for source in opened:
        name = source.spec.name
        if not any(keys.intervals for keys in source.keys):
            notes.append(
                f"{name}: preset {preset!r} states no intervals, so that shifts are taken as exact "
                "and the annotation's pull is not taken out; `motion` does both"
            )
        if source.fps <= 0:
            notes.append(f"{name}: frames a second are unknown (--fps), so there are no times")
        midpoints = sum("apex" in clip.annotated.estimated for clip in source.clips)
        if midpoints:
            notes.append(
                f"{name}: {midpoints} clip(s) have no annotated apex; a midpoint is not judged"
            )
        if "{onset}" in source.spec.clip_form:
            notes.append(
                f"{name}: the names of clips follow from the onset, so that the corrected workbook "
                "names them anew"
            )
    return notes
