"""Which clips a fold trains on, and which it is judged on, for every protocol of the field."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from gamdss.config import ProtocolConfig
from gamdss.errors import FoldError
from gamdss.records import Clip


@dataclass(frozen=True)
class Fold:
    """What is held out (a subject, a dataset or a part); fields are indices of clips."""

    name: str
    training: tuple[int, ...]
    held_out: tuple[int, ...]


@dataclass(frozen=True)
class Labelled:
    """Clips of one or several datasets with their class indices, and the classes' names."""

    clips: tuple[Clip, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]


def make_folds(protocol: ProtocolConfig, data: Labelled, seed: int) -> tuple[Fold, ...]:
    """The folds of a protocol, checked: none has a subject or a class on one side only.

    Args:
        protocol: its name and what it needs.
        data: the clips.
        seed: of the parts that `kfold` draws; unused by the others.

    Raises:
        FoldError: too few subjects or datasets, a subject on both sides, or a class that a fold
            is judged on and cannot learn.
    """
    if protocol.name == "kfold":
        folds = _subject_kfold(data, protocol.parts, seed)
    elif protocol.name == "fixed":
        assert protocol.split is not None  # the config requires it
        folds = _fixed_split(data, Path(protocol.split).expanduser())
    elif protocol.name == "loso":
        folds = leave_one_out(data, "subject", lambda clip: clip.subject)
    else:
        folds = leave_one_out(data, "dataset", lambda clip: clip.dataset)
        if protocol.name == "hold-out-dataset":
            folds = _only(folds, protocol.held_out)
    for fold in folds:
        _check_subjects(fold, data)
        _check_classes(fold, data)
    return folds


def leave_one_out(data: Labelled, what: str, key: Callable[[Clip], str]) -> tuple[Fold, ...]:
    """A fold for each group of clips, sorted by its name; `what` says what a group is.

    Raises:
        FoldError: there is one group only.
    """
    groups = [key(clip) for clip in data.clips]
    names = sorted(set(groups))
    if len(names) < 2:
        raise FoldError(
            f"there is one {what} only ({', '.join(names)}); leaving it out leaves no training "
            "clip",
            remedy=f"Leaving one {what} out needs clips of two {what}s at least.",
        )
    return tuple(_fold(name, [group == name for group in groups]) for name in names)


def _fold(name: str, held_out: Sequence[bool]) -> Fold:
    numbered = list(enumerate(held_out))
    return Fold(
        name=name,
        training=tuple(i for i, out in numbered if not out),
        held_out=tuple(i for i, out in numbered if out),
    )


def _only(folds: tuple[Fold, ...], held_out: str | None) -> tuple[Fold, ...]:
    chosen = tuple(fold for fold in folds if fold.name == held_out)
    if not chosen:
        raise FoldError(
            f"no clip is of the held-out dataset {held_out!r}",
            remedy=f"Set --protocol.held-out to one of {', '.join(f.name for f in folds)}.",
        )
    return chosen


def _subject_kfold(data: Labelled, parts: int, seed: int) -> tuple[Fold, ...]:
    """Parts of whole subjects, with classes as balanced as that allows (scikit-learn)."""
    subjects = np.array([clip.subject for clip in data.clips])
    count = len(set(subjects))
    if count < parts:
        raise FoldError(
            f"{count} subjects cannot be divided into {parts} parts",
            remedy=f"Set --protocol.parts to {count} or less, or use --protocol.name loso.",
        )
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    width = len(str(parts))
    return tuple(
        Fold(f"part{number:0{width}d}", tuple(map(int, training)), tuple(map(int, held_out)))
        for number, (training, held_out) in enumerate(
            splitter.split(subjects, np.array(data.labels), subjects), start=1
        )
    )


def _fixed_split(data: Labelled, file: Path) -> tuple[Fold, ...]:
    """A fold for each part of the file but `train`, which all of them train on."""
    parts = _read_parts(file)
    named = [
        parts.get((clip.subject, clip.name)) or parts.get((clip.subject, "")) for clip in data.clips
    ]
    training = tuple(i for i, part in enumerate(named) if part == "train")
    names = sorted({part for part in named if part and part != "train"})
    if not training or not names:
        raise FoldError(
            f"{len(training)} clips are in part 'train' and {len(names)} other parts have clips",
            file=file,
            remedy="Give lines such as subject,part: one part is called train, each other one is "
            "judged.",
        )
    return tuple(
        Fold(name, training, tuple(i for i, part in enumerate(named) if part == name))
        for name in names
    )


