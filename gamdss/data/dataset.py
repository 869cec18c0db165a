"""Open a config's dataset: read annotations, find frames, reselect key frames."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.annotations import Annotations, read_annotations
from gamdss.data.annotators import with_annotators
from gamdss.data.clip_list import read_clip_list
from gamdss.data.composite import composition, join_annotations, restrict, sources
from gamdss.data.crop_settings import crop_settings
from gamdss.data.frames import ClipFrames, FrameFinder, with_layouts
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.specs.plain import PLAIN
from gamdss.data.splits import Labelled
from gamdss.data.store import DIGEST, FORMAT, Store, join_stores, open_store
from gamdss.data.subject_groups import read_group_file
from gamdss.data.truth import GROUND_TRUTH, MANIFEST, read_truth, true_rate
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, DataRootError
from gamdss.records import KeyFrames
from gamdss.reselection.motion.learned import LearnedDataset

log = logging.getLogger("gamdss")
_UNCHANGED = (
    "the motion does not locate it more precisely than the annotation, or cannot be fitted "
    "(onset and offset are one frame, too few or too small frames)"
)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Annotations and key frames of the clips of a task, in the same order.

    `title` names the dataset in tables and figures; `synthetic` is whether any of its clips were
    generated; `expected` has the published number of clips of each class, by dataset, if there is
    one; `truth` the true key frames of synthetic clips by clip id; `crops` how the frames of each
    dataset were cropped, None if it is unknown; `learned` by dataset what the motion of
    its clips taught; `rates` the frames per second of each clip, 0 if unknown.
    """

    title: str
    synthetic: bool
    annotations: Annotations
    store: Store
    expected: Mapping[str, Mapping[str, int]]
    truth: Mapping[str, KeyFrames] | None
    crops: Mapping[str, Mapping[str, Any] | None]
    learned: Mapping[str, LearnedDataset] = field(default_factory=dict)
    rates: tuple[float, ...] = ()

    @property
    def labelled(self) -> Labelled:
        """Clips and labels, as the splits take them."""
        read = self.annotations
        units = read.unit_labels if read.units == "targets" else None
        return Labelled(read.clips, read.labels, read.classes, units)

    def about(self) -> dict[str, Any]:
        """What identifies the data of a run; it must be the same when the run resumes.

        Title, `grey` (whether all frames are), `fps` and `format` only describe it.
        """
        clips = [clip.id for clip in self.annotations.clips]
        known: list[Any] = [clips, self.annotations.labels]
        if self.annotations.units != "unused":
            known.append(self.annotations.unit_labels.tolist())
        labels = json.dumps(known).encode()
        return {
            "dataset": self.title,
            "clips": len(clips),
            "subjects": len(self.annotations.subjects),
            "frames": self.store.digest,
            "digest": DIGEST,
            "format": FORMAT,
            "classes": list(self.annotations.classes),
            "labels": hashlib.blake2b(labels, digest_size=12).hexdigest(),
            "grey": self.store.grey,
            "fps": sorted(set(self.rates) - {0.0}),
        }


def open_dataset(config: Config, cache: Path, progress: bool = True) -> Dataset:
    """Read the workbooks, find the frames, build or open the store of each dataset; join them.

    Raises:
        DataRootError, AnnotationError, FrameError: data is missing or broken; says how to fix it.
    """
    used = sources(config)
    annotators = config.reselection.annotators
    if annotators is not None and len(used) > 1:
        file = Path(annotators).expanduser()
        read_group_file(file, "--reselection.annotators").require_dataset()
    parts = [_open_one(part, cache, progress) for part in used]
    joined = parts[0] if len(parts) == 1 else _joined(parts)
    if config.training.au_weight:
        _require_units(joined.annotations)
    return joined


def _require_units(annotations: Annotations) -> None:
    """Raise AnnotationError if no clip has an action unit for an auxiliary loss."""
    if annotations.unit_labels.max() < 0:
        raise AnnotationError(
            "--training.au-weight needs action units, but no clip has one",
            file=annotations.workbook,
            remedy="Omit it, or choose a dataset whose workbook has a column of action units.",
        )


