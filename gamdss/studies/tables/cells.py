"""Rows with their runs -> the paper's table: figures, intervals, what is best, differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gamdss.metrics import MEASURES, Predictions, Selection, compare, seed_mean
from gamdss.report.paper_table import Cell, Column, PaperRow, PaperTable
from gamdss.report.tables import MEASURES as TITLES
from gamdss.report.tables import ORACLE_NOTE, SELECTIONS
from gamdss.studies.tables.plan import COUNTS, Plan
from gamdss.studies.tables.train import RowRuns

_COUNTS = {name: name for name in COUNTS}
_SHORT = {"final": "final epoch", "inner": "inner", "oracle": "oracle"}


def paper_table(plan: Plan, rows: Sequence[RowRuns], name: str) -> PaperTable:
    """The table of a plan; every column of a measure names its selection.

    Args:
        plan: the table's plan.
        rows: the plan's rows with their runs.
        name: of its files.
    """
    made = [_row(plan, row, rows) for row in rows]
    columns = _columns(plan)
    return PaperTable(
        name=name,
        caption=_caption(plan, rows),
        label_titles=_label_titles(plan),
        columns=columns,
        rows=tuple(_with_best(made, rows, columns)),
        text_titles={"source": "source", "reason": "empty because"}
        if any(row.reason for row in rows)
        else {"source": "source"},
        notes=_notes(plan, rows),
    )


def _label_titles(plan: Plan) -> tuple[str, ...]:
    grouped = any(row.group for row in plan.rows)
    names = (*plan.names, "", "")[:2] if grouped else plan.names[:1]
    return tuple(names)


def _columns(plan: Plan) -> tuple[Column, ...]:
    columns = [
        Column(key, title, digits=0) for key, title in _COUNTS.items() if key in plan.columns
    ]
    for selection in plan.selection:
        columns += [
            Column(f"{name}_{selection}", TITLES[name], _SHORT[selection], ranked=True)
            for name in MEASURES
            if name in plan.columns
        ]
        if plan.compare_to is not None:
            columns.append(_difference_column(selection))
    columns += [
        Column(f"published_{name}", TITLES[name], "published") for name in plan.published_columns
    ]
    return tuple(columns)


def _difference_column(selection: Selection) -> Column:
    return Column(f"uf1_difference_{selection}", "ΔUF1", _SHORT[selection], signed=True)


def _row(plan: Plan, row: RowRuns, rows: Sequence[RowRuns]) -> PaperRow:
    cells: dict[str, Cell] = {}
    if row.runs:
        first = row.runs[0]
        counts = {"clips": first.results["clips"], "subjects": first.results["subjects"]}
        parameters = first.parameters if "parameters" in plan.columns else None
        if parameters is not None:
            counts["parameters"] = parameters
        cells = {name: Cell(float(count)) for name, count in counts.items()}
        for selection in plan.selection:
            cells |= _figures(plan, row, rows, selection)
    published = plan.published.get(row.row.key, {})
    for name in plan.published_columns:
        if name in published:
            cells[f"published_{name}"] = Cell(float(published[name]))
    source = f"{published['source']} ({published['selection']})" if published else ""
    labels = (row.row.group, row.row.name)[-len(_label_titles(plan)) :]
    return PaperRow(labels, cells, {"source": source, "reason": row.reason})


def _figures(
    plan: Plan, row: RowRuns, rows: Sequence[RowRuns], selection: Selection
) -> dict[str, Cell]:
    judged = _judged(row, selection)
    if not judged:
        return {}
    classes = len(row.runs[0].classes)
    found = seed_mean(judged, classes)
    cells = {
        f"{name}_{selection}": Cell(by.mean, by.interval, by.spread if len(by.values) > 1 else None)
        for name, by in found.items()
    }
    other = next((r for r in rows if r.row.key == plan.compare_to), None)
    if other is not None and other is not row and _clips(other) == _clips(row):
        against = _judged(other, selection)
        if against:
            by = compare(against, judged, classes).differences["uf1"]
            key = _difference_column(selection).key
            cells[key] = Cell(by.value, by.interval)
    return cells


def _judged(row: RowRuns, selection: Selection) -> list[Predictions]:
    """Predictions of a row's runs; none where they were trained for another selection.

    Runs that set inner subjects aside learnt from fewer: their final epoch and oracle are not
    those of the other rows.
    """
    inner = row.row.config.training.selection == "inner"
    if not row.runs or inner != (selection == "inner"):
        return []
    return [run.predictions(selection) for run in row.runs]


def _clips(row: RowRuns) -> object:
    """What rows share that can be compared: clips with their labels; None without runs."""
    if not row.runs:
        return None
    first = row.runs[0]
    clips = frozenset(
        pair for fold in first.folds for pair in zip(fold.clips, fold.labels.tolist(), strict=True)
    )
    return first.results["dataset"], first.results["task"], clips


def _with_best(
    made: Sequence[PaperRow], rows: Sequence[RowRuns], columns: Sequence[Column]
) -> list[PaperRow]:
    """The rows with the best figure marked among those on the same clips, where they differ."""
    found = [dict(row.cells) for row in made]
    by_clips: dict[object, list[int]] = {}
    for place, row in enumerate(rows):
        if row.runs:
            by_clips.setdefault(_clips(row), []).append(place)
    for places in by_clips.values():
        for column in columns:
            if not column.ranked:
                continue
            held = {p: found[p][column.key] for p in places if column.key in found[p]}
            best = max((cell.value for cell in held.values()), default=0.0)
            if all(cell.value == best for cell in held.values()):
                continue
            for place, cell in held.items():
                found[place][column.key] = replace(cell, best=cell.value == best)
    return [replace(row, cells=cells) for row, cells in zip(made, found, strict=True)]


def _caption(plan: Plan, rows: Sequence[RowRuns]) -> str:
    results = [row.runs[0].results for row in rows if row.runs]
    synthetic = {found["dataset"]: found["synthetic"] for found in results}
    which = f" {next(iter(synthetic))}." if len(synthetic) == 1 else ""
    if len(synthetic) > 1 and any(synthetic.values()):
        # Synthetic clips must not pass for the dataset.
        which = (
            " Synthetic clips in the layout of each dataset."
            if all(synthetic.values())
            else f" {'; '.join(synthetic)}."
        )
    selections = " and ".join(SELECTIONS[name] for name in plan.selection)
    seeds = f"seed{'s' if len(plan.seeds) > 1 else ''} {', '.join(map(str, plan.seeds))}"
    return f"{plan.title}.{which} Judged at: {selections}; {seeds}."


def _notes(plan: Plan, rows: Sequence[RowRuns]) -> tuple[str, ...]:
    notes = [
        "In brackets: 95% intervals over subjects (bootstrap error, Student's t). Bold: the best "
        "of the rows on the same clips.",
    ]
    if len(plan.seeds) > 1:
        notes.append("Figures are means over the seeds, ± their standard deviation.")
    if plan.compare_to is not None:
        notes.append(
            f"ΔUF1: UF1 minus that of the row {plan.compare_to}, paired by subject; without "
            "brackets where the bootstrap cannot tell (one subject, or the same in every draw)."
        )
    if "inner" in plan.selection:
        notes.append(
            "Rows of the selection inner are trained without the inner subjects, so that they "
            "have no figures at other selections."
        )
    if "oracle" in plan.selection:
        notes.append(ORACLE_NOTE)
    precisions = {run.config.training.precision for row in rows for run in row.runs}
    if len(precisions) > 1:
        notes.append(f"Runs differ in precision: {' and '.join(sorted(precisions))}.")
    notes.append(
        "Published figures are those of their source, at the selection it used (in brackets)."
    )
    return tuple(notes)