def _read_parts(file: Path) -> dict[tuple[str, str], str]:
    """The part of each (subject, clip); of all clips of a subject where `clip` is blank."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise FoldError(
            f"the split cannot be read ({error})", file=file, remedy="Check --protocol.split."
        ) from error
    missing = {"subject", "part"} - set(reader.fieldnames or ())
    if missing:
        raise FoldError(
            f"column {' and '.join(sorted(missing))} is missing; there are "
            f"{', '.join(reader.fieldnames or ['none'])}",
            file=file,
            row=1,
            remedy="The first line must be subject,part or subject,clip,part.",
        )
    parts: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=2):
        key = (_cell(row, "subject"), _cell(row, "clip"))
        part = _cell(row, "part")
        if parts.setdefault(key, part) != part:
            raise FoldError(
                f"{'/'.join(filter(None, key))} is in part {parts[key]!r} and in {part!r}",
                file=file,
                row=number,
                remedy="Give each clip one part.",
            )
    return parts


def _cell(row: Mapping[str, str | None], name: str) -> str:
    return (row.get(name) or "").strip()


def _check_subjects(fold: Fold, data: Labelled) -> None:
    both = {data.clips[i].subject for i in fold.training} & {
        data.clips[i].subject for i in fold.held_out
    }
    if both:
        raise FoldError(
            f"fold {fold.name}: subject {', '.join(sorted(both)[:5])} is trained on and judged",
            remedy="Give all clips of a subject to one side: the network knows the face already.",
        )


def _check_classes(fold: Fold, data: Labelled) -> None:
    known = {data.labels[i] for i in fold.training}
    unknown = sorted({data.labels[i] for i in fold.held_out} - known)
    if unknown:
        raise FoldError(
            f"{fold.name} has the only clips of class "
            f"{', '.join(data.classes[label] for label in unknown)}: its fold has none to train "
            "on",
            remedy="Remove these clips from the workbook, or choose a task without the class.",
        )


def check_duplicates(folds: Sequence[Fold], clips: Sequence[Clip], contents: Sequence[str]) -> None:
    """Refuse a clip whose key frames are trained on in one place and judged in another.

    Args:
        folds: what is trained on and judged.
        clips: the clips.
        contents: digest of each clip's annotated key frames.

    Raises:
        FoldError: names both clips.
    """
    for fold in folds:
        trained = {contents[i]: i for i in fold.training}
        for i in fold.held_out:
            if contents[i] in trained:
                twin = clips[trained[contents[i]]]
                raise FoldError(
                    f"fold {fold.name} is judged on clip {clips[i].id} (row {clips[i].row}), whose "
                    f"frames are those of clip {twin.id} (row {twin.row}), which it trains on",
                    remedy="Remove one of the two from the workbook.",
                )


def set_aside(
    fold: Fold, data: Labelled, share: float, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Whole training subjects with about `share` of the fold's training clips.

    Subjects are divided into parts with classes as balanced as whole subjects allow
    (scikit-learn); of the parts that leave every class to train on, the one whose classes are
    most like those of all training clips is taken. Nothing of the held-out clips is used.

    Args:
        fold: the fold.
        data: clips and labels that its indices are of.
        share: of the training clips.
        seed: of the division.

    Returns:
        Indices of the clips that remain to train on, and of those set aside.

    Raises:
        FoldError: one training subject only, or no subjects can go without a class going too.
    """
    training = np.array(fold.training)
    labels = np.array([data.labels[i] for i in training])
    subjects = np.array([data.clips[i].subject for i in training])
    count = np.bincount(labels, minlength=len(data.classes))
    parts = min(max(round(1 / share), 2), len(set(subjects)), int(count.max()))
    if parts < 2:
        raise FoldError(
            f"fold {fold.name} trains on one subject or clip ({', '.join(sorted(set(subjects)))}): "
            "none can be set aside",
            remedy="Use --training.selection final.",
        )
    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # A class may have fewer clips than there are parts: then not all parts have it.
        warnings.simplefilter("ignore", UserWarning)
        divided = [aside for _, aside in splitter.split(training, labels, subjects)]
    kept = [
        aside for aside in divided if len(aside) and _leaves_all(labels, aside, len(data.classes))
    ]
    if not kept:
        raise FoldError(
            f"fold {fold.name}: whichever training subjects are set aside, a class goes with them",
            remedy="Use --training.selection final, or a smaller --training.inner-share.",
        )
    aside = min(kept, key=lambda chosen: _unlike(labels, chosen, count, share))
    rest = np.setdiff1d(np.arange(len(training)), aside)
    return tuple(training[rest].tolist()), tuple(training[aside].tolist())


def _leaves_all(labels: np.ndarray, aside: Sequence[int], classes: int) -> bool:
    left = np.bincount(np.delete(labels, aside), minlength=classes)
    return bool(((left > 0) == (np.bincount(labels, minlength=classes) > 0)).all())


def _unlike(labels: np.ndarray, aside: np.ndarray, count: np.ndarray, share: float) -> float:
    """How far the classes of a part are from the share of each that is wanted, in clips."""
    found = np.bincount(labels[aside], minlength=len(count))
    return float(np.abs(found - share * count).sum())
