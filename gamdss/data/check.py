"""Read a whole dataset and collect all faults, without stopping at the first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gamdss.config import Config, FramesConfig, ProtocolConfig
from gamdss.data.action_units import is_date, parse_action_units, unit_labels
from gamdss.data.annotations import Scan, scan_annotations
from gamdss.data.decoding import decode, is_black, mixed_sizes
from gamdss.data.folders import PATTERN
from gamdss.data.frames import ClipFrames, FrameFinder, with_layouts
from gamdss.data.row_reader import Fault
from gamdss.data.specs import DatasetSpec
from gamdss.data.splits import Labelled, make_folds
from gamdss.data.workbook import find_workbook
from gamdss.errors import DataRootError, FoldError, FrameError
from gamdss.records import AU_TASK, Clip


@dataclass(frozen=True)
class Check:
    """What was found. `faults` are in the order of the workbook's rows, those of frames last.

    `counts` has the number of clips of each emotion, `tasks` that of each class of each task, and
    `subjects` the number of subjects of each task.
    """

    spec: DatasetSpec
    workbook: Path
    layout: str
    scan: Scan
    faults: tuple[Fault, ...]
    counts: Counter[str]
    tasks: dict[str, Counter[str]]
    subjects: dict[str, int]
    decoded: int = 0

    @property
    def trainable(self) -> bool:
        """Whether nothing was found that prevents training."""
        return not any(fault.stops for fault in self.faults)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is remembered of a decoded frame: its shape, its digest, and whether it is black."""

    shape: tuple[int, ...]
    digest: str
    is_black: bool


@dataclass
class _Finder:
    """Checks the frames of one clip after another.

    `decoded` has every frame once, None if it is unusable; `contents` the digests of each clip's
    frames, without black ones. Faults of the clips in `outside`, which the task leaves out, stop
    no training.
    """

    spec: DatasetSpec
    finder: FrameFinder
    frames: FramesConfig
    which: str
    outside: frozenset[str] = frozenset()
    faults: list[Fault] = field(default_factory=list)
    decoded: dict[Path, _Seen | None] = field(default_factory=dict)
    contents: dict[str, list[str]] = field(default_factory=dict)
    doubts: set[tuple[str, str]] = field(default_factory=set)

    def clip(self, clip: Clip) -> None:
        """Find the clip's folder and files, and decode the frames that `which` names."""
        try:
            item = self.finder.find(clip)
        except FrameError as error:
            self._add(error.kind, clip, f"{error.file}: {error.problem}", stops=True)
            return
        if item.clip != clip:
            notes = "; ".join(item.clip.annotated.notes)
            self._add("key frame moved", clip, notes)
        keys = item.clip.annotated
        gone = [n for n in range(keys.onset, keys.offset + 1) if n not in item.files]
        if gone:
            shown = ", ".join(map(str, gone[:8])) + (", ..." if len(gone) > 8 else "")
            length = keys.offset - keys.onset + 1
            self._add("missing frames", clip, f"{len(gone)} of {length}: {shown}")
        self._names(item)
        wanted = {"keys": set(keys.numbers), "all": set(item.files), "none": set()}[self.which]
        seen = {n: self._decode(item, item.files[n]) for n in sorted(wanted)}
        if seen and all(frame is not None and frame.is_black for frame in seen.values()):
            self._add("black clip", clip, f"{len(seen)} frame(s) are black")
        usable = {n: frame for n, frame in seen.items() if frame is not None}
        if self.frames.mixed_size == "error" and keys.apex in usable:
            self._sizes(item, {n: frame.shape for n, frame in usable.items()})
        self.contents[clip.id] = [f.digest for f in usable.values() if not f.is_black]

    def _sizes(self, item: ClipFrames, shapes: Mapping[int, tuple[int, ...]]) -> None:
        mixed = mixed_sizes(shapes, item.clip.annotated.apex)
        if mixed is not None:
            problem = f"{item.files[mixed.number]} is {mixed.problem}"
            self._add("frames of mixed size", item.clip, problem, stops=True)

    def _names(self, item: ClipFrames) -> None:
        """Report folders and files that are not named as in the owners' release."""
        if self.finder.layout_name == PATTERN:  # there is no such release
            self._pattern(item)
            return
        layout, names = self.finder.layout, item.clip.path_names
        where = item.folder.relative_to(self.finder.root)
        native = [form.format(**names) for form in layout.folders]
        if not any(fnmatchcase(where.as_posix(), form) for form in native):
            self._add("folder named otherwise", item.clip, f"{where} is used")
        others = [
            path.name
            for number, path in item.files.items()
            if path.name != layout.file.format(frame=number, **names)
        ]
        if others:
            problem = f"{len(others)} file(s), such as {others[0]}, are used"
            self._add("file named otherwise", item.clip, problem)

    def _pattern(self, item: ClipFrames) -> None:
        """Report files that are not named as `--frames.pattern` says."""
        if not self.finder.fits_pattern(item):
            some_file = next(iter(item.files.values())).name
            problem = f"{some_file} and others are taken by the last number of their names"
            self._add("file not named as the pattern", item.clip, problem)

    def _decode(self, item: ClipFrames, path: Path) -> _Seen | None:
        """Report what is wrong with a frame, once; each doubt once a clip."""
        if path in self.decoded:
            return self.decoded[path]
        self.decoded[path] = None
        doubts: list[str] = []
        try:
            image = decode(path, self.spec.colour, self.frames.grey == "accept", doubts)
        except FrameError as error:
            # Reselection may look at any frame.
            self._add(error.kind, item.clip, f"{path}: {error.problem}", stops=True)
            return None
        for doubt in doubts:
            if (item.clip.id, doubt) not in self.doubts:
                self.doubts.add((item.clip.id, doubt))
                self._add("doubtful frame", item.clip, f"{path}: {doubt}")
        digest = hashlib.blake2b(image.tobytes(), digest_size=12).hexdigest()
        self.decoded[path] = _Seen(image.shape, digest, is_black(image))
        return self.decoded[path]

    def _add(self, kind: str, clip: Clip, problem: str, stops: bool = False) -> None:
        stops = stops and clip.id not in self.outside
        self.faults.append(Fault(kind, problem, clip.row, clip.id, stops))


