"""A plain table as a dataset: `subject,clip,onset,offset,emotion[,apex][,action_units]`."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from gamdss.data.specs.spec import DatasetSpec, Layout, Task, Writing
from gamdss.errors import AnnotationError, ConfigError

PLAIN = "csv"
PATTERN = "{subject}/{clip}/{frame}.jpg"
_COLUMNS = {
    "subject": ("subject",),
    "clip": ("clip", "filename"),
    "onset": ("onset",),
    "apex": ("apex",),
    "offset": ("offset",),
    "emotion": ("emotion",),
    "action_units": ("action_units", "au", "aus"),
}
_FORM = f"{','.join(_COLUMNS)} (apex and action_units are optional)"
VALENCE = {
    "happiness": "positive",
    "positive": "positive",
    "surprise": "surprise",
    **dict.fromkeys(
        ("anger", "contempt", "disgust", "fear", "negative", "repression", "sadness"), "negative"
    ),
}


def plain_spec(annotations: str | Path | None) -> DatasetSpec:
    """The spec that follows from the emotions in a table.

    Its tasks are `cN`, one class for each of its N emotions in alphabetical order, and `c3`
    (positive, surprise, negative) if the emotions allow it.

    Raises:
        ConfigError: no table is given.
        AnnotationError: the table cannot be read, lacks a column, or has fewer than two emotions.
    """
    if annotations is None:
        raise ConfigError(
            "--dataset csv needs a table of clips",
            remedy=f"Give it with --annotations FILE: {_FORM}.",
        )
    file = Path(annotations).expanduser()
    header, emotions = _read(file)
    columns = {
        role: names
        for role, names in _COLUMNS.items()
        if role != "apex" or any(name in header for name in names)
    }
    folder, _, frame = PATTERN.rpartition("/")
    spec = DatasetSpec(
        name=PLAIN,
        title=file.stem,
        columns=columns,
        layouts={"pattern": Layout((folder,), frame)},
        emotions={name: name for name in (*VALENCE, "others")},
        tasks={},
        writing=Writing(tuple(_COLUMNS)),
    )
    native = {spec.emotion(text) or text.lower(): text for text in emotions}
    names = sorted(native)
    if len(names) < 2:
        raise AnnotationError(
            f"the table has {len(names)} emotion(s) ({', '.join(names)})",
            file=file,
            remedy="A task needs at least two emotions, in the column `emotion`.",
        )
    tasks = {f"c{len(names)}": Task(tuple(names), {name: name for name in names})}
    valence = {name: VALENCE[name] for name in names if name in VALENCE}
    if len(set(valence.values())) == 3:
        tasks.setdefault("c3", Task(("positive", "surprise", "negative"), valence))
    return replace(spec, emotions=native, tasks=tasks)


def _read(file: Path) -> tuple[list[str], list[str]]:
    """The header in lower case, and the distinct values of the column `emotion`."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines)
            header = [text.strip().lower() for text in next(rows, [])]
            place = header.index("emotion")
            return header, sorted({row[place].strip() for row in rows if len(row) > place} - {""})
    except (UnicodeDecodeError, csv.Error) as error:
        raise AnnotationError(
            f"the table is not a CSV file ({error})",
            file=file,
            remedy="Save it as CSV in UTF-8.",
        ) from error
    except ValueError as error:
        raise AnnotationError(
            "the table has no column 'emotion'",
            file=file,
            row=1,
            remedy=f"Its first line must be {_FORM}.",
        ) from error
    except OSError as error:
        raise AnnotationError(
            f"the table cannot be read ({error.strerror})", file=file, remedy="Check --annotations."
        ) from error
