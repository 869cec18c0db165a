"""Rows with their runs -> the table: figures, intervals, differences, the best in bold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gamdss.files import read_record
from gamdss.metrics import (
    MEASURES,
    Predictions,
    Selection,
    compare,
    enough,
    seed_mean,
    too_few,
)
from gamdss.report.table import Cell, Column, Table
from gamdss.report.tables import ORACLE_NOTE, SELECTIONS
from gamdss.runs.finished import FinishedRun
from gamdss.studies.tables.plan import COUNTS, Plan
from gamdss.studies.tables.train import RowRuns

_SHORT = {"final": "final epoch", "inner": "inner", "oracle": "oracle"}


def paper_table(plan: Plan, rows: Sequence[RowRuns], name: str) -> Table:
    """The table of a plan; every column of a measure names its selection.

    Args:
        plan: the table's plan.
        rows: the plan's rows with their runs.
        name: of its files.
    """
    labels, columns = _labels(plan), _columns(plan)
    if any(row.reason for row in rows):
        columns.append(Column("empty because", "text", key="reason"))
    found = [_cells(plan, row, rows) for row in rows]
    _mark_best(found, rows, [f"{name}_{by}" for by in plan.selection for name in MEASURES])
    return Table(
        [*labels, *columns],
        [
            [*(row.row.group, row.row.name)[-len(labels) :], *(cells.get(c.key) for c in columns)]
            for row, cells in zip(rows, found, strict=True)
        ],
        caption=_caption(plan, rows),
        name=name,
        notes=(*_interval_notes(found, rows), *_notes(plan, rows)),
        minus="−",
    )


def _labels(plan: Plan) -> list[Column]:
    """The columns of the rows' groups, if there are any, and names."""
    count = 2 if any(row.group for row in plan.rows) else 1
    return [Column(title, "label") for title in (*plan.names, "", "")[:count]]


def _columns(plan: Plan) -> list[Column]:
    """Counts, measures at each selection, published measures and their source."""
    columns = [Column(key, key=key, form=",.0f") for key in COUNTS if key in plan.columns]
    for selection in plan.selection:
        group = _SHORT[selection]
        columns += [
            Column(MEASURES[name], key=f"{name}_{selection}", group=group)
            for name in MEASURES
            if name in plan.columns
        ]
        if plan.compare_to is not None:
            key = f"uf1_difference_{selection}"
            columns.append(Column("ΔUF1", key=key, group=group, form="+.3f"))
    columns += [
        Column(MEASURES[name], key=f"published_{name}", group="published")
        for name in plan.published_columns
    ]
    return [*columns, Column("source", "text", key="source")]


def _cells(plan: Plan, row: RowRuns, rows: Sequence[RowRuns]) -> dict[str, Cell]:
    """The cells of a row by the keys of their columns."""
    cells = {"reason": Cell(row.reason)}
    if row.runs:
        first = row.runs[0]
        counts = {"clips": first.results.clips, "subjects": first.results.subjects}
        parameters = first.parameters if "parameters" in plan.columns else None
        if parameters is not None:
            counts["parameters"] = parameters
        cells |= {name: Cell(float(count)) for name, count in counts.items()}
        for selection in plan.selection:
            cells |= _figures(plan, row, rows, selection)
    published = plan.published.get(row.row.key, {})
    if published:
        cells["source"] = Cell(f"{published['source']} ({published['selection']})")
    for name in plan.published_columns:
        if name in published:
            cells[f"published_{name}"] = Cell(float(published[name]))
    return cells


def _figures(
    plan: Plan, row: RowRuns, rows: Sequence[RowRuns], selection: Selection
) -> dict[str, Cell]:
    evaluated = _predictions(row, selection)
    if not evaluated:
        return {}
    classes = len(row.runs[0].classes)
    found = seed_mean(evaluated, classes)
    cells = {
        f"{name}_{selection}": Cell(by.mean, by.interval, by.spread if len(by.values) > 1 else None)
        for name, by in found.items()
    }
    other = next((r for r in rows if r.row.key == plan.compare_to), None)
    if other is not None and other is not row and _evaluated(other) == _evaluated(row):
        against = _predictions(other, selection)
        if against:
            by = compare(against, evaluated, classes).differences["uf1"]
            cells[f"uf1_difference_{selection}"] = Cell(by.value, by.interval)
    return cells


def _predictions(row: RowRuns, selection: Selection) -> list[Predictions]:
    """Predictions of a row's runs; empty if they were trained for another selection.

    Runs that set inner subjects aside were trained on fewer: their final epoch and oracle cannot be
    compared with those of other rows.
    """
    inner = row.row.config.training.selection == "inner"
    if not row.runs or inner != (selection == "inner"):
        return []
    return [run.predictions(selection) for run in row.runs]


