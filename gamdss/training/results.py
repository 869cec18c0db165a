"""Folds -> the plain values of `results.json`: nothing in them depends on time or place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gamdss.config import Config
from gamdss.metrics import (
    Selection,
    inner_epoch,
    intervals,
    oracle_epochs,
    predictions,
    scores,
)
from gamdss.records import FoldResult

PROTOCOLS = {
    "loso": "leaving one subject out",
    "kfold": "{parts} parts of whole subjects",
    "leave-one-dataset-out": "leaving one dataset out",
    "hold-out-dataset": "holding {held_out} out",
    "fixed": "fixed split",
}


def results(
    config: Config,
    title: str,
    synthetic: bool,
    classes: Sequence[str],
    folds: Sequence[FoldResult],
    subjects: int,
) -> dict[str, Any]:
    """Pooled scores at each selection, by its name; then each fold.

    `title` names the dataset, `synthetic` is whether any of its clips were generated, `subjects`
    how many subjects were evaluated.

    The oracle is chosen on the held-out subject, as the original release reports it: its
    accuracy and its other figures are of two different epochs (`gamdss.metrics`). `selection` is
    what the run is judged by.
    """
    chosen = config.training.selection == "inner"
    return {
        "dataset": title,
        "synthetic": synthetic,
        "task": config.task,
        "classes": list(classes),
        "protocol": PROTOCOLS[config.protocol.name].format(**vars(config.protocol)),
        "subjects": subjects,
        "clips": sum(len(fold.clips) for fold in folds),
        "epochs": config.training.epochs,
        "selection": config.training.selection,
        "seed": config.seed,
        "final": _judged(folds, classes, "final"),
        **({"inner": _judged(folds, classes, "inner")} if chosen else {}),
        "oracle": _judged(folds, classes, "oracle"),
        "folds": [_fold(fold, classes) for fold in folds],
    }


def _judged(
    folds: Sequence[FoldResult], classes: Sequence[str], selection: Selection
) -> dict[str, Any]:
    """Scores at a selection, and their 95% intervals for subjects drawn anew."""
    found = predictions(folds, len(classes), selection)
    return {
        **found.scores(len(classes)).as_dict(classes),
        "intervals": intervals(found, len(classes)),
    }


def _fold(fold: FoldResult, classes: Sequence[str]) -> dict[str, Any]:
    epochs = oracle_epochs(fold.logits, fold.labels)
    predicted = {
        "final": fold.logits[-1].argmax(1),
        "oracle_accuracy": fold.logits[epochs.accuracy].argmax(1),
        "oracle_f1": fold.logits[epochs.f1].argmax(1),
    }
    inner = None
    if fold.inner_logits is not None and fold.inner_labels is not None:
        inner = inner_epoch(fold.inner_logits, fold.inner_labels)
        predicted["inner"] = fold.logits[inner].argmax(1)
    accuracy = {
        name: scores(fold.labels, values, len(classes)).accuracy
        for name, values in predicted.items()
    }
    return {
        "held_out": fold.name,
        "clips": len(fold.clips),
        "final": {"epoch": len(fold.logits), "accuracy": accuracy["final"]},
        **({} if inner is None else {"inner": _inner(fold, inner, accuracy["inner"])}),
        "oracle": {
            "accuracy_epoch": epochs.accuracy + 1,
            "f1_epoch": epochs.f1 + 1,
            "accuracy": accuracy["oracle_accuracy"],
        },
        "predictions": [
            {
                "clip": clip,
                "true": classes[fold.labels[i]],
                **{name: classes[values[i]] for name, values in predicted.items()},
            }
            for i, clip in enumerate(fold.clips)
        ],
    }


def _inner(fold: FoldResult, epoch: int, accuracy: float) -> dict[str, Any]:
    """The chosen epoch, its held-out accuracy, and the subjects that chose it."""
    subjects = sorted({clip.partition("/")[0] for clip in fold.inner_clips})
    return {"epoch": epoch + 1, "accuracy": accuracy, "subjects": subjects}
