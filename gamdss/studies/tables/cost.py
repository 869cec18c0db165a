"""How much training a table takes, estimated from the published sizes of its datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gamdss.config import Config
from gamdss.data.composite import sources
from gamdss.data.specs import get_spec
from gamdss.report.table import Column, Row, Table, terminal
from gamdss.studies.tables.plan import Plan

_MS_AN_HOUR = 3_600_000


@dataclass(frozen=True)
class RowCost:
    """A row's runs: how many, how many are finished, and the sample-steps of one.

    A sample-step is one clip shown once in training; None if no size is published.
    """

    key: str
    runs: int
    finished: int
    steps: int | None

    @property
    def missing_steps(self) -> int:
        """Sample-steps of the runs that are not finished."""
        return (self.steps or 0) * (self.runs - self.finished)


def table_cost(
    plan: Plan, finished: Sequence[int], root: Callable[[Config], str | None]
) -> list[RowCost]:
    """The cost of each row.

    Args:
        plan: the table.
        finished: how many runs of each row are finished.
        root: the `data_root` of a row's config, where the table of its clips may be.
    """
    return [
        RowCost(
            row.key,
            len(plan.seeds),
            done,
            sample_steps(replace(row.config, data_root=root(row.config))),
        )
        for row, done in zip(plan.rows, finished, strict=True)
    ]


def sample_steps(config: Config) -> int | None:
    """Training clips of all folds times epochs; None if sizes are not published.

    Folds are assumed to be of equal size. A split from a file counts as one fold of all clips.
    """
    parts = sources(config)
    specs = [get_spec(part.dataset, part.annotations, part.data_root) for part in parts]
    clips = [_published_clips(spec.expected, config.task) for spec in specs]
    subjects = [_first(spec.expected.get("subjects")) for spec in specs]
    if None in clips or None in subjects:
        return None
    total = sum(filter(None, clips))
    folds = {
        "loso": sum(filter(None, subjects)),
        "kfold": config.protocol.parts,
        "leave-one-dataset-out": len(specs),
    }.get(config.protocol.name)
    shown = total if folds is None else total * (folds - 1)
    if config.training.selection == "inner":
        shown = round(shown * (1 - config.training.inner_share))
    return shown * config.training.epochs


def cost_text(costs: Sequence[RowCost], step_ms: float | None = None) -> str:
    """The rows as a table for the terminal, and their sum.

    Args:
        costs: of the rows.
        step_ms: milliseconds per sample-step, for a column of hours.
    """
    titles = ["runs", "finished", "sample-steps of a run"]
    titles += [] if step_ms is None else ["hours missing"]
    rows: list[Row] = [
        [
            cost.key,
            cost.runs,
            cost.finished,
            "not known" if cost.steps is None else f"{cost.steps:,}",
            *([] if step_ms is None else [f"{hours(cost.missing_steps, step_ms):.1f}"]),
        ]
        for cost in costs
    ]
    missing = sum(cost.missing_steps for cost in costs)
    total = f"Missing runs: {sum(c.runs - c.finished for c in costs)}, of {missing:,} sample-steps"
    total += "" if step_ms is None else f", {hours(missing, step_ms):.1f} hours"
    total += " at least." if any(cost.steps is None for cost in costs) else "."
    table = Table([Column("row", "label"), *map(Column, titles)], rows)
    return f"{terminal(table)}\n\n{total}"


def hours(steps: int, step_ms: float) -> float:
    """Hours for `steps` sample-steps of `step_ms` milliseconds each."""
    return steps * step_ms / _MS_AN_HOUR


def _published_clips(expected: Any, task: str) -> int | None:
    if task in expected.get("tasks", {}):
        return _first(expected["tasks"][task])
    if task in expected.get("classes", {}):
        return sum(expected["classes"][task].values())
    return _first(expected.get("clips"))


def _first(value: Any) -> int | None:
    """The first of several versions of a workbook, which is the main one."""
    found = value[0] if isinstance(value, list) else value
    return None if found is None else int(found)
