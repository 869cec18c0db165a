"""The values of `results.json`: nothing in them depends on time or place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gamdss.errors import RunError
from gamdss.metrics import (
    MEASURES,
    ClassScores,
    Measures,
    Selection,
)
from gamdss.records import AU_TASK


@dataclass(frozen=True)
class Evaluation(Measures):
    """Pooled scores at a selection, and the 95% intervals of the measures for other subjects.

    `confusion` has counts, a row for each true class; an interval is None where there is none. In
    the task of action units, classes are units: rows of `confusion` are as in `Scores`, and
    `intervals` has those of the units' F1 as well.
    """

    per_class: Mapping[str, ClassScores]
    confusion: Sequence[Sequence[int]]
    intervals: Mapping[str, tuple[float, float] | None]

    @property
    def measures(self) -> dict[str, float]:
        """The measures by name."""
        return {name: getattr(self, name) for name in MEASURES}


@dataclass(frozen=True)
class DatasetScores(Measures):
    """The scores of the clips of one dataset of a composite; `intervals` as of `Evaluation`."""

    clips: int
    subjects: int
    intervals: Mapping[str, tuple[float, float] | None]


@dataclass(frozen=True)
class FoldEpoch:
    """An epoch of a fold, counted from 1, and its held-out accuracy.

    `mean_f1` is the mean F1 of the action units; None if no unit is scored, or of classes.
    """

    epoch: int
    accuracy: float
    mean_f1: float | None = field(default=None, kw_only=True)


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
    mean_f1: float | None = None


@dataclass(frozen=True)
class FoldSummary:
    """A fold: its epochs, and what each clip is (`true`) and is predicted to be at each.

    `held_out` is its name; `final` and `oracle` are None if it holds nothing out.
    """

    held_out: str
    clips: int
    final: FoldEpoch | None
    inner: InnerEpoch | None
    oracle: OracleEpoch | None
    predictions: Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class RunResults:
    """The values of `results.json`.

    `dataset` is its title, `synthetic` whether any of its clips were generated, and `selection`
    names the epoch that the run is evaluated at. The oracle is chosen on the held-out subject, as
    the original release reports it: its accuracy and its other figures are of two different
    epochs (`gamdss.metrics`). `inner` is None where no subjects were set aside.

    `started_from` is the name of the run or folder of the initial weights, and `seen` the folds
    whose held-out subjects these had seen or may have seen: with any, no score can be trusted.

    `datasets` are the scores by dataset at `selection`; empty of one dataset, and of action units.

    If nothing is held out, `final` and `oracle` are None, and `subjects` and `clips` count those
    trained on.
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
    final: Evaluation | None
    inner: Evaluation | None
    oracle: Evaluation | None
    folds: Sequence[FoldSummary]
    started_from: str | None = None
    seen: Sequence[str] = ()
    datasets: Mapping[str, DatasetScores] = field(default_factory=dict)

    @property
    def of_units(self) -> bool:
        """Whether the classes are action units, several of which may move in one clip."""
        return self.task == AU_TASK

    @property
    def scored(self) -> bool:
        """Whether clips are held out, so that there is a score."""
        return self.final is not None

    @property
    def evaluated(self) -> Evaluation:
        """The evaluation at the selection that the run is evaluated by.

        Raises:
            RunError: nothing is held out.
        """
        if not self.scored:
            raise unscored()
        return self.evaluations[self.selection]

    @property
    def evaluations(self) -> dict[Selection, Evaluation]:
        """The evaluations by selection, in the order of tables; empty if nothing is held out."""
        named: dict[Selection, Evaluation | None] = {
            "final": self.final,
            "inner": self.inner,
            "oracle": self.oracle,
        }
        return {name: found for name, found in named.items() if found is not None}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without `inner`, `datasets` and units' F1 if there are none.

        If nothing is held out, `held_out_score` says that the score is unknown.
        """
        values = asdict(self)
        if not self.scored:
            values["held_out_score"] = "unknown: trained on everybody"
        if self.seen:
            values["trust"] = seen_note(self)
        if self.started_from is None:
            del values["started_from"], values["seen"]
        if not self.datasets:
            del values["datasets"]
        for part in (values, *values["folds"]):
            if part["inner"] is None:
                del part["inner"]
        if not self.of_units:
            for fold in values["folds"]:
                for name in {"final", "inner", "oracle"} & fold.keys():
                    if fold[name]:
                        del fold[name]["mean_f1"]
        return values


def unscored(run: Path | None = None) -> RunError:
    """The error for a run without held-out clips where their score or predictions are needed."""
    return RunError(
        "the held-out score of this run is unknown: its network is trained on everybody",
        file=run,
        remedy="Name a run that holds clips out, such as one of --protocol.name loso.",
    )


def seen_note(results: RunResults) -> str:
    """Why the scores cannot be trusted; only for results with `seen`."""
    return (
        f"These scores cannot be trusted: training started from {results.started_from}, whose "
        f"weights had seen, or may have seen, held-out subjects of {len(results.seen)} of "
        f"{len(results.folds)} folds ({', '.join(results.seen[:5])}"
        f"{', ...' if len(results.seen) > 5 else ''})."
    )
