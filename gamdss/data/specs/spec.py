"""What has to be known of a dataset in order to read it, and to write a synthetic one like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gamdss.errors import ConfigError


@dataclass(frozen=True)
class Columns:
    """Header texts of the workbook's columns."""

    subject: str
    clip: str
    onset: str
    apex: str
    offset: str
    emotion: str
    action_units: str


@dataclass(frozen=True)
class Task:
    """A classification task: the classes in label order, and the class of each emotion.

    An emotion of the dataset that `emotions` lacks is left out of the task.
    """

    classes: tuple[str, ...]
    emotions: Mapping[str, str]

    def label(self, emotion: str) -> int | None:
        """The class index of an emotion, or None where the task leaves it out."""
        name = self.emotions.get(emotion)
        return None if name is None else self.classes.index(name)


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset's native form.

    Path templates are filled by `str.format` with `subject` and `clip` (text, normalised) and
    `frame` (an integer). Frame files are matched by the last run of digits in their stem, so the
    template's padding matters for writing only.
    """

    name: str
    title: str
    reference: str
    request_page: str
    fps: float
    colour: bool
    workbooks: tuple[str, ...]
    header: tuple[str | None, ...]
    columns: Columns
    subject_width: int
    frame_roots: tuple[str, ...]
    clip_folder: str
    frame_file: str
    frame_suffixes: tuple[str, ...]
    emotions: tuple[str, ...]
    tasks: Mapping[str, Task]

    def task(self, name: str) -> Task:
        """The task called `name`; an unknown name lists the known ones."""
        if name not in self.tasks:
            raise ConfigError(
                f"{self.title} has no task called {name!r}",
                remedy=f"Use one of: {', '.join(self.tasks)}.",
            )
        return self.tasks[name]

    def subject(self, cell: object) -> str:
        """A subject as text from a workbook's cell: 1, 1.0, "1" and "sub01" give "01"."""
        text = str(cell).strip()
        if text.endswith(".0"):
            text = text[:-2]
        if text.lower().startswith("sub"):
            text = text[3:]
        return text.zfill(self.subject_width)
