"""Which clips a fold trains on, holds out, and sets aside, for every protocol of the field."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gamdss.config import ProtocolConfig
from gamdss.data.fixed_split import TRAIN, clip_parts
from gamdss.data.folders import folded
from gamdss.data.people import person, told_apart
from gamdss.errors import FoldError
from gamdss.files import safe_name
from gamdss.records import Clip


@dataclass(frozen=True)
class Fold:
    """Indices of clips; `name` is what is held out: a subject, a dataset or a part.

    The fold `all` holds nothing out.
    """

    name: str
    training: tuple[int, ...]
    held_out: tuple[int, ...]


@dataclass(frozen=True)
class Labelled:
    """Clips of one or several datasets, their class indices, and the class names.

    In the task of action units, `units` (N, C) has 1 for each unit that moves.
    """

    clips: tuple[Clip, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    units: np.ndarray | None = None

    @property
    def strata(self) -> np.ndarray:
        """What divisions balance (N,): the class of each clip, or its rarest action unit.

        A clip without any of the units counts as one of its own, after the last.
        """
        if self.units is None:
            return np.array(self.labels)
        rarity = np.where(self.units == 1, self.units.sum(0), len(self.clips) + 1)  # (N, C)
        none = ~self.units.any(1)
        return np.where(none, len(self.classes), rarity.argmin(1))


def make_folds(protocol: ProtocolConfig, data: Labelled, seed: int) -> tuple[Fold, ...]:
    """The folds of a protocol, checked for shared subjects and for classes without training clips.

    Args:
        protocol: its name and settings.
        data: the clips.
        seed: for the parts of `kfold`; unused by the others.

    Raises:
        FoldError: there are too few subjects or datasets, a subject is on both sides of a fold, a
            fold holds out a class that it has no training clips of, or no fold can evaluate any
            action unit.
        ConfigError: the name of a fold cannot be that of a folder.
    """
    if protocol.name == "kfold":
        folds = _subject_kfold(data, protocol.parts, seed)
    elif protocol.name == "fixed":
        assert protocol.split is not None  # the config requires it
        folds = _fixed_split(data, Path(protocol.split).expanduser())
    elif protocol.name == "all":
        folds = (Fold("all", tuple(range(len(data.clips))), ()),)
    elif protocol.name == "loso":
        folds = leave_one_out(data, "subject", lambda clip: clip.subject)
    else:
        folds = leave_one_out(data, "dataset", lambda clip: clip.dataset)
        if protocol.name == "hold-out-dataset":
            folds = _only(folds, protocol.held_out)
    for fold in folds:
        safe_name(fold.name, "the name of a fold")  # a folder of the run
        _check_subjects(fold, data)
        if data.units is None:
            _check_classes(fold, data)
    if data.units is not None and protocol.name != "all":
        _check_units(folds, data.units)
    return folds


def matching_fold(name: str, known: Iterable[str]) -> str | None:
    """The fold of a name, or the only one that differs in case, zeros or blanks; None if none."""
    names = list(known)
    if name in names:
        return name
    like = [one for one in names if folded(one) == folded(name)]
    return like[0] if len(like) == 1 else None


def digest(folds: Sequence[Fold], clips: Sequence[Clip]) -> str:
    """Identifies the folds: their names, and the clips on both sides."""
    found = hashlib.blake2b(repr([clip.id for clip in clips]).encode(), digest_size=12)
    for fold in folds:
        found.update(repr((fold.name, len(fold.training), len(fold.held_out))).encode())
        found.update(np.array(fold.training + fold.held_out, "<i8").tobytes())
    return found.hexdigest()


def leave_one_out(data: Labelled, what: str, key: Callable[[Clip], str]) -> tuple[Fold, ...]:
    """A fold for each group of clips, sorted by name; `what` is the word for a group.

    Raises:
        FoldError: there is only one group.
    """
    groups = [key(clip) for clip in data.clips]
    names = sorted(set(groups))
    if len(names) < 2:
        raise FoldError(
            f"there is only one {what} ({', '.join(names)}); leaving it out leaves no training "
            "clip",
            remedy=f"Leaving one {what} out needs clips of at least two {what}s.",
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
            f"no clip belongs to the held-out dataset {held_out!r}",
            remedy=f"Set --protocol.held-out to one of {', '.join(f.name for f in folds)}.",
        )
    return chosen


def _subject_kfold(data: Labelled, parts: int, seed: int) -> tuple[Fold, ...]:
    """Parts of whole subjects, with classes as balanced as possible (scikit-learn)."""
    subjects = np.array([clip.subject for clip in data.clips])
    count = len(set(subjects))
    if count < parts:
        raise FoldError(
            f"{count} subjects cannot be divided into {parts} parts",
            remedy=f"Set --protocol.parts to {count} or less, or use --protocol.name loso.",
        )
    largest = int(np.bincount(data.strata).max())
    if largest < parts:
        raise FoldError(
            f"no class has the {parts} clips that {parts} parts need; the most are {largest}",
            remedy=f"Set --protocol.parts to {largest} or less, or use --protocol.name loso.",
        )
    width = len(str(parts))
    return tuple(
        Fold(f"part{number:0{width}d}", tuple(map(int, training)), tuple(map(int, held_out)))
        for number, (training, held_out) in enumerate(
            divided(parts, seed, data.strata, subjects), start=1
        )
    )


def divided(
    parts: int, seed: int, strata: np.ndarray, subjects: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rest and the clips of each of several parts of whole subjects (scikit-learn)."""
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415  # takes a second

    splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=seed % 2**32)
    with warnings.catch_warnings():
        # A class may have fewer clips than there are parts.
        warnings.simplefilter("ignore", UserWarning)
        return list(splitter.split(strata, strata, subjects))