def check_dataset(
    spec: DatasetSpec, config: Config, decode_frames: str = "keys", progress: bool = True
) -> Check:
    """Read workbook and frames of a dataset.

    Args:
        spec: the dataset's spec.
        config: where the dataset is, and how to read it.
        decode_frames: `keys` decodes the key frames, `all` every frame, `none` none.
        progress: show a progress bar.

    Raises:
        DataRootError, AnnotationError: the folder or the table cannot be read.
    """
    root = Path(config.data_root or "").expanduser()
    named = None if config.annotations is None else Path(config.annotations).expanduser()
    workbook = find_workbook(spec, root, named)
    scan = scan_annotations(
        *(with_layouts(spec, config.frames), workbook),
        *(config.strict, config.corrections, config.case_sensitive_emotions),
        progress,
    )
    learned = config.task == AU_TASK or config.training.au_weight > 0
    unit_faults = [replace(fault, stops=learned) for fault in scan.unit_faults]
    faults = [*_table(spec, scan), *scan.faults, *unit_faults, *scan.warnings]
    chosen = _chosen(spec, config.task, scan.clips)
    layout, decoded = "", 0
    try:
        finder = FrameFinder(spec, root, config.frames)
    except DataRootError as error:
        faults.append(Fault(error.kind, f"{error.file}: {error.problem}"))
    else:
        used = {clip.id for clip, _ in chosen}
        outside = frozenset(clip.id for clip in scan.clips if used and clip.id not in used)
        frames = _Finder(spec, finder, config.frames, decode_frames, outside)
        # What clips share, such as a broken frame, is reported for one that is used.
        ordered = sorted(scan.clips, key=lambda clip: clip.id in outside)
        for clip in tqdm(ordered, desc="checking", unit="clip", disable=not progress):
            frames.clip(clip)
        faults += [*frames.faults, *_twins((clip for clip, _ in chosen), frames.contents)]
        layout, decoded = finder.layout_name, len(frames.decoded)
    tasks, subjects = _tasks(spec, scan.clips)
    faults += _folds(spec, config.task, chosen)
    counts = Counter(clip.emotion for clip in scan.clips)
    return Check(spec, workbook, layout, scan, tuple(faults), counts, tasks, subjects, decoded)


