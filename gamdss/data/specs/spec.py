"""What must be known about a dataset to read it and to write a synthetic one in its layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from gamdss.errors import ConfigError
from gamdss.records import AU_TASK, UNIT_NAMES

# Roles of a workbook's columns; `subject_in_clip` can stand in for the first.
NEEDED_ROLES = ("subject", "clip", "onset", "offset", "emotion")
ROLES = (*NEEDED_ROLES, "apex", "action_units", "duration", "fps")
FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
# Spellings that mean the same in every dataset.
SYNONYMS = {
    "other": "others",
    "happy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "fearful": "fear",
    "surprised": "surprise",
    "disgusted": "disgust",
    "pos": "positive",
    "neg": "negative",
    "sur": "surprise",
}
_WIDTH = re.compile(r"(0?[1-9]\d?)?d?")
_NUMBER = re.compile(r"[^\d]*(\d+)(?:\.0+)?")


@dataclass(frozen=True)
class Task:
    """A classification task: the classes in label order, and the class of each emotion.

    Emotions of the dataset that are not in `emotions` are left out of the task. If the targets are
    action `units`, the classes are their names, clips of any emotion belong to the task, and
    `emotions` are only those that a synthetic dataset shows.
    """

    classes: tuple[str, ...]
    emotions: Mapping[str, str]
    units: bool = False

    def label(self, emotion: str) -> int | None:
        """The class index of an emotion; None if the task leaves it out."""
        name = self.emotions.get(emotion)
        return None if name is None else self.classes.index(name)


@dataclass(frozen=True)
class Layout:
    """Paths of frames, as templates.

    Templates are filled by `str.format` with `Clip.path_names` and `frame` (an integer). Files are
    matched by the last digits in their stem, so the template's padding matters only for writing.

    Args:
        folders: a clip's folder below the root; several are tried for every clip. `*` stands for
            any characters.
        file: name of a frame's file.
        roots: the folder that contains `folders`, below the dataset's root; of several
            alternatives, one is used for all clips.
        whole_video: the folder contains more than the clip, and is cut from onset to offset.
    """

    folders: tuple[str, ...]
    file: str
    roots: tuple[str, ...] = (".",)
    whole_video: bool = False

    @property
    def native(self) -> str:
        """Template of a clip's folder below the dataset's root, used for synthetic clips."""
        return joined(self.roots[0], self.folders[0]).replace("*", "")


def joined(root: str, folder: str) -> str:
    """A folder's template below a root; `.` is the dataset's root itself."""
    return folder if root == "." else f"{root}/{folder}"


def filled(template: str, **names: object) -> str:
    """A template with the names in its braces replaced, as `str.format` does.

    Raises:
        KeyError: it has an unknown name.
        ValueError: it has more than a name and a width of at most two digits in its braces, which
            could reach into Python's objects or make a text of any length.
    """
    for _, name, width, conversion in Formatter().parse(template):
        if name is None:
            continue
        if conversion or not name.isidentifier() or not _WIDTH.fullmatch(width or ""):
            raise ValueError(
                f"{name!r} with {width!r} is not a name and a width, such as frame:03d"
            )
    return template.format(**names)


@dataclass(frozen=True)
class Correction:
    """A known mistake of the workbook, and the correct values.

    Args:
        values: correct cells by role.
        source: who found it.
        clip: id of the clip, `subject/name`.
        row: index of the row (0 is the first below the header), if the clip is not known.
        rows: number of rows of the table that `row` refers to; other tables are not corrected.
        where: cells by role that the row must have; only with `row`.
        was: wrong cells by role that are replaced although they look valid.
    """

    values: Mapping[str, Any]
    source: str
    clip: str | None = None
    row: int | None = None
    rows: int | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    was: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Writing:
    """How a synthetic workbook of the dataset looks.

    Args:
        header: header texts in order, None for a blank one.
        sheet: name of the sheet.
        subject: form of a subject's cell, from its `number`; digits alone become a number.
        clip: form of a clip's cell, from `number` (the subject's), `n` (from 1), `code`, and, if a
            video has several clips, `letter` or `video` (the video's) and `take`.
        text: whether every cell is text.
        lead: number of lines above the header; -1 if there is no header.
        clips_per_video: number of consecutive clips in one video.
        from_one: whether the frames of a clip are numbered from 1.
        codes: value of `code` for each emotion.
        videos: value of `video` for each video, by its number from 1.
    """

    header: tuple[str | None, ...]
    sheet: str = "Sheet1"
    subject: str = "{number}"
    clip: str = "EP{n:02d}_01"
    text: bool = False
    lead: int = 0
    clips_per_video: int = 1
    from_one: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    videos: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset as its owners deliver it; `specs.reader` explains each field of a spec's file.

    Of a plain table, `doubtful` has the emotions that may be misspelled, with the likely one.
    """

    name: str
    title: str
    columns: Mapping[str, tuple[str, ...]]
    layouts: Mapping[str, Layout]
    emotions: Mapping[str, str]
    tasks: Mapping[str, Task]
    reference: str = ""
    request_page: str = ""
    fps: float = 0.0
    colour: bool = False
    workbooks: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    subject_form: str = ""
    subject_in_clip: str = ""
    clip_form: str = "{clip}"
    from_folders: bool = False
    form: str = "table"
    parts: bool = False
    expected: Mapping[str, Any] = field(default_factory=dict)
    corrections: tuple[Correction, ...] = ()
    notes: tuple[str, ...] = ()
    doubtful: Mapping[str, str] = field(default_factory=dict)
    writing: Writing = field(default_factory=lambda: Writing(()))

    @property
    def header(self) -> tuple[str | None, ...]:
        """The native header texts in order, None for a blank one."""
        return self.writing.header

    @property
    def named_by_onset(self) -> bool:
        """Whether the sheet's onset is a part of a clip's name."""
        return "{onset" in self.clip_form

    def task(self, name: str) -> Task:
        """The task called `name`; the error for an unknown name lists the known ones."""
        if name == AU_TASK and self.has_units:
            return Task(UNIT_NAMES, dict.fromkeys(self.emotions, ""), units=True)
        if name not in self.tasks:
            lacking = ": it has no column of action units" if name == AU_TASK else ""
            raise ConfigError(
                f"{self.title} has no task called {name!r}{lacking}",
                remedy=f"Use one of: {', '.join(self.task_names)}.",
            )
        return self.tasks[name]

    @property
    def has_units(self) -> bool:
        """Whether its workbook has a column of action units."""
        return "action_units" in self.columns

    @property
    def task_names(self) -> tuple[str, ...]:
        """Names of all tasks, that of action units last."""
        return (*self.tasks, *((AU_TASK,) if self.has_units else ()))

    @property
    def widest_task(self) -> str:
        """The task with the most emotions; of equals the most classes, then the first one."""
        sizes = {name: (len(task.emotions), len(task.classes)) for name, task in self.tasks.items()}
        return max(sizes, key=sizes.__getitem__)

    def task_or_widest(self, name: str) -> str:
        """The name of a task; `all` is `widest_task`."""
        return self.widest_task if name == "all" else name

    def layout(self, name: str) -> Layout:
        """The layout called `name`; the error for an unknown name lists the known ones."""
        if name not in self.layouts:
            raise ConfigError(
                f"{self.title} has no frame layout called {name!r}",
                remedy=f"Use one of: {', '.join(self.layouts)}.",
            )
        return self.layouts[name]

    def subject(self, cell: object) -> str:
        """A subject as text: with the form `{number:02d}`, 1, 1.0, "1" and "sub01" become "01"."""
        text = str(cell).strip()
        match = _NUMBER.fullmatch(text)
        if not self.subject_form or match is None:
            return text
        return self.subject_form.format(number=int(match.group(1)))

    def emotion(self, cell: object, exact: bool = False) -> str | None:
        """The spec's name of the emotion in a cell; None if there is none.

        Ignores case and blanks and accepts common variants (`Other`, `happy`), unless `exact`
        requires the native spelling. `a+b` is two emotions at once, as in 4DME, unless the dataset
        has an emotion of that name.
        """
        text = str(cell).strip()
        if exact:
            return next((name for name, native in self.emotions.items() if native == text), None)
        parts = [" ".join(part.split()).lower() for part in text.split("+")]
        native = {value.lower(): name for name, value in self.emotions.items()}
        named = [native.get(part, SYNONYMS.get(part, part)) for part in parts]
        joined = native.get(" ".join(text.split()).lower(), "+".join(named))
        whole = joined in self.emotions  # one emotion of a plain table, such as calm+tense
        return joined if whole or all(name in self.emotions for name in named) else None