def _fixed_split(data: Labelled, file: Path) -> tuple[Fold, ...]:
    """A fold for each part of the file except `train`, which all of them train on."""
    named = clip_parts(file, data.clips)
    training = tuple(i for i, part in enumerate(named) if part == TRAIN)
    names = sorted({part for part in named if part and part != TRAIN})
    if not training or not names:
        raise FoldError(
            f"{len(training)} clips are in part {TRAIN!r}, and {len(names)} other parts have "
            "clips; both must have some",
            file=file,
            remedy="Give lines such as subject,part: the part called train is trained on, every "
            "other one is held out.",
        )
    return tuple(
        Fold(name, training, tuple(i for i, part in enumerate(named) if part == name))
        for name in names
    )


def _check_subjects(fold: Fold, data: Labelled) -> None:
    trained, held_out = ([data.clips[i] for i in side] for side in (fold.training, fold.held_out))
    both = {clip.subject for clip in trained} & {clip.subject for clip in held_out}
    if both:
        raise FoldError(
            f"fold {fold.name}: subject {', '.join(sorted(both)[:5])} is trained on and held out",
            remedy="Put all clips of a subject on one side, or the network knows the face.",
        )
    known = {person(clip.dataset, clip.subject): clip for clip in trained}
    for clip in held_out:
        other = known.get(person(clip.dataset, clip.subject))
        if other and not told_apart(clip.dataset, clip.subject, other.subject):
            raise FoldError(
                f"fold {fold.name} holds out subject {clip.subject} (row {clip.row}) and trains on "
                f"{other.subject} (row {other.row}), who may be one person, with and without a "
                "prefix",
                remedy="Spell a person the same in all rows. If these are two people, give one of "
                "them another number.",
            )


def _check_classes(fold: Fold, data: Labelled) -> None:
    known = {data.labels[i] for i in fold.training}
    unknown = sorted({data.labels[i] for i in fold.held_out} - known)
    if unknown:
        raise FoldError(
            f"all clips of class {', '.join(data.classes[label] for label in unknown)} are held "
            f"out together in {fold.name}, so that its fold has none to train on",
            remedy="Remove these clips from the workbook, or choose a task without the class.",
        )


def _check_units(folds: Sequence[Fold], units: np.ndarray) -> None:
    """Single units may be without clips on one side: they are then not scored."""
    for fold in folds:
        trained, held_out = (units[list(part)].any(0) for part in (fold.training, fold.held_out))
        if (trained & held_out).any():
            return
    raise FoldError(
        "no action unit has clips to train on and to evaluate in any fold",
        remedy="The task `au` needs a unit that is active in at least two subjects or parts.",
    )


def check_duplicates(
    folds: Sequence[Fold], clips: Sequence[Clip], frames: Sequence[Iterable[str]]
) -> None:
    """Refuse a held-out clip with a frame of a training clip.

    Args:
        folds: the folds.
        clips: the clips.
        frames: digests of each clip's frames.

    Raises:
        FoldError: there is such a clip; names both.
    """
    for fold in folds:
        trained = {frame: i for i in fold.training for frame in frames[i]}
        for i in fold.held_out:
            twins = [trained[frame] for frame in frames[i] if frame in trained]
            if twins:
                twin = clips[twins[0]]
                raise FoldError(
                    f"fold {fold.name} holds out clip {clips[i].id} (row {clips[i].row}), which "
                    f"has a frame of clip {twin.id} (row {twin.row}), which it trains on",
                    remedy="They are of one recording: remove one of them from the workbook.",
                )
