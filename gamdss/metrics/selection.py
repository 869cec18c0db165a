"""Which epoch of each fold is evaluated: every score names its selection.

`final` is the last epoch. `inner` is the epoch that was best on training subjects set aside for
this. `oracle` chooses epochs on the held-out subject, as the original release does, so that its
inflation can be measured; the oracle is not a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from scipy.special import log_softmax

from gamdss.errors import FoldError
from gamdss.metrics.scores import Scores, class_indices, macro_f1, measures, scores
from gamdss.metrics.units import scored_units, unit_measures, unit_scores
from gamdss.records import FoldResult, subject_of

Selection = Literal["final", "inner", "oracle"]
_CLIP_NAME = "`subject/name`, such as '01/EP02_01f'"


@dataclass(frozen=True)
class OracleEpochs:
    """The epochs of one fold, counted from 0, that the release reports."""

    accuracy: int
    """Best held-out accuracy, the first of ties."""
    f1: int
    """Best held-out UF1, the last of ties."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """Held-out predictions at one selection, the clips of all folds concatenated.

    `labels` and `predicted` are class indices (N,). The accuracy is of `for_accuracy` (N,), which
    equals `predicted` except for the oracle, whose accuracy is of another epoch.

    Of action units, these three are (N, U), 1 for those that move, and `scored` (U,) has the units
    with clips to train on and to evaluate; it is None for classes.
    """

    selection: Selection
    clips: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray
    for_accuracy: np.ndarray
    scored: np.ndarray | None = None

    @property
    def measure(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """The measures of counts, as `scores.measures` takes them."""
        return measures if self.scored is None else partial(unit_measures, scored=self.scored)

    @property
    def right(self) -> np.ndarray:
        """Which clips (N,) have the right class, or all action units right."""
        found = self.for_accuracy == self.labels
        return np.asarray(found if self.scored is None else found.all(1))

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subject of each clip."""
        return tuple(map(subject_of, self.clips))

    def part(self, chosen: np.ndarray) -> Predictions:
        """Those of some clips, `chosen` (N,) booleans."""
        clips = tuple(clip for clip, is_one in zip(self.clips, chosen, strict=True) if is_one)
        arrays = ("labels", "predicted", "for_accuracy")
        return replace(self, clips=clips, **{name: getattr(self, name)[chosen] for name in arrays})

    def scores(self, num_classes: int) -> Scores:
        """The measures of these predictions.

        The oracle's are as the release prints them: accuracy from each fold's accuracy epoch,
        everything else from its F1 epoch. They describe two networks: the accuracy does not
        match the confusion matrix, and neither is an estimate for a new subject.
        """

        def of(predicted: np.ndarray) -> Scores:
            if self.scored is None:
                return scores(self.labels, predicted, num_classes)
            return unit_scores(self.labels, predicted, self.scored)

        by_choice, accuracy = of(self.predicted), of(self.for_accuracy).accuracy
        return Scores(**{**vars(by_choice), "accuracy": accuracy})


def predictions(folds: Sequence[FoldResult], num_classes: int, selection: Selection) -> Predictions:
    """The folds' predictions at the epochs of a selection.

    Raises:
        FoldError: no folds, one that is empty, misshapen or not finite, clips that are not one
            for each label, unique, and named `subject/name`, or, for `inner`, a fold without inner
            subjects.
    """
    if not folds:
        raise FoldError("no folds to score", remedy="Train at least one fold first.")
    epochs = [_epochs(_checked(fold, num_classes), selection) for fold in folds]
    _check_names(folds)
    by_accuracy, by_choice = (
        np.concatenate(
            [decided(fold.logits[e[i]], fold.labels) for fold, e in zip(folds, epochs, strict=True)]
        )
        for i in (0, 1)
    )
    return Predictions(
        selection=selection,
        clips=tuple(clip for fold in folds for clip in fold.clips),
        labels=np.concatenate([fold.labels for fold in folds]),
        predicted=by_choice,
        for_accuracy=by_accuracy,
        scored=scored_units(folds) if folds[0].labels.ndim == 2 else None,
    )


