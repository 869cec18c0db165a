"""Read a spec's YAML file into a `DatasetSpec`; errors name the wrong field.

Fields of the file (`title`, `columns`, `layouts`, `emotions` and `tasks` are needed):

    title, reference, request_page   for readers
    fps, colour                      of the frames; `colour: true` refuses grey frames
    workbooks, sheets                names of files and sheets, the likeliest first
    columns                          header texts by role: subject, clip, onset, apex, offset,
                                     emotion, action_units, duration, fps; several are
                                     alternatives
    subject                          form of an id from its number: "{number:02d}"
    subject_in_clip                  regular expression that finds the subject in a clip's name, if
                                     the table has no column for it
    clip                             form of a clip's name, if the cell alone is not unique
    layouts                          by name: roots, folders, file, whole_video; see `Layout`
    from_folders                     `true` if folders may replace the workbook
    form                             `casme2` for the sheets of CAS(ME)2; a `table` by default
    parts                            `true` if several workbooks are parts of the dataset, which
                                     are read together
    emotions                         a list, or a mapping to the native spelling
    tasks                            by name: a list of classes, or classes with their emotions
    expected                         clips, subjects, emotions and tasks; several are versions
    corrections                      known mistakes: see `Correction`
    notes                            what users should know; disagreements between sources
    writing                          how a synthetic workbook looks: see `Writing`
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from gamdss.config.yaml_file import read_yaml
from gamdss.data.specs.spec import (
    NEEDED_ROLES,
    ROLES,
    Correction,
    DatasetSpec,
    Layout,
    Task,
    Writing,
    filled,
)
from gamdss.errors import ConfigError, of_type
from gamdss.records import AU_TASK

_NEEDED = ("title", "columns", "layouts", "emotions", "tasks")
_TEXTS = ("title", "reference", "request_page", "subject_in_clip")
_LISTS = ("workbooks", "sheets", "notes")
_RENAMED = {"subject": "subject_form", "clip": "clip_form"}
_FLAGS = ("colour", "from_folders", "parts")
_OTHERS = (*_RENAMED, *_FLAGS, "fps", "form", "expected", "corrections", "writing")
_FIELDS = (*_NEEDED, *_TEXTS, *_LISTS, *_OTHERS)
FORMS = ("table", "casme2")
# Names that a folder's template may contain.
NAMES = {"subject": "s", "clip": "c", "video": "v", "take": "1", "emotion": "e", "number": 1}


class _BadError(Exception):
    """What is wrong with a field."""


def read_spec(file: Path) -> DatasetSpec:
    """The spec in `file`; its name is the file's.

    Raises:
        ConfigError: the file cannot be read, or one of its fields is missing, unknown or invalid.
    """
    values = read_yaml(file, "the spec", "--dataset")
    try:
        return _spec(file.stem, values)
    except (_BadError, TypeError, ValueError) as error:
        raise ConfigError(
            f"invalid dataset spec: {error}",
            file=file,
            remedy="`gamdss datasets --show cas2` prints a spec to compare with.",
        ) from error


def _spec(name: str, values: Any) -> DatasetSpec:
    if not isinstance(values, dict):
        raise _BadError(f"it is {of_type(values)}; it must contain lines such as `title: ...`")
    unknown = [str(key) for key in values if key not in _FIELDS]
    missing = [key for key in _NEEDED if not values.get(key)]
    if unknown or missing:
        problem = "unknown field" if unknown else "missing field"
        raise _BadError(
            f"{problem} {', '.join(unknown or missing)}; the fields are {', '.join(_FIELDS)}"
        )
    emotions = values["emotions"]
    if not isinstance(emotions, dict):
        emotions = {name: name for name in _texts("emotions", emotions)}
    plain: dict[str, Any] = {_RENAMED[key]: str(values[key]) for key in _RENAMED if key in values}
    plain |= {key: str(values[key]) for key in _TEXTS if key in values}
    plain |= {key: _texts(key, values[key]) for key in _LISTS if key in values}
    outside = [n for n in plain.get("workbooks", ()) if n[:1] == "/" or ".." in n.split("/")]
    if outside:
        raise _BadError(f"workbooks has {outside[0]!r}; it must be a path in the dataset's folder")
    flags = {key: values[key] for key in _FLAGS if key in values}
    wrong = [key for key, value in flags.items() if not isinstance(value, bool)]
    if wrong:
        raise _BadError(f"{wrong[0]} is {flags[wrong[0]]!r}; it must be true or false")
    fps = values.get("fps", 0.0)
    if not isinstance(fps, int | float):
        raise _BadError(f"fps is {fps!r}; it must be a number")
    spec = DatasetSpec(
        name=name,
        columns=_columns(values["columns"], _needed_roles(flags, plain)),
        layouts={key: _layout(key, value) for key, value in _items("layouts", values["layouts"])},
        emotions={str(key): str(value) for key, value in emotions.items()},
        tasks={key: _task(key, value, emotions) for key, value in _items("tasks", values["tasks"])},
        fps=float(fps),
        form=_form(values.get("form", "table")),
        expected=_expected(values.get("expected", {})),
        corrections=tuple(_correction(item) for item in values.get("corrections", ())),
        writing=_writing(values.get("writing"), values["columns"]),
        **plain,
        **flags,
    )
    _try_forms(spec)
    return spec


def _form(value: Any) -> str:
    if value not in FORMS:
        raise _BadError(f"form is {value!r}; it must be {' or '.join(FORMS)}")
    return str(value)


def _items(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, dict):
        raise _BadError(f"{name} is {of_type(value)}; it must be a mapping")
    return [(str(key), item) for key, item in value.items()]


def _texts(name: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, dict | list) or item is None for item in items):
        raise _BadError(f"{name} must be a text or a list of texts")
    return tuple(str(item) for item in items)


def _needed_roles(flags: Mapping[str, bool], plain: Mapping[str, Any]) -> tuple[str, ...]:
    """The roles that a table must have, if there is one."""
    if flags.get("from_folders") and not plain.get("workbooks"):
        return ()
    return NEEDED_ROLES[1:] if plain.get("subject_in_clip") else NEEDED_ROLES


def _columns(value: Any, needed: Sequence[str]) -> dict[str, tuple[str, ...]]:
    columns = {role: _texts(f"columns.{role}", texts) for role, texts in _items("columns", value)}
    unknown = [role for role in columns if role not in ROLES]
    if unknown:
        raise _BadError(f"columns has {', '.join(unknown)}; known roles are {', '.join(ROLES)}")
    missing = [role for role in needed if role not in columns]
    if missing:
        instead = "; subject_in_clip replaces subject" if "subject" in missing else ""
        raise _BadError(f"columns has no {', '.join(missing)}{instead}")
    return columns


def _expected(value: Any) -> dict[str, Any]:
    """What a dataset should contain; numbers of emotions, tasks and classes are mappings."""
    expected = dict(_items("expected", value))
    for key in ("emotions", "tasks", "classes"):
        for name, count in _items(f"expected.{key}", expected.get(key, {})):
            if key == "classes":
                _items(f"expected.{key}.{name}", count)
    return expected


def _layout(name: str, value: Any) -> Layout:
    given = dict(_items(f"layouts.{name}", value))
    unknown = set(given) - {"roots", "folders", "file", "whole_video"}
    if unknown or not {"folders", "file"} <= set(given):
        raise _BadError(
            f"layouts.{name} must have folders and file, and may have roots and whole_video"
        )
    return Layout(
        folders=_texts(f"layouts.{name}.folders", given["folders"]),
        file=str(given["file"]),
        roots=_texts(f"layouts.{name}.roots", given.get("roots", ".")),
        whole_video=bool(given.get("whole_video", False)),
    )


def _task(name: str, value: Any, emotions: Mapping[str, str]) -> Task:
    if name == AU_TASK:
        raise _BadError(f"tasks.{name} is the name of the task of action units: choose another")
    if isinstance(value, list):
        value = {str(item): item for item in value}
    classes = {key: _texts(f"tasks.{name}.{key}", item) for key, item in _items(name, value)}
    chosen = [emotion for group in classes.values() for emotion in group]
    unknown = [emotion for emotion in chosen if emotion not in emotions]
    if unknown or len(classes) < 2 or len(set(chosen)) < len(chosen):
        raise _BadError(
            f"tasks.{name} must have at least two classes of different emotions"
            + (f"; {', '.join(unknown)} is not among them" if unknown else "")
        )
    return Task(tuple(classes), {e: key for key, group in classes.items() for e in group})


def _correction(value: Any) -> Correction:
    given = dict(_items("a correction", value))
    about: dict[str, Any] = {key: given.pop(key, None) for key in ("clip", "row", "rows", "source")}
    about |= {key: dict(_items(key, given.pop(key, {}))) for key in ("where", "was")}
    unknown = set(given) - set(ROLES)
    keyed = about["row"] is None or about["rows"] is not None
    if about["clip"] is not None:
        about["clip"] = str(about["clip"])
    if unknown or not given or (about["clip"] is None) == (about["row"] is None) or not keyed:
        raise _BadError(f"a correction needs `clip`, or `row` and `rows`, and cells: {value}")
    return Correction(given, **(about | {"source": str(about["source"] or "")}))


def _writing(value: Any, columns: Any) -> Writing:
    plain = [_texts(role, texts)[0] for role, texts in _items("columns", columns)]
    given = {"header": plain} | dict(_items("writing", value or {}))
    known = {item.name for item in fields(Writing)}
    if set(given) - known or not isinstance(given["header"], list):
        raise _BadError(f"writing may have {', '.join(sorted(known))}; header is a list")
    for item in fields(Writing):
        usual = item.default
        if (
            item.name in given
            and usual is not MISSING
            and not isinstance(given[item.name], type(usual))
        ):
            raise _BadError(f"writing.{item.name} must have the type of {usual!r}")
    header = tuple(None if text is None else str(text) for text in given.pop("header"))
    return Writing(header, **given)


def _try_forms(spec: DatasetSpec) -> None:
    """Fill every template once to find what is wrong in braces."""
    forms = [spec.subject_form, *(f for layout in spec.layouts.values() for f in layout.folders)]
    try:
        for form in forms:
            filled(form, **NAMES)
        filled(spec.clip_form, clip="c", onset="1")
        for layout in spec.layouts.values():
            filled(layout.file, frame=1, **NAMES)
        filled(spec.writing.subject, number=1)
        filled(spec.writing.clip, number=1, n=1, take=1, letter="a", code="c", video="v")
        re.compile(spec.subject_in_clip)
    except (KeyError, IndexError, ValueError, re.error) as error:
        known = ", ".join((*NAMES, "frame", "onset"))
        raise _BadError(
            f"a template cannot be filled ({error}); known names are {known}"
        ) from error
