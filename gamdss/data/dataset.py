"""Open a config's dataset: read annotations, find frames, reselect key frames."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.annotations import Annotations, read_annotations, write_annotations
from gamdss.data.clip_list import read_clip_list
from gamdss.data.composite import composition, join_annotations, restrict, sources
from gamdss.data.crop_settings import crop_settings
from gamdss.data.frames import ClipFrames, FrameFinder
from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.splits import Labelled
from gamdss.data.store import DIGEST, FORMAT, Store, join_stores, open_store
from gamdss.data.subject_groups import read_annotators
from gamdss.data.truth import GROUND_TRUTH, MANIFEST, read_truth, true_rate
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, DataRootError
from gamdss.files import write_csv, write_json
from gamdss.records import KEYS, Clip, KeyFrames
from gamdss.reselection.motion.learned import LEAST_CLIPS, LearnedDataset

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
    parts = [_open_one(part, cache, progress) for part in sources(config)]
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
        spec,
        workbook,
        config.task,
        strict=config.strict,
        corrections=config.corrections,
        exact_emotions=config.case_sensitive_emotions,
    )
    if config.reselection.annotators is not None:
        annotations = _with_annotators(annotations, spec, config.reselection.annotators)
    finder = FrameFinder(spec, root, config.frames)
    bar = tqdm(annotations.clips, desc="finding frames", unit="clip", disable=not progress)
    found = [finder.find(clip) for clip in bar]
    for before, item in zip(annotations.clips, found, strict=True):
        for note in item.clip.annotated.notes if item.clip != before else ():
            log.warning("clip %s (%s): %s", item.clip.id, item.clip.where, note)
    return replace(annotations, clips=tuple(item.clip for item in found)), found


def _with_annotators(annotations: Annotations, spec: DatasetSpec, file: str) -> Annotations:
    clips = annotations.clips
    names = read_annotators(
        Path(file).expanduser(),
        [(spec.name, clip.subject, clip.name) for clip in clips],
        lambda dataset, cell: spec.subject(cell) if dataset == spec.name else cell,
    )
    named = (replace(clip, annotator=name) for clip, name in zip(clips, names, strict=True))
    annotations = replace(annotations, clips=tuple(named))
    if few := _few_clips(annotations.clips):
        log.warning(
            "%s: some subjects have fewer than %d other subjects' clips by the same annotator, and "
            "use what is learned from the clips of all annotators (clips: %s)",
            file,
            LEAST_CLIPS,
            ", ".join(f"{name} {count}" for name, count in few.items()),
        )
    return annotations


def _few_clips(clips: Sequence[Clip]) -> dict[str, int]:
    """Annotators with fewer than `LEAST_CLIPS` clips without those of one of their subjects.

    With the number that remains without the subject of most clips; none if there is one annotator.
    """
    counts: dict[str, Counter[str]] = {}
    for clip in clips:
        counts.setdefault(clip.annotator, Counter())[clip.subject] += 1
    rest = {name: own.total() - max(own.values()) for name, own in sorted(counts.items())}
    few = {name: count for name, count in rest.items() if count < LEAST_CLIPS}
    return few if len(counts) > 1 else {}


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
    return DataRootError(
        f"--data-root must name the folder of {spec.title} (workbook and frames, such as "
        f"{layout.native}/{layout.file})",
        remedy=f"{where}\nTo see a whole run on synthetic data, add --demo",
    )


def _report_notes(annotations: Annotations, store: Store) -> None:
    """Warn of frames that reselection skipped, and of key frames that it left unchanged."""
    for clip, keys in zip(annotations.clips, store.reselected_keys, strict=True):
        for note in keys.notes[len(clip.annotated.notes) :]:
            log.warning("clip %s: %s", clip.id, note)
        if keys.kept:
            log.warning("clip %s: %s unchanged: %s", clip.id, ", ".join(keys.kept), _UNCHANGED)


def write_key_frames(path: Path, dataset: Dataset) -> None:
    """Write `keyframes.csv`: annotated and reselected frame numbers, difference, intervals, fit.

    Its columns `kept`, `estimated`, `substituted` and `uncertain` name key frames as `KeyFrames`
    does. Beside it, `annotations.csv` has every clip as it was read and its corrections,
    `composition.csv` the number of clips of each dataset and class, with the published number, and
    `learned.json` what was learned of the annotation's errors and the courses, if anything was.
    """
    clips, found = dataset.annotations.clips, dataset.store.reselected_keys
    write_annotations(path.with_name("annotations.csv"), clips)
    counts = composition(dataset.annotations, dataset.expected)
    write_csv(
        path.with_name("composition.csv"), [("dataset", "class", "clips", "published"), *counts]
    )
    if dataset.learned:
        learned = {name: asdict(found) for name, found in dataset.learned.items()}
        write_json(path.with_name("learned.json"), learned)
    header = ["subject", "clip", "emotion"]
    header += [f"{when}_{name}" for when in ("annotated", "reselected") for name in KEYS]
    header += [f"{name}_shift" for name in KEYS]
    header += [f"{name}_{end}" for name in KEYS for end in ("low", "high")]
    how = ("kept", "estimated", "substituted", "uncertain")
    lines: list[list[Any]] = [[*header, "notes", *how, "quality"]]
    for clip, keys in zip(clips, found, strict=True):
        before, after = clip.annotated.numbers, keys.numbers
        shifts = [b - a for a, b in zip(before, after, strict=True)]
        ends = [str(end) for pair in keys.intervals for end in pair] or [""] * 6
        about = (clip.subject, clip.name, clip.emotion)
        which = [" ".join(getattr(keys, name)) for name in how]
        quality = "" if keys.quality is None else f"{keys.quality:.3f}"
        notes = "; ".join(keys.notes)
        lines.append([*about, *before, *after, *shifts, *ends, notes, *which, quality])
    write_csv(path, lines)