def _table(spec: DatasetSpec, scan: Scan) -> Iterable[Fault]:
    if scan.table.header_line - 1 not in (0, spec.writing.lead):
        problem = f"the header is in line {scan.table.header_line} of {scan.table.sheet!r}"
        yield Fault("notes above the header", problem, 1, stops=False)
    units = {clip.action_units for clip in scan.clips}
    notes = {text: () if is_date(text) else parse_action_units(text).notes for text in units}
    for clip in scan.clips:
        for note in notes[clip.action_units]:
            problem = f"{clip.action_units!r}: {note!r} is not an action unit"
            yield Fault("action units not understood", problem, clip.row, clip.id, stops=False)
    if not scan.clips:
        yield Fault("no clips", "no row gives a clip")


def _tasks(
    spec: DatasetSpec, clips: Iterable[Clip]
) -> tuple[dict[str, Counter[str]], dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    subjects = {}
    shown = Counter((clip.subject, clip.emotion) for clip in clips)
    for name, task in spec.tasks.items():
        counts[name] = Counter(dict.fromkeys(task.classes, 0))
        chosen = {pair: n for pair, n in shown.items() if pair[1] in task.emotions}
        for (_, emotion), number in chosen.items():
            counts[name][task.emotions[emotion]] += number
        subjects[name] = len({subject for subject, _ in chosen})
    return counts, subjects


def _chosen(
    spec: DatasetSpec, name: str, clips: Sequence[Clip]
) -> list[tuple[Clip, int | tuple[int, ...]]]:
    """The clips of a task, each with its class or action units."""
    if name not in spec.task_names:
        return []
    task = spec.task(name)
    if task.units:
        units = {text: unit_labels(text) for text in {clip.action_units for clip in clips}}
        pairs = [(clip, units[clip.action_units]) for clip in clips]
        return [(clip, target) for clip, target in pairs if target is not None]
    labels = {emotion: task.label(emotion) for emotion in task.emotions}
    classes = [(clip, labels.get(clip.emotion)) for clip in clips]
    return [(clip, label) for clip, label in classes if label is not None]


def _twins(clips: Iterable[Clip], contents: Mapping[str, Sequence[str]]) -> Iterable[Fault]:
    """Clips that have a frame of a clip of another subject, which a fold would train on."""
    first: dict[str, Clip] = {}
    for clip in clips:
        if clip.id not in contents:
            continue
        owners = [first.setdefault(frame, clip) for frame in contents[clip.id]]
        twin = next((owner for owner in owners if owner.subject != clip.subject), None)
        if twin is not None:
            problem = f"it has a frame of clip {twin.id} (row {twin.row})"
            yield Fault("same frames of two subjects", problem, clip.row, clip.id)


def _folds(
    spec: DatasetSpec, name: str, chosen: Sequence[tuple[Clip, int | tuple[int, ...]]]
) -> Iterable[Fault]:
    """Whether the task can be trained leaving one subject out."""
    if name not in spec.task_names:
        return
    task = spec.task(name)
    if not chosen:
        yield Fault("no folds", f"task {name}: no clip belongs to it")
        return
    # Only who has which class matters, so one clip stands for all of a subject and class.
    some = {(clip.subject, target): clip for clip, target in chosen}
    clips, targets = tuple(some.values()), [target for _, target in some]
    if task.units:
        data = Labelled(clips, (0,) * len(clips), task.classes, np.array(targets))
    else:
        labels = tuple(target for target in targets if isinstance(target, int))
        data = Labelled(clips, labels, task.classes)
    try:
        make_folds(ProtocolConfig(), data, seed=0)
    except FoldError as error:
        yield Fault("no folds", f"task {name}: {error.problem}")
