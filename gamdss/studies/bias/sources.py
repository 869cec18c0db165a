"""The datasets that `gamdss bias` measures, each with the task of the most emotions, joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gamdss.config import Config
from gamdss.data.composite import sources
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.store import Store, join_stores
from gamdss.data.subject_groups import read_group_file
from gamdss.records import KEYS, Clip, KeyFrames
from gamdss.reselection.motion.annotator import FIXED, Annotator
from gamdss.reselection.motion.learned import Learned
from gamdss.studies.bias.accuracy import accuracy
from gamdss.studies.bias.groups import groupings, require_own_names
from gamdss.studies.bias.shifts import Shifts, join_shifts, measure_shifts
from gamdss.studies.bias.study import BiasStudy, study_shifts


@dataclass(frozen=True, eq=False)
class BiasSource:
    """One dataset, read and reselected; `rates` are the clips' frames per second, 0 if unknown."""

    spec: DatasetSpec
    config: Config
    dataset: Dataset
    rates: tuple[float, ...]

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
        """True frame numbers (n, 3), NaN where they are unknown."""
        known = self.dataset.truth or {}
        unknown = (np.nan,) * 3
        return np.array([known[c.id].numbers if c.id in known else unknown for c in self.clips])

    @property
    def learned(self) -> Mapping[str, Learned]:
        """What was learned for each subject from all others; empty under the fixed prior."""
        fixed = self.config.reselection.prior == "fixed"
        learned = None if fixed else self.dataset.learned.get(self.spec.name)
        return {} if learned is None else learned.without

    @property
    def shifts(self) -> Shifts:
        """The shifts of its clips."""
        known = self.learned
        expected = [known[c.subject].annotator if c.subject in known else FIXED for c in self.clips]
        return measure_shifts(self.clips, self.keys, self.rates, expected)


@dataclass(frozen=True, eq=False)
class JoinedSources:
    """All sources as one: clips, shifts and truth (N, 3) of N clips in the same order.

    With several datasets, the subjects in `clips` are prefixed by their dataset's name.
    """

    sources: tuple[BiasSource, ...]
    clips: tuple[Clip, ...]
    shifts: Shifts
    store: Store
    truth: np.ndarray | None

    def place(self, index: int) -> tuple[BiasSource, int]:
        """The source of a clip, and the clip's place in it."""
        for source in self.sources:
            if index < len(source.clips):
                return source, index
            index -= len(source.clips)
        raise IndexError(index)

    def true_keys(self) -> dict[str, KeyFrames] | None:
        """True key frames by clip id; None if no clip has any."""
        if self.truth is None:
            return None
        pairs = zip(self.clips, self.truth, strict=True)
        return {
            clip.id: KeyFrames(int(row[0]), int(row[1]), int(row[2]))
            for clip, row in pairs
            if np.isfinite(row).all()
        }


def measure_bias(
    config: Config, cache: Path, fps: float | None = None, groups: Path | None = None
) -> tuple[BiasStudy, JoinedSources]:
    """Read and reselect the datasets of a config, and measure their annotation's bias.

    Args:
        config: the dataset or datasets; the task `all` is the one with the most emotions.
        cache: where decoded frames are kept.
        fps: frames per second instead of the workbook's and the spec's.
        groups: a CSV file of groups (see `groupings`).

    Raises:
        AnnotationError: the file of groups is unreadable or incomplete.
        DataRootError, AnnotationError, FrameError: as for training.
    """
    table = None if groups is None else read_group_file(groups, "--groups")  # first: it is quick
    if table is not None:
        require_own_names(table)
    joined = open_sources(config, cache, fps)
    specs = {source.spec.name: source.spec for source in joined.sources}

    def subject(dataset: str, cell: str) -> str:
        return specs[dataset].subject(cell) if dataset in specs else cell

    custom = [] if table is None else groupings(table, joined.shifts, subject)
    title = " + ".join(source.dataset.title for source in joined.sources)
    notes = warnings(joined.sources, config.reselection.preset)
    if joined.truth is not None:
        notes += accuracy(joined.shifts, joined.truth)
    return study_shifts(title, joined.shifts, custom, joined.truth, notes), joined


def open_sources(config: Config, cache: Path, fps: float | None = None) -> JoinedSources:
    """Read and reselect every dataset of the config.

    Raises:
        DataRootError, AnnotationError, FrameError: as for training.
    """
    opened = tuple(_open(part, cache, fps) for part in sources(config))
    several = len(opened) > 1
    clips = [
        replace(clip, subject=f"{clip.dataset}-{clip.subject}") if several else clip
        for source in opened
        for clip in source.clips
    ]
    truth = np.concatenate([source.truth for source in opened])
    stores = [source.dataset.store for source in opened]
    return JoinedSources(
        sources=opened,
        clips=tuple(clips),
        shifts=join_shifts([source.shifts for source in opened]),
        store=join_stores(stores) if several else stores[0],
        truth=truth if np.isfinite(truth).any() else None,
    )


def _open(config: Config, cache: Path, fps: float | None) -> BiasSource:
    spec = get_spec(config.dataset, config.annotations, config.data_root)
    config = replace(config, task=spec.task_or_widest(config.task))
    dataset = open_dataset(config, cache)
    return BiasSource(spec, config, dataset, tuple(fps or rate for rate in dataset.rates))


def learned_errors(found: Annotator) -> str:
    """Bias and width of each key frame, in percent of the phase."""
    parts = zip(KEYS, found.bias, found.width, strict=True)
    return ", ".join(f"{key} {100 * b:+.1f} ± {100 * w:.1f}%" for key, b, w in parts)


def warnings(opened: Sequence[BiasSource], preset: str) -> list[str]:
    """Warnings about the data, and what was learned of it, for the reader of the report."""
    notes = []
    for source in opened:
        name = source.spec.name
        notes += [
            f"{name}: errors of the annotation as `motion` learned them for training "
            f"(--reselection.prior dataset){of}: {learned_errors(errors)}"
            for found in source.dataset.learned.values()
            for of, errors in (
                ("", found.all.annotator),
                *((f", {who}", errors) for who, errors in found.annotators.items()),
            )
        ]
        if not any(keys.intervals for keys in source.keys):
            notes.append(
                f"{name}: preset {preset!r} states no intervals, so shifts are taken as exact "
                "and are not corrected for the annotation's pull; `motion` does both"
            )
        if min(source.rates) <= 0:
            notes.append(f"{name}: the frame rate is unknown (--fps), so there are no times")
        midpoints = sum("apex" in clip.annotated.estimated for clip in source.clips)
        if midpoints:
            notes.append(
                f"{name}: {midpoints} clip(s) have no annotated apex; midpoints are not evaluated"
            )
        if "{onset}" in source.spec.clip_form:
            notes.append(
                f"{name}: clips are named after their onset, so the corrected workbook renames them"
            )
    return notes
