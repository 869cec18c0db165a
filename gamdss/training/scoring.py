"""Folds -> the values of `results.json`: pooled scores at each selection, and each fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gamdss.config import Config
from gamdss.data.action_units import units_text
from gamdss.data.people import dataset_of_run, datasets_of_run
from gamdss.metrics import (
    MEASURES,
    Selection,
    decided,
    inner_epoch,
    intervals,
    oracle_epochs,
    predictions,
    unit_intervals,
)
from gamdss.metrics.units import scored_units, unit_scores
from gamdss.records import AU_TASK, FoldResult, subject_of
from gamdss.training.results import (
    DatasetScores,
    Evaluation,
    FoldEpoch,
    FoldSummary,
    InnerEpoch,
    OracleEpoch,
    RunResults,
)

_PROTOCOLS = {
    "loso": "leaving one subject out",
    "kfold": "{parts} parts of whole subjects",
    "leave-one-dataset-out": "leaving one dataset out",
    "hold-out-dataset": "holding {held_out} out",
    "fixed": "fixed split",
    "all": "trained on everybody",
}


def results(
    config: Config,
    title: str,
    synthetic: bool,
    classes: Sequence[str],
    folds: Sequence[FoldResult],
    subjects: int,
    clips: int | None = None,
    start: tuple[str, Sequence[str]] | None = None,
) -> RunResults:
    """Pooled scores at each selection, and each fold.

    Args:
        config: of the run.
        title: of the dataset.
        synthetic: whether any of its clips were generated.
        classes: names of the classes.
        folds: all folds of the run.
        subjects: how many subjects were evaluated; if nothing is held out, trained on.
        clips: how many clips were; those that the folds hold out if None.
        start: where the initial weights are from, and the folds whose held-out subjects they saw.
    """
    held_out = sum(len(fold.clips) for fold in folds)

    def evaluated(selection: Selection) -> Evaluation | None:
        return _evaluated(folds, classes, selection) if held_out else None

    return RunResults(
        dataset=title,
        synthetic=synthetic,
        task=config.task,
        classes=list(classes),
        protocol=_PROTOCOLS[config.protocol.name].format(**vars(config.protocol)),
        subjects=subjects,
        clips=held_out if clips is None else clips,
        epochs=config.training.epochs,
        selection=config.training.selection,
        seed=config.seed,
        final=evaluated("final"),
        inner=evaluated("inner") if config.training.selection == "inner" else None,
        oracle=evaluated("oracle"),
        folds=[_fold(fold, classes) for fold in folds],
        started_from=None if start is None else start[0],
        seen=() if start is None else start[1],
        datasets=_by_dataset(config, folds, len(classes)) if held_out else {},
    )


def _by_dataset(
    config: Config, folds: Sequence[FoldResult], num_classes: int
) -> dict[str, DatasetScores]:
    """The scores of each dataset of a composite, at the run's selection."""
    names = datasets_of_run(config)
    if len(names) == 1 or config.task == AU_TASK:
        return {}
    found = predictions(folds, num_classes, config.training.selection)
    of = np.array([dataset_of_run(config, subject) for subject in found.subjects])
    parts = {name: found.part(of == name) for name in names if (of == name).any()}
    return {
        name: DatasetScores(
            **{measure: getattr(part.scores(num_classes), measure) for measure in MEASURES},
            clips=len(part.clips),
            subjects=len(set(part.subjects)),
            intervals=intervals(part, num_classes),
        )
        for name, part in parts.items()
    }


def _evaluated(
    folds: Sequence[FoldResult], classes: Sequence[str], selection: Selection
) -> Evaluation:
    found = predictions(folds, len(classes), selection)
    scores = found.scores(len(classes))
    return Evaluation(
        **{name: getattr(scores, name) for name in MEASURES},
        per_class=dict(zip(classes, scores.per_class, strict=True)),
        confusion=scores.confusion.tolist(),
        intervals=intervals(found, len(classes)) | unit_intervals(found, classes),
    )


def _fold(fold: FoldResult, classes: Sequence[str]) -> FoldSummary:
    if not fold.clips:
        return FoldSummary(fold.name, 0, final=None, inner=None, oracle=None, predictions=[])
    oracle = oracle_epochs(fold.logits, fold.labels)
    epochs = {"final": len(fold.logits) - 1}
    epochs |= {"oracle_accuracy": oracle.accuracy, "oracle_f1": oracle.f1}
    if fold.inner_logits is not None and fold.inner_labels is not None:
        epochs["inner"] = inner_epoch(fold.inner_logits, fold.inner_labels)
    predicted = {name: decided(fold.logits[epoch], fold.labels) for name, epoch in epochs.items()}
    accuracy = {name: float((values == fold.labels).mean()) for name, values in predicted.items()}
    mean_f1 = {name: _mean_f1(fold, values) for name, values in predicted.items()}
    inner = None
    if "inner" in epochs:
        subjects = sorted({subject_of(clip) for clip in fold.inner_clips})
        values = epochs["inner"] + 1, accuracy["inner"], subjects
        inner = InnerEpoch(*values, mean_f1=mean_f1["inner"])
    chosen = oracle.accuracy + 1, oracle.f1 + 1, accuracy["oracle_accuracy"]
    return FoldSummary(
        held_out=fold.name,
        clips=len(fold.clips),
        final=FoldEpoch(len(fold.logits), accuracy["final"], mean_f1=mean_f1["final"]),
        inner=inner,
        oracle=OracleEpoch(*chosen, mean_f1=mean_f1["oracle_f1"]),
        predictions=_named_predictions(fold, classes, predicted),
    )


def _mean_f1(fold: FoldResult, predicted: np.ndarray) -> float | None:
    """The mean F1 of the action units that the fold scores; None if there is none."""
    if fold.labels.ndim == 1 or not (scored := scored_units([fold])).any():
        return None
    return unit_scores(fold.labels, predicted, scored).uf1


def _named_predictions(
    fold: FoldResult, classes: Sequence[str], predicted: Mapping[str, np.ndarray]
) -> list[Mapping[str, str]]:
    """What each clip is and is predicted to be, by the names of classes or action units."""

    def named(value: Any) -> str:
        return classes[value] if fold.labels.ndim == 1 else units_text(value, classes)

    return [
        {
            "clip": clip,
            "true": named(fold.labels[i]),
            **{name: named(values[i]) for name, values in predicted.items()},
        }
        for i, clip in enumerate(fold.clips)
    ]