def _clips(run: FinishedRun) -> tuple[str, str, frozenset[frozenset[tuple[str, str]]]]:
    """Its dataset, its task, and the clips of each fold with their labels."""
    folds = frozenset(
        frozenset(zip(fold.clips, map(str, fold.labels.tolist()), strict=True))
        for fold in run.folds
    )
    return run.results.dataset, run.results.task, folds


def _evaluated(row: RowRuns) -> object:
    """Clips, labels and folds: only rows that share them are compared; None without runs."""
    # The clips of a split need not all be used: what a fold trains on does not follow from others.
    splits = [
        read_record(run.path / "data.json").get("folds")
        for run in row.runs
        if run.config.protocol.name == "fixed"
    ]
    return (*map(_clips, row.runs), *splits) or None


def _in_other_folds(rows: Sequence[RowRuns]) -> list[str]:
    """Rows that are not compared with another one on the same clips, as its folds are others."""
    found: dict[object, dict[str, object]] = {}
    for row in rows:
        if row.runs:
            dataset, task, folds = _clips(row.runs[0])
            same_clips = dataset, task, frozenset().union(*folds)
            found.setdefault(same_clips, {})[row.row.key] = _evaluated(row)
    return [name for group in found.values() if len(set(group.values())) > 1 for name in group]


def _mark_best(
    found: Sequence[dict[str, Cell]], rows: Sequence[RowRuns], keys: Sequence[str]
) -> None:
    """Make the best figure of each column bold among comparable rows, if they differ."""
    comparable: dict[object, list[dict[str, Cell]]] = {}
    for cells, row in zip(found, rows, strict=True):
        if row.runs:
            comparable.setdefault(_evaluated(row), []).append(cells)
    for group in comparable.values():
        for key in keys:
            values = [cells[key].value for cells in group if key in cells]
            for cells in group:
                if key in cells and len(set(values)) > 1:
                    bold = cells[key].value == max(values)  # type: ignore[type-var]
                    cells[key] = replace(cells[key], bold=bold)


def _caption(plan: Plan, rows: Sequence[RowRuns]) -> str:
    results = [row.runs[0].results for row in rows if row.runs]
    synthetic = {found.dataset: found.synthetic for found in results}
    which = f" {next(iter(synthetic))}." if len(synthetic) == 1 else ""
    if len(synthetic) > 1 and any(synthetic.values()):
        # Synthetic clips must not be mistaken for the dataset.
        which = (
            " Synthetic clips in the layout of each dataset."
            if all(synthetic.values())
            else f" {'; '.join(synthetic)}."
        )
    selections = " and ".join(SELECTIONS[name] for name in plan.selection)
    seeds = f"seed{'s' if len(plan.seeds) > 1 else ''} {', '.join(map(str, plan.seeds))}"
    return f"{plan.title}.{which} Evaluated at: {selections}; {seeds}."


def _interval_notes(found: Sequence[Mapping[str, Cell]], rows: Sequence[RowRuns]) -> Iterator[str]:
    """What the brackets are, and why they are absent."""
    if any(cell.interval for cells in found for cell in cells.values()):
        yield "In brackets: 95% intervals over subjects (bootstrap error, Student's t)."
    for subjects in sorted({row.runs[0].results.subjects for row in rows if row.runs}):
        if not enough(subjects):
            yield too_few(subjects)


def _notes(plan: Plan, rows: Sequence[RowRuns]) -> tuple[str, ...]:
    notes = ["Bold: the best of the rows on the same clips."]
    if len(plan.seeds) > 1:
        notes.append("Figures are means over the seeds, ± their standard deviation.")
    if plan.compare_to is not None:
        notes.append(
            f"ΔUF1: UF1 minus that of the row {plan.compare_to}, paired by subject; without an "
            "interval where the bootstrap gives none (few subjects, or the same in every draw)."
        )
    if "inner" in plan.selection:
        notes.append(
            "Rows of the selection inner are trained without the inner subjects, and have no "
            "figures at other selections."
        )
    if "oracle" in plan.selection:
        notes.append(ORACLE_NOTE)
    seen = [row.row.key for row in rows if any(run.results.seen for run in row.runs)]
    if seen:
        notes.append(
            f"Cannot be trusted: {'; '.join(seen)}. The initial weights had seen held-out subjects."
        )
    others = _in_other_folds(rows)
    if others:
        notes.append(
            f"Not compared, since their folds of the same clips differ: {'; '.join(others)}."
        )
    precisions = {run.config.training.precision for row in rows for run in row.runs}
    if len(precisions) > 1:
        notes.append(f"Runs differ in precision: {' and '.join(sorted(precisions))}.")
    if plan.published:
        notes.append(
            "Published figures are those of their source, at the selection it used (in brackets)."
        )
    return tuple(notes)
