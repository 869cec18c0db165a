"""Read a whole dataset and collect all faults, without stopping at the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tqdm import tqdm

from gamdss.config import Config, FramesConfig, ProtocolConfig
from gamdss.data.action_units import parse_action_units
from gamdss.data.annotations import Scan, scan_annotations
from gamdss.data.frames import ClipFrames, FrameFinder, decode, is_black
from gamdss.data.row_reader import Fault
from gamdss.data.specs import DatasetSpec
from gamdss.data.splits import Labelled, make_folds
from gamdss.data.workbook import find_workbook
from gamdss.errors import DataRootError, FoldError, FrameError
from gamdss.records import Clip


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


@dataclass
class _Finder:
    """Checks the frames of one clip after another."""

    spec: DatasetSpec
    finder: FrameFinder
    frames: FramesConfig
    which: str
    faults: list[Fault] = field(default_factory=list)
    decoded: set[Path] = field(default_factory=set)
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
        black = [self._decode(item, item.files[number]) for number in sorted(wanted)]
        if black and all(black):
            self._add("black clip", clip, f"{len(black)} frame(s) are black")

    def _names(self, item: ClipFrames) -> None:
        """Report folders and files that are not named as in the owners' release."""
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

    def _decode(self, item: ClipFrames, path: Path) -> bool:
        """Report what is wrong with a frame, each doubt once a clip; whether it is black."""
        if path in self.decoded:
            return False
        self.decoded.add(path)
        doubts: list[str] = []
        try:
            image = decode(path, self.spec.colour, self.frames.grey == "accept", doubts)
        except FrameError as error:
            # Reselection may look at any frame.
            self._add(error.kind, item.clip, f"{path}: {error.problem}", stops=True)
            return False
        for doubt in doubts:
            if (item.clip.id, doubt) not in self.doubts:
                self.doubts.add((item.clip.id, doubt))
                self._add("doubtful frame", item.clip, f"{path}: {doubt}")
        return is_black(image)

    def _add(self, kind: str, clip: Clip, problem: str, stops: bool = False) -> None:
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
        *(spec, workbook, config.strict, config.corrections, config.case_sensitive_emotions),
        progress,
    )
    faults = [*_table(spec, scan), *scan.faults, *scan.warnings]
    layout, decoded = "", 0
    try:
        finder = FrameFinder(spec, root, config.frames)
    except DataRootError as error:
        faults.append(Fault(error.kind, f"{error.file}: {error.problem}"))
    else:
        frames = _Finder(spec, finder, config.frames, decode_frames)
        for clip in tqdm(scan.clips, desc="checking", unit="clip", disable=not progress):
            frames.clip(clip)
        faults += frames.faults
        layout, decoded = finder.layout_name, len(frames.decoded)
    tasks, subjects = _tasks(spec, scan.clips)
    faults += _folds(spec, config.task, scan.clips)
    counts = Counter(clip.emotion for clip in scan.clips)
    return Check(spec, workbook, layout, scan, tuple(faults), counts, tasks, subjects, decoded)


def _table(spec: DatasetSpec, scan: Scan) -> Iterable[Fault]:
    if scan.table.header_line - 1 not in (0, spec.writing.lead):
        problem = f"the header is in line {scan.table.header_line} of {scan.table.sheet!r}"
        yield Fault("notes above the header", problem, 1, stops=False)
    notes = {text: parse_action_units(text).notes for text in {c.action_units for c in scan.clips}}
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


def _folds(spec: DatasetSpec, name: str, clips: Iterable[Clip]) -> Iterable[Fault]:
    """Whether the task can be trained leaving one subject out."""
    if name not in spec.tasks:
        return
    task = spec.tasks[name]
    labels = {emotion: task.label(emotion) for emotion in task.emotions}
    # Only who has which class matters, so one clip stands for all of a subject and class.
    some = {(clip.subject, labels.get(clip.emotion)): clip for clip in clips}
    chosen = [(clip, label) for (_, label), clip in some.items() if label is not None]
    data = Labelled(tuple(c for c, _ in chosen), tuple(k for _, k in chosen), task.classes)
    try:
        make_folds(ProtocolConfig(), data, seed=0)
    except FoldError as error:
        yield Fault("no folds", f"task {name}: {error.problem}")
