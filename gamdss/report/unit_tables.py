"""Tables of a run of action units: F1 of each unit, and which of them have none."""

from __future__ import annotations

from gamdss.metrics import MEASURES
from gamdss.metrics.units import FALSE, MISSED
from gamdss.records import AU_TASK
from gamdss.report.table import Cell, Column, Row, Table
from gamdss.training.results import RunResults

# Titles of the measures, which are means over units.
UNIT_MEASURES = MEASURES | {
    "accuracy": "right decisions",
    "uf1": "mean F1",
    "uar": "mean recall",
    "weighted_f1": "weighted F1",
}
UNDEFINED = "undefined"
HOW_TO_READ = """\
- **final epoch**: the network after the last epoch of each fold. This is the result, unless:
- **inner** (with `training.selection: inner`): the epoch of each fold with the best mean F1 on
  training subjects set aside for this.
- **oracle**: for each fold the epoch that suits the held-out subject best: not a result.
- A unit is predicted where its logit is above 0. Its **F1** is of the held-out clips of all folds,
  pooled, and **mean F1** is the mean over units, as in MEB's cross-dataset protocol
  (arXiv 2211.11425).
- **undefined**: no fold has clips of the unit both to train on and to evaluate. Such units are in
  no mean, where scikit-learn and MEB would count an F1 of 0.
- **F1 if always** is that of predicting the unit in every clip, which needs no network.
- **right decisions**: share of all decisions, one for each clip and unit. Most units are absent
  from most clips, so that never predicting any of them gets a high share.
"""
BRACKETS = """\
- The figures in brackets are 95% intervals for other subjects: Student's t and a bootstrap over
  subjects, whose clips are drawn together. Those of a unit count the subjects who show it or are
  predicted to; with too few there is none.
"""


def measure_titles(task: str) -> dict[str, str]:
    """The measures and their titles in tables of a task."""
    return UNIT_MEASURES if task == AU_TASK else MEASURES


def units(results: RunResults, epoch: str) -> Table:
    """F1 of each unit with its interval, and how it comes about."""
    found = results.evaluated
    rows: list[Row] = []
    for (name, by), counts in zip(found.per_class.items(), found.confusion, strict=True):
        f1 = Cell(UNDEFINED if by.f1 is None else by.f1, found.intervals.get(name))
        always = None if by.f1 is None else always_f1(by.support, sum(counts))
        figures = (by.support, counts[MISSED], counts[FALSE])
        rows.append([name, f1, always, by.precision, by.recall, *figures])
    titles = ("F1", "F1 if always", "precision", "recall", "clips", "missed", "false")
    columns = [Column("unit", "label"), *map(Column, titles)]
    return Table(columns, rows, f"Action units, {epoch}")


def always_f1(positives: int, clips: int) -> float:
    """The F1 of predicting a unit in every clip."""
    return 2 * positives / (positives + clips)


def undefined_units(results: RunResults) -> list[str]:
    """The units without F1, and why."""
    return [
        f"{name}: "
        + (f"all {by.support} clip(s) are held out together" if by.support else "no clip shows it")
        for name, by in results.evaluated.per_class.items()
        if by.f1 is None
    ]


def unit_note(results: RunResults) -> str:
    """What needs no network, and which units have no F1."""
    supports = [by.support for by in results.evaluated.per_class.values() if by.f1 is not None]
    mean = sum(always_f1(support, results.clips) for support in supports) / len(supports)
    note = f"Predicting every unit in every clip has a mean F1 of {mean:.3f}."
    found = undefined_units(results)
    return f"{note} Undefined, and in no mean: {'; '.join(found)}." if found else note


def unit_folds(results: RunResults) -> Table:
    """Mean F1 of each fold over the units that it scores, with the epoch where one was chosen."""
    inner = any(fold.inner for fold in results.folds)
    rows: list[Row] = []
    for fold in results.folds:
        if fold.final and fold.oracle:
            chosen = (fold.inner.mean_f1, fold.inner.epoch) if fold.inner else ()
            oracle = fold.oracle.mean_f1, fold.oracle.f1_epoch
            rows.append([fold.held_out, fold.clips, fold.final.mean_f1, *chosen, *oracle])
    titles = ["clips", "mean F1, final epoch"]
    titles += ["mean F1, inner", "inner epoch"] if inner else []
    titles += ["mean F1, oracle", "oracle's epoch"]
    return Table([Column("held out", "label"), *map(Column, titles)], rows, "Folds")
