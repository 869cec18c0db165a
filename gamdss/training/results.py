"""Folds -> the values of `results.json`: nothing in them depends on time or place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from gamdss.config import Config
from gamdss.metrics import (
    MEASURES,
    ClassScores,
    Measures,
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


@dataclass(frozen=True)
class Evaluation(Measures):
    """Pooled scores at a selection, and the 95% intervals of the measures for other subjects.

    `confusion` has counts, a row for each true class; an interval is None where there is none.
    """

    per_class: Mapping[str, ClassScores]
    confusion: Sequence[Sequence[int]]
    intervals: Mapping[str, tuple[float, float] | None]

    @property
    def measures(self) -> dict[str, float]:
        """The measures by name."""
        return {name: getattr(self, name) for name in MEASURES}


@dataclass(frozen=True)
class FoldEpoch:
    """An epoch of a fold, counted from 1, and its held-out accuracy."""

    epoch: int
    accuracy: float


@dataclass(frozen=True)
class InnerEpoch(FoldEpoch):
    """The epoch chosen on `subjects`, which were set aside from training."""

    subjects: Sequence[str]


@dataclass(frozen=True)
class OracleEpoch:
    """The epochs chosen on the held-out subject, counted from 1, and the best accuracy."""

    accuracy_epoch: int
    f1_epoch: int
    accuracy: float


@dataclass(frozen=True)
class FoldSummary:
    """A fold: its epochs, and what each clip is (`true`) and is predicted to be at each."""

    held_out: str
    clips: int
    final: FoldEpoch
    inner: InnerEpoch | None
    oracle: OracleEpoch
    predictions: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class RunResults:
    """The values of `results.json`.

    `dataset` is its title, `synthetic` whether any of its clips were generated, and `selection`
    names the epoch that the run is evaluated at. The oracle is chosen on the held-out subject, as
    the original release reports it: its accuracy and its other figures are of two different
    epochs (`gamdss.metrics`). `inner` is None where no subjects were set aside.
    """

    dataset: str
    synthetic: bool
    task: str
    classes: Sequence[str]
    protocol: str
    subjects: int
    clips: int
    epochs: int
    selection: Selection
    seed: int
    final: Evaluation
    inner: Evaluation | None
    oracle: Evaluation
    folds: Sequence[FoldSummary]

    @property
    def evaluated(self) -> Evaluation:
        """The evaluation at the selection that the run is evaluated by."""
        return self.evaluations[self.selection]

    @property
    def evaluations(self) -> dict[Selection, Evaluation]:
        """The evaluations by selection, in the order of tables."""
        found: dict[Selection, Evaluation] = {"final": self.final}
        if self.inner is not None:
            found["inner"] = self.inner
        return {**found, "oracle": self.oracle}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; without `inner` where there is none."""
        values = asdict(self)
        for part in (values, *values["folds"]):
            if part["inner"] is None:
                del part["inner"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunResults:
        """The results from the values of `results.json`; fields it does not know are left out."""
        inner = values.get("inner")
        parts = {
            "final": _evaluation(values["final"]),
            "inner": None if inner is None else _evaluation(inner),
            "oracle": _evaluation(values["oracle"]),
            "folds": [_summary(fold) for fold in values["folds"]],
        }
        return _made(cls, {**values, **parts})


def _made(kind: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass from those of the values that are its fields."""
    return kind(**{field.name: values[field.name] for field in fields(kind)})


def _evaluation(values: Mapping[str, Any]) -> Evaluation:
    per_class = {name: _made(ClassScores, found) for name, found in values["per_class"].items()}
    ends = {name: tuple(pair) if pair else None for name, pair in values["intervals"].items()}
    found: Evaluation = _made(Evaluation, {**values, "per_class": per_class, "intervals": ends})
    return found


def _summary(values: Mapping[str, Any]) -> FoldSummary:
    inner = values.get("inner")
    parts = {
        "final": _made(FoldEpoch, values["final"]),
        "inner": None if inner is None else _made(InnerEpoch, inner),
        "oracle": _made(OracleEpoch, values["oracle"]),
    }
    found: FoldSummary = _made(FoldSummary, {**values, **parts})
    return found


def results(
    config: Config,
    title: str,
    synthetic: bool,
    classes: Sequence[str],
    folds: Sequence[FoldResult],
    subjects: int,
) -> RunResults:
    """Pooled scores at each selection, and each fold.

    Args:
        config: of the run.
        title: of the dataset.
        synthetic: whether any of its clips were generated.
        classes: names of the classes.
        folds: all folds of the run.
        subjects: how many subjects were evaluated.
    """
    chosen = config.training.selection == "inner"
    return RunResults(
        dataset=title,
        synthetic=synthetic,
        task=config.task,
        classes=list(classes),
        protocol=PROTOCOLS[config.protocol.name].format(**vars(config.protocol)),
        subjects=subjects,
        clips=sum(len(fold.clips) for fold in folds),
        epochs=config.training.epochs,
        selection=config.training.selection,
        seed=config.seed,
        final=_evaluated(folds, classes, "final"),
        inner=_evaluated(folds, classes, "inner") if chosen else None,
        oracle=_evaluated(folds, classes, "oracle"),
        folds=[_fold(fold, classes) for fold in folds],
    )


def _evaluated(
    folds: Sequence[FoldResult], classes: Sequence[str], selection: Selection
) -> Evaluation:
    found = predictions(folds, len(classes), selection)
    values = found.scores(len(classes)).as_dict(classes)
    return _evaluation({**values, "intervals": intervals(found, len(classes))})


def _fold(fold: FoldResult, classes: Sequence[str]) -> FoldSummary:
    oracle = oracle_epochs(fold.logits, fold.labels)
    epochs = {"final": len(fold.logits) - 1}
    epochs |= {"oracle_accuracy": oracle.accuracy, "oracle_f1": oracle.f1}
    if fold.inner_logits is not None and fold.inner_labels is not None:
        epochs["inner"] = inner_epoch(fold.inner_logits, fold.inner_labels)
    predicted = {name: fold.logits[epoch].argmax(1) for name, epoch in epochs.items()}
    accuracy = {
        name: scores(fold.labels, values, len(classes)).accuracy
        for name, values in predicted.items()
    }
    inner = None
    if "inner" in epochs:
        subjects = sorted({clip.partition("/")[0] for clip in fold.inner_clips})
        inner = InnerEpoch(epochs["inner"] + 1, accuracy["inner"], subjects)
    return FoldSummary(
        held_out=fold.name,
        clips=len(fold.clips),
        final=FoldEpoch(len(fold.logits), accuracy["final"]),
        inner=inner,
        oracle=OracleEpoch(oracle.accuracy + 1, oracle.f1 + 1, accuracy["oracle_accuracy"]),
        predictions=[
            {
                "clip": clip,
                "true": classes[fold.labels[i]],
                **{name: classes[values[i]] for name, values in predicted.items()},
            }
            for i, clip in enumerate(fold.clips)
        ],
    )