def decided(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What logits (..., C) predict: the class of the largest (...), or units above 0 (..., C).

    The labels say which: classes (N,) or action units (N, C).
    """
    return np.asarray(logits.argmax(-1) if labels.ndim == 1 else (logits > 0).astype(np.int64))


def chosen_logits(fold: FoldResult, selection: Selection) -> np.ndarray:
    """Held-out logits (N, C) of a fold at a selection (the oracle's F1 epoch).

    Raises:
        FoldError: the fold is empty, misshapen, not finite, or does not have this selection.
    """
    return np.asarray(_checked(fold).logits[_epochs(fold, selection)[1]])


def oracle_epochs(logits: np.ndarray, labels: np.ndarray) -> OracleEpochs:
    """The release's choice within one fold, from logits (E, N, C) and true labels (N,).

    Its training stops at the first epoch that gets every held-out clip right, so later epochs
    are ignored.

    Raises:
        FoldError: no epochs or clips, shapes that do not match, or logits that are not finite.
    """
    _check_logits(logits, labels)
    correct = (decided(logits, labels) == labels).reshape(len(logits), -1)
    accuracy = correct.mean(axis=1)
    perfect = np.flatnonzero(correct.all(axis=1))
    stop = int(perfect[0]) + 1 if len(perfect) else len(logits)
    f1 = _macro_f1_by_epoch(logits[:stop], labels)
    return OracleEpochs(
        accuracy=int(accuracy[:stop].argmax()), f1=int(stop - 1 - f1[::-1].argmax())
    )


def inner_epoch(logits: np.ndarray, labels: np.ndarray) -> int:
    """The epoch, counted from 0, with the best UF1 on the inner subjects' clips.

    With few clips many epochs tie: the smallest cross-entropy decides, then the first epoch. Of
    action units, it is the epoch with the best mean F1.

    Args:
        logits: (E, M, C) of the inner subjects' clips.
        labels: (M,), or action units (M, C).

    Raises:
        FoldError: as `oracle_epochs`.
    """
    _check_logits(logits, labels)
    f1 = _macro_f1_by_epoch(logits, labels)
    values = logits.astype(np.float64)  # (E, M, C)
    if labels.ndim == 2:
        loss = (np.logaddexp(0, values) - labels * values).mean(axis=(1, 2))
    else:
        loss = -log_softmax(values, axis=2)[:, np.arange(len(labels)), labels].mean(axis=1)
    return int(np.lexsort((np.arange(len(f1)), loss, -f1))[0])


def accuracy_by_epoch(fold: FoldResult) -> np.ndarray:
    """Held-out accuracy after each epoch, (E,): of clips, or of decisions about action units."""
    right = decided(fold.logits, fold.labels) == fold.labels
    return np.asarray(right.reshape(len(right), -1).mean(1))


def _epochs(fold: FoldResult, selection: Selection) -> tuple[int, int]:
    """The epoch for the accuracy, and the one for everything else."""
    if selection == "final":
        return len(fold.logits) - 1, len(fold.logits) - 1
    if selection == "oracle":
        epochs = oracle_epochs(fold.logits, fold.labels)
        return epochs.accuracy, epochs.f1
    if fold.inner_logits is None or fold.inner_labels is None:
        raise FoldError(
            f"fold {fold.name} set no inner subjects aside",
            remedy="Train with --training.selection inner, or evaluate the final epoch.",
        )
    epoch = inner_epoch(fold.inner_logits, fold.inner_labels)
    return epoch, epoch


def _macro_f1_by_epoch(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """UF1 as in `scores` for logits (E, N, C), all epochs at once.

    0.05 s for 94 folds of 199 epochs, where scikit-learn takes 35 s. Rounded, so that ties do not
    depend on the order of summation.
    """
    if labels.ndim == 2:
        predicted, true = logits > 0, labels == 1
        moving = true.any(axis=0)  # (C,): F1 of the others is undefined
        predicted, true = predicted[..., moving], true[:, moving]
    else:
        every = np.arange(logits.shape[2])
        predicted = logits.argmax(axis=2)[..., None] == every  # (E, N, C)
        true = labels[:, None] == every  # (N, C)
    hits = (predicted & true).sum(axis=1)  # (E, C)
    counted = predicted.sum(axis=1) + true.sum(axis=0)  # (E, C): 2 TP + FP + FN
    return macro_f1(hits, counted).round(12)


def _checked(fold: FoldResult, num_classes: int | None = None) -> FoldResult:
    try:
        _check_logits(fold.logits, fold.labels)
    except FoldError as error:
        raise FoldError(f"fold {fold.name}: {error.problem}", remedy=error.remedy) from None
    if len(fold.clips) != len(fold.labels):
        raise FoldError(
            f"fold {fold.name}: {len(fold.clips)} clips, but {len(fold.labels)} labels",
            remedy="Name the clip of each label.",
        )
    if num_classes not in (None, fold.logits.shape[2]):
        raise FoldError(
            f"fold {fold.name}: logits for {fold.logits.shape[2]} classes, not {num_classes}",
            remedy="Score folds of one run, with that run's number of classes.",
        )
    return fold


def _check_names(folds: Sequence[FoldResult]) -> None:
    """Refuse clips whose subject is unknown, or that several folds or labels have."""
    known: dict[str, str] = {}
    for fold in folds:
        for clip in fold.clips:
            if clip == (subject := subject_of(clip)) or subject in ("", ".", ".."):
                raise FoldError(
                    f"fold {fold.name}: the clip {clip!r} does not name its subject",
                    remedy=f"Write {_CLIP_NAME}: intervals are over subjects.",
                )
            if clip in known:
                raise FoldError(
                    f"fold {fold.name}: the clip {clip!r} is already in fold {known[clip]}",
                    remedy=f"Pass each fold once, and give every clip a name of its own, "
                    f"{_CLIP_NAME}.",
                )
            known[clip] = fold.name


def _check_logits(logits: np.ndarray, labels: np.ndarray) -> None:
    fitting = labels.ndim in (1, 2) and logits.shape[1 : 1 + labels.ndim] == labels.shape
    if logits.ndim != 3 or 0 in logits.shape or not fitting:
        raise FoldError(
            f"logits of shape {logits.shape} for labels of shape {labels.shape}",
            remedy="Pass logits (epochs, clips, classes) and labels (clips,), neither empty; of "
            "action units, labels (clips, units).",
        )
    finite = np.isfinite(logits).all(axis=(1, 2))
    if not finite.all():
        raise FoldError(
            f"logits of epoch {int(finite.argmin())} (counted from 0) are not finite",
            remedy="Training diverged: lower the learning rate, and train in a new directory.",
        )
    if labels.ndim == 1:
        class_indices("labels", labels, logits.shape[2])
    elif not np.isin(labels, (0, 1)).all():
        raise FoldError(
            "labels of action units contain other values than 0 and 1",
            remedy="Leave out clips without a coded unit.",
        )