def _joined(parts: Sequence[Dataset]) -> Dataset:
    """Several datasets as one; warns of classes with other numbers of clips than published."""
    annotations = join_annotations([part.annotations for part in parts])
    for dataset, name, here, published in composition(annotations, _expected(parts)):
        if published not in (None, here):
            log.warning("%s, %s: %d clips, but %d published", dataset, name, here, published)
    return Dataset(
        title=" + ".join(part.title for part in parts),
        synthetic=any(part.synthetic for part in parts),
        annotations=annotations,
        store=join_stores([part.store for part in parts]),
        expected=_expected(parts),
        truth={
            f"{part.annotations.clips[0].dataset}-{clip}": keys
            for part in parts
            for clip, keys in (part.truth or {}).items()
        }
        or None,
        learned={name: found for part in parts for name, found in part.learned.items()},
        crops={name: crops for part in parts for name, crops in part.crops.items()},
        rates=tuple(rate for part in parts for rate in part.rates),
    )


def _expected(parts: Sequence[Dataset]) -> dict[str, Mapping[str, int]]:
    return {name: classes for part in parts for name, classes in part.expected.items()}


def _open_one(config: Config, cache: Path, progress: bool) -> Dataset:
    spec = get_spec(config.dataset, config.annotations, config.data_root)
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
    if config.training.au_weight:
        annotations = replace(annotations, units="auxiliary")
    synthetic = (root / MANIFEST).is_file()
    usual = true_rate(root / GROUND_TRUTH) or spec.fps
    return Dataset(
        title=f"Synthetic clips in {spec.title}'s layout" if synthetic else spec.title,
        synthetic=synthetic,
        annotations=annotations,
        store=store,
        expected={spec.name: spec.expected.get("classes", {}).get(config.task, {})},
        truth=read_truth(root / GROUND_TRUTH),
        learned={} if store.learned is None else {spec.name: store.learned},
        crops={spec.name: crop_settings(root)},
        rates=tuple(clip.fps or usual for clip in annotations.clips),
    )


def read_clips(
    config: Config, spec: DatasetSpec, root: Path, progress: bool = True
) -> tuple[Annotations, list[ClipFrames]]:
    """The clips of the task under `root` and their frames; logs each moved key frame."""
    named = None if config.annotations is None else Path(config.annotations).expanduser()
    workbook = find_workbook(spec, root, named)
    annotations = read_annotations(
        with_layouts(spec, config.frames),
        workbook,
        config.task,
        strict=config.strict,
        corrections=config.corrections,
        exact_emotions=config.case_sensitive_emotions,
        auxiliary_units=config.training.au_weight > 0,
    )
    if config.reselection.annotators is not None:
        annotations = with_annotators(annotations, spec, config.reselection.annotators)
    finder = FrameFinder(spec, root, config.frames)
    bar = tqdm(annotations.clips, desc="finding frames", unit="clip", disable=not progress)
    found = [finder.find(clip) for clip in bar]
    for before, item in zip(annotations.clips, found, strict=True):
        for note in item.clip.annotated.notes if item.clip != before else ():
            log.warning("clip %s (%s): %s", item.clip.id, item.clip.where, note)
    return replace(annotations, clips=tuple(item.clip for item in found)), found


def listed_clips(config: Config, annotations: Annotations) -> tuple[Sequence[int], Annotations]:
    """Places and annotations of the clips in `clip_list`, or of all; logs their warnings.

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
    """The error, three lines long, for a missing --data-root."""
    layout = next(iter(spec.layouts.values()))
    where = f"Request the dataset from its owners at {spec.request_page}"
    if not spec.request_page:
        where = f"It is the folder that contains the frames of {spec.title}"
    demo = "" if spec.name == PLAIN else "\nTo see a whole run on synthetic data, add --demo"
    return DataRootError(
        f"--data-root must name the folder of {spec.title} (workbook and frames, such as "
        f"{layout.native}/{layout.file})",
        remedy=f"{where}{demo}",
    )


def _report_notes(annotations: Annotations, store: Store) -> None:
    """Warn of frames that reselection skipped, and of key frames that it left unchanged."""
    for clip, keys in zip(annotations.clips, store.reselected_keys, strict=True):
        for note in keys.notes[len(clip.annotated.notes) :]:
            log.warning("clip %s: %s", clip.id, note)
        if keys.kept:
            log.warning("clip %s: %s unchanged: %s", clip.id, ", ".join(keys.kept), _UNCHANGED)
