"""A config's dataset, read, reselected and on its device."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.annotations import Annotations, read_annotations, write_annotations
from gamdss.data.clip_list import read_clip_list
from gamdss.data.composite import composition, join_annotations, restrict, sources
from gamdss.data.frames import ClipFrames, FrameFinder
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.splits import Labelled
from gamdss.data.store import Store, join_stores, open_store
from gamdss.data.truth import GROUND_TRUTH, MANIFEST, read_truth
from gamdss.data.workbook import find_workbook
from gamdss.errors import DataRootError
from gamdss.files import write_atomic
from gamdss.records import KeyFrames

log = logging.getLogger("gamdss")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Annotations and key frames of the clips of a task, in the same order.

    `title` names the dataset in tables and figures, and says so where it was made; `expected` has
    the published number of clips of each class, by dataset, where there is one; `truth` the true
    key frames by clip id, where the clips were made.
    """

    title: str
    annotations: Annotations
    store: Store
    expected: Mapping[str, Mapping[str, int]]
    truth: Mapping[str, KeyFrames] | None

    @property
    def labelled(self) -> Labelled:
        """Clips and labels, as splits want them."""
        read = self.annotations
        return Labelled(read.clips, read.labels, read.classes)

    def about(self) -> dict[str, Any]:
        """What a run was trained on: it must be the same when the run continues."""
        clips = [clip.id for clip in self.annotations.clips]
        labels = json.dumps([clips, self.annotations.labels]).encode()
        return {
            "dataset": self.title,
            "clips": len(clips),
            "subjects": len(self.annotations.subjects),
            "frames": self.store.digest,
            "labels": hashlib.blake2b(labels, digest_size=12).hexdigest(),
        }


def open_dataset(config: Config, cache: Path, progress: bool = True) -> Dataset:
    """Read the workbooks, find the frames, build or open the store of each dataset; join them.

    Raises:
        DataRootError, AnnotationError, FrameError: what is missing or broken, and the remedy.
    """
    parts = [_open_one(part, cache, progress) for part in sources(config)]
    if len(parts) == 1:
        return parts[0]
    annotations = join_annotations([part.annotations for part in parts])
    for dataset, name, here, published in composition(annotations, _expected(parts)):
        if published not in (None, here):
            log.warning("%s, %s: %d clips here, %d published", dataset, name, here, published)
    return Dataset(
        title=" + ".join(part.title for part in parts),
        annotations=annotations,
        store=join_stores([part.store for part in parts]),
        expected=_expected(parts),
        truth={
            f"{part.annotations.clips[0].dataset}-{clip}": keys
            for part in parts
            for clip, keys in (part.truth or {}).items()
        }
        or None,
    )


def _expected(parts: Sequence[Dataset]) -> dict[str, Mapping[str, int]]:
    return {name: classes for part in parts for name, classes in part.expected.items()}


def _open_one(config: Config, cache: Path, progress: bool) -> Dataset:
    spec = get_spec(config.dataset, config.annotations)
    spec.task(config.task)
    if config.data_root is None:
        raise no_data(spec)
    root = Path(config.data_root).expanduser()
    annotations, clips = read_clips(config, spec, root, progress)
    store = open_store(
        clips,
        colour=spec.colour,
        image_size=config.model.image_size,
        frames=config.frames,
        reselection=config.reselection,
        cache=cache,
        progress=progress,
        features=config.features,
    )
    _report_notes(annotations, store)
    places, annotations = listed_clips(config, annotations)
    if config.clip_list is not None:
        store = store.subset(places)
    made = (root / MANIFEST).is_file()
    return Dataset(
        title=f"Synthetic clips in {spec.title}'s layout" if made else spec.title,
        annotations=annotations,
        store=store,
        expected={spec.name: spec.expected.get("classes", {}).get(config.task, {})},
        truth=read_truth(root / GROUND_TRUTH),
    )


