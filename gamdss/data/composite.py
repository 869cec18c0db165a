"""Several datasets as one: unique subjects, common classes, differences reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gamdss.config import Config
from gamdss.config.pairs import format_pairs, parse_pairs
from gamdss.data.annotations import Annotations
from gamdss.data.clip_list import ClipList
from gamdss.errors import AnnotationError, ConfigError, some

JOINT = "+"
_SHOWN = 10


def short_name(dataset: str) -> str:
    """A config's dataset as part of a folder's name: `a/lab.yaml+cas2` is lab+cas2."""
    return JOINT.join(Path(name).stem for name in dataset.split(JOINT))


def sources(config: Config) -> tuple[Config, ...]:
    """The config of each dataset: `dataset: smic+cas2` has two, with a folder for each.

    Raises:
        ConfigError: a dataset is named twice, or the folders do not match the datasets.
    """
    names = config.dataset.split(JOINT)
    if len(names) == 1:
        return (config,)
    if len({Path(name).stem for name in names}) < len(names):
        raise ConfigError(
            f"--dataset is {config.dataset!r}, which has the same dataset twice",
            remedy="Name each dataset of a composite once. A custom spec is called as its file is: "
            "rename it if it is another dataset.",
        )
    roots = _known(config.data_root, names, "data-root")
    books = _known(config.annotations, names, "annotations")
    return tuple(
        replace(config, dataset=name, data_root=roots.get(name), annotations=books.get(name))
        for name in names
    )


def _known(text: str | None, names: Sequence[str], flag: str) -> dict[str, str]:
    """The paths of an option, all of them of datasets in `names`."""
    if text is None:
        return {}
    values = parse_pairs(text, flag, names)
    if flag == "data-root" and len(values) < len(names):
        example = format_pairs({name: f"/data/{name.upper()}" for name in names})
        raise ConfigError(f"--{flag} is {text!r}", remedy=f"Write it as {example}.")
    return values


def restrict(annotations: Annotations, listed: ClipList) -> tuple[list[int], Annotations]:
    """Places and annotations of the listed clips, with the list's classes and further warnings."""
    classes = annotations.classes
    found = [listed.find(clip, clip.subject) for clip in annotations.clips]
    places = [i for i, name in enumerate(found) if name is not None]
    labels = {i: classes.index(name) for i, name in enumerate(found) if name is not None}
    changed = [
        f"{annotations.clips[i].id} ({classes[annotations.labels[i]]} by rule, {found[i]} listed)"
        for i in places
        if labels[i] != annotations.labels[i]
    ]
    dataset = annotations.clips[0].dataset
    surplus = [clip.id for clip, name in zip(annotations.clips, found, strict=True) if not name]
    absent = len(listed.of(dataset)) - len(places)
    notes = []
    for text, names in (("not in the list, left out", surplus), ("with another class", changed)):
        if names:
            notes.append(f"{len(names)} clip(s) {text}: {some(names, _SHOWN)}")
    if absent:
        notes.append(f"{absent} clip(s) of the list are not among the task's clips")
    if not places:
        raise AnnotationError(
            f"none of the {len(annotations.clips)} clips of {dataset} is in the list",
            file=listed.file,
            remedy="Check the names of datasets, subjects and clips in the list.",
        )
    chosen = replace(
        annotations,
        clips=tuple(annotations.clips[i] for i in places),
        labels=tuple(labels[i] for i in places),
        warnings=(*annotations.warnings, *notes),
    )
    return places, chosen


def join_annotations(parts: Sequence[Annotations]) -> Annotations:
    """Clips of all parts; subjects are prefixed with their dataset, labels follow the first part.

    Raises:
        ConfigError: the parts' tasks have different classes.
    """
    first = parts[0]
    for part in parts[1:]:
        if set(part.classes) != set(first.classes):
            raise ConfigError(
                f"{first.clips[0].dataset} has the classes {', '.join(first.classes)}, "
                f"{part.clips[0].dataset} {', '.join(part.classes)}",
                remedy="Choose a --task with the same classes in all datasets, such as megc2019.",
            )
    return Annotations(
        workbook=first.workbook,
        classes=first.classes,
        clips=tuple(
            replace(clip, subject=f"{clip.dataset}-{clip.subject}")
            for part in parts
            for clip in part.clips
        ),
        labels=tuple(
            first.classes.index(part.classes[label]) for part in parts for label in part.labels
        ),
        warnings=tuple(warning for part in parts for warning in part.warnings),
        units=first.units,
    )


def composition(
    annotations: Annotations, expected: Mapping[str, Mapping[str, int]]
) -> list[tuple[str, str, int, int | None]]:
    """Rows of (dataset, class, number of clips, published number or None).

    In the task of action units, a class is a unit, and a clip counts for each of its units.
    """
    targets, classes = annotations.targets, annotations.classes
    of_class = targets if targets.ndim == 2 else targets[:, None] == np.arange(len(classes))
    counts = Counter(
        (annotations.clips[place].dataset, classes[number])
        for place, number in np.argwhere(of_class)
    )
    datasets = dict.fromkeys(clip.dataset for clip in annotations.clips)
    return [
        (dataset, name, counts[dataset, name], expected.get(dataset, {}).get(name))
        for dataset in datasets
        for name in annotations.classes
    ]
