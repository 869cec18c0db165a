"""Leave one subject out: which clips a fold trains on, and which it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gamdss.errors import FoldError


@dataclass(frozen=True)
class Fold:
    """One held-out subject; `training` and `held_out` are indices of clips."""

    subject: str
    training: tuple[int, ...]
    held_out: tuple[int, ...]


def leave_one_subject_out(
    subjects: Sequence[str], labels: Sequence[int], classes: Sequence[str]
) -> tuple[Fold, ...]:
    """A fold for each subject, sorted by subject.

    Args:
        subjects: the subject of each clip.
        labels: the class index of each clip.
        classes: names of the classes, for messages.

    Raises:
        FoldError: there is one subject only, or a held-out subject has the only clips of a
            class, which its fold could not learn.
    """
    names = sorted(set(subjects))
    if len(names) < 2:
        raise FoldError(
            f"there is one subject only ({', '.join(names)}); leaving it out leaves no training "
            "clip",
            remedy="Leaving one subject out needs clips of two subjects at least.",
        )
    folds = tuple(
        Fold(
            subject=name,
            training=tuple(i for i, subject in enumerate(subjects) if subject != name),
            held_out=tuple(i for i, subject in enumerate(subjects) if subject == name),
        )
        for name in names
    )
    for fold in folds:
        known = {labels[i] for i in fold.training}
        unknown = sorted({labels[i] for i in fold.held_out} - known)
        if unknown:
            raise FoldError(
                f"subject {fold.subject} has the only clips of class "
                f"{', '.join(classes[label] for label in unknown)}: its fold has none to train on",
                remedy="Remove these clips from the workbook, or choose a task without the class.",
            )
    return folds