def read_clips(
    config: Config, spec: DatasetSpec, root: Path, progress: bool = True
) -> tuple[Annotations, list[ClipFrames]]:
    """The clips of the task under `root` and their frames, each warned of where it was mended."""
    named = None if config.annotations is None else Path(config.annotations).expanduser()
    workbook = find_workbook(spec, root, named)
    annotations = read_annotations(
        spec,
        workbook,
        config.task,
        strict=config.strict,
        corrections=config.corrections,
        exact_emotions=config.case_sensitive_emotions,
    )
    finder = FrameFinder(spec, root, config.frames)
    bar = tqdm(annotations.clips, desc="finding frames", unit="clip", disable=not progress)
    found = [finder.find(clip) for clip in bar]
    for before, item in zip(annotations.clips, found, strict=True):
        for note in item.clip.annotated.notes if item.clip != before else ():
            log.warning("clip %s (row %d): %s", item.clip.id, item.clip.row, note)
    return replace(annotations, clips=tuple(item.clip for item in found)), found


def listed_clips(config: Config, annotations: Annotations) -> tuple[Sequence[int], Annotations]:
    """The clips that `clip_list` has and their places, warned of; all of them without a list.

    Raises:
        AnnotationError: the list cannot be read, does not fit the task, or has none of the clips.
    """
    places: Sequence[int] = range(len(annotations.clips))
    if config.clip_list is not None:
        listed = read_clip_list(Path(config.clip_list).expanduser(), annotations.classes)
        places, annotations = restrict(annotations, listed)
    for warning in annotations.warnings:
        log.warning("%s: %s", annotations.workbook, warning)
    return places, annotations


def no_data(spec: DatasetSpec) -> DataRootError:
    """What to say, in three lines, when there is no dataset and no demo was asked for."""
    layout = next(iter(spec.layouts.values()))
    where = f"The dataset is requested from its owners at {spec.request_page}"
    if not spec.request_page:
        where = f"{spec.title}: its frames lie under a folder of yours"
    return DataRootError(
        f"no data: --data-root must name the folder of {spec.title} (workbook and frames, such "
        f"as {layout.native}/{layout.file})",
        remedy=f"{where}\nTo see the whole run on a made dataset, without any data: add --demo",
    )


def _report_notes(annotations: Annotations, store: Store) -> None:
    """Warn of what reselection had to pass over."""
    for clip, keys in zip(annotations.clips, store.reselected_keys, strict=True):
        for note in keys.notes[len(clip.annotated.notes) :]:
            log.warning("clip %s: %s", clip.id, note)


def write_key_frames(path: Path, dataset: Dataset) -> None:
    """Write `keyframes.csv`: annotated and reselected frame numbers, difference and intervals.

    Beside it, `annotations.csv` has every clip as it was read, and what was corrected in it, and
    `composition.csv` the number of clips of each dataset and class against the published one.
    """
    write_annotations(path.with_name("annotations.csv"), dataset.annotations.clips)
    _write_composition(path.with_name("composition.csv"), dataset)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("onset", "apex", "offset")
    before = (f"annotated_{name}" for name in names)
    after = (f"reselected_{name}" for name in names)
    shifts = (f"{name}_shift" for name in names)
    bounds = (f"{name}_{end}" for name in names for end in ("low", "high"))
    writer.writerow(("subject", "clip", "emotion", *before, *after, *shifts, *bounds, "notes"))
    for clip, keys in zip(dataset.annotations.clips, dataset.store.reselected_keys, strict=True):
        numbers = clip.annotated.numbers, keys.numbers
        moved = (b - a for a, b in zip(*numbers, strict=True))
        row = (clip.subject, clip.name, clip.emotion, *numbers[0], *numbers[1], *moved)
        ends = [str(end) for pair in keys.intervals for end in pair] or [""] * 6
        writer.writerow((*row, *ends, "; ".join(keys.notes)))
    write_atomic(path, lambda target: target.write_text(text.getvalue(), encoding="utf-8"))


def _write_composition(path: Path, dataset: Dataset) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("dataset", "class", "clips", "published"))
    writer.writerows(composition(dataset.annotations, dataset.expected))
    write_atomic(path, lambda target: target.write_text(text.getvalue(), encoding="utf-8"))
