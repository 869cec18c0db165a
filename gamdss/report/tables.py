"""Tables of a run's results, for the terminal, `results.md` and the page."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gamdss.metrics import MEASURES, OriginalReport, enough, too_few
from gamdss.metrics.scores import measures
from gamdss.report import unit_tables
from gamdss.report.table import Cell, Column, Row, Table, markdown, markdown_text, terminal
from gamdss.report.unit_tables import measure_titles, unit_note
from gamdss.training.results import RunResults, seen_note

SELECTIONS = {
    "final": "final epoch",
    "inner": "inner (epoch chosen on training subjects set aside)",
    "oracle": "oracle (epoch chosen on the held-out subject)",
}
# How captions call the epoch of the networks that a run is evaluated by.
EPOCHS = {"final": "final epoch", "inner": "inner epoch"}
RESULT_NOTES = {
    "final": "The result is the network after the last epoch of each fold.",
    "inner": "The result is each fold's network after its inner epoch: the one with the best {} "
    "on training subjects set aside for this, on which it was not trained.",
}
UNSCORED_NOTE = (
    "Held-out score unknown: trained on everybody. To estimate it, train the same config with a "
    "protocol that holds clips out, such as --protocol.name loso."
)
ORACLE_NOTE = (
    "The oracle is not a result: its epochs were chosen on the subjects it is evaluated on. "
    "It compares with published figures chosen that way."
)
HOW_TO_READ = """\
- **final epoch**: the network after the last epoch of each fold. This is the result, unless:
- **inner** (with `training.selection: inner`): the epoch of each fold with the best UF1 on training
  subjects set aside for this, on which its network is not trained; that network is evaluated
  without further training. The final epoch beside it is of the same network, which was trained on
  fewer people.
- **oracle**: for each fold the epoch that suits the held-out subject best, as the original release
  reports it (arXiv 2603.04766, code v1.0.1), with its stop at 100% held-out accuracy. Its accuracy
  is of the epoch with the best accuracy, its other figures of the epoch with the best F1.
- **UF1**: mean of the classes' F1 over the pooled held-out predictions of all folds. A class that
  no clip has, or is predicted to have, does not count.
- **UAR**: mean of the recalls of the classes that clips have (balanced accuracy). What the release
  calls UAR is the mean precision.
- **always the most frequent class**: what predicting it for every clip would reach.
"""
_BRACKETS = """\
- The figures in brackets are 95% intervals for other subjects: Student's t and a bootstrap over
  subjects, whose clips are drawn together. They do not include what another seed would change.
"""


def summary_text(results: RunResults) -> str:
    """Each selection in a row, and what the oracle is; for the terminal."""
    about = "\n\n".join(
        [f"{results.dataset}, {results.task}: {extent(results)}", *_distrust(results)]
    )
    if not results.scored:
        return f"{about}\n\n{UNSCORED_NOTE}"
    units = [terminal(classes(results)), unit_note(results)] if results.of_units else []
    note = "In brackets: 95% intervals over subjects."
    notes = [note] if _bracketed(results) else few_note(results)
    notes = [*notes, *_absent(results), ORACLE_NOTE]
    parts = [terminal(table) for table in (summary(results), *datasets(results))]
    return "\n\n".join([about, *parts, *units, " ".join(notes)])


def few_note(results: RunResults) -> list[str]:
    """Why the measures have no intervals; nothing if they have."""
    return [] if enough(results.subjects) else [too_few(results.subjects)]


def _bracketed(results: RunResults) -> bool:
    """Whether a figure of the tables has an interval."""
    return any(any(found.intervals.values()) for found in results.evaluations.values())


def substituted_note(substituted: int, clips: int) -> list[str]:
    """In how many clips the nearest frame replaces a missing one; nothing if in none."""
    text = (
        f"In {substituted} of {clips} clips, an annotated frame is missing and the nearest one "
        "replaces it (`--frames.missing nearest`; `keyframes.csv`: substituted)."
    )
    return [text] if substituted else []


def results_markdown(
    results: RunResults, figures: Mapping[str, str] | None = None, substituted: int = 0
) -> str:
    """The whole of `results.md`.

    Args:
        results: of the run.
        figures: what each figure shows, and its file relative to `results.md`.
        substituted: number of clips with a key frame that replaces a missing one.
    """
    title = f"# {markdown_text(results.dataset)}, {class_count(results)}"
    about = [title, f"{extent(results)}.", *substituted_note(substituted, results.clips)]
    pictures = [f"![{name}]({file})" for name, file in (figures or {}).items()]
    if not results.scored:
        return "\n\n".join([*about, UNSCORED_NOTE, *pictures]) + "\n"
    chosen = SELECTIONS[results.selection]
    parts = [
        *about,
        *_distrust(results),
        markdown(summary(results)),
        " ".join([*few_note(results), *_absent(results), ORACLE_NOTE]),
        *(part for table in datasets(results) for part in ("## Datasets", markdown(table))),
        *_class_parts(results, chosen),
        "## Folds",
        markdown(folds(results)),
        *pictures,
        "## How to read this",
        _how_to_read(results),
    ]
    return "\n\n".join(parts)


def _how_to_read(results: RunResults) -> str:
    text = unit_tables.HOW_TO_READ if results.of_units else HOW_TO_READ
    brackets = unit_tables.BRACKETS if results.of_units else _BRACKETS
    return text + brackets if _bracketed(results) else text


def class_count(results: RunResults) -> str:
    """How many classes or action units there are, and the task."""
    kind = "action units" if results.of_units else "classes"
    return f"{len(results.classes)} {kind} ({results.task})"


def _class_parts(results: RunResults, chosen: str) -> list[str]:
    """Headings and tables of the classes in `results.md`."""
    if results.of_units:
        return [f"## Action units ({chosen})", markdown(classes(results)), unit_note(results)]
    return [
        f"## Classes ({chosen})",
        markdown(classes(results)),
        f"## Confusion ({chosen})",
        "Rows are true classes, columns predicted ones; numbers are clips.",
        markdown(confusion(results)),
    ]


def epoch_name(results: RunResults) -> str:
    """What captions call the epoch that the run is evaluated by: final epoch or inner epoch."""
    return EPOCHS[results.selection]


def result_note(results: RunResults) -> str:
    """Which network the result is of, or that there is no result."""
    if not results.scored:
        return UNSCORED_NOTE
    return RESULT_NOTES[results.selection].format(measure_titles(results.task)["uf1"])


def extent(results: RunResults) -> str:
    """How many clips, subjects and epochs, in a line."""
    return (
        f"{results.clips} clips of {results.subjects} subjects, {results.protocol}; "
        f"{results.epochs} epochs, seed {results.seed}"
        + (f"; started from {results.started_from}" if results.started_from else "")
    )


def _distrust(results: RunResults) -> list[str]:
    return [seen_note(results)] if results.seen else []


def summary(results: RunResults) -> Table:
    """The measures with their intervals, a row for each selection."""
    rows: list[Row] = [
        [
            SELECTIONS[selection],
            *(Cell(x, found.intervals.get(name)) for name, x in found.measures.items()),
        ]
        for selection, found in results.evaluations.items()
    ]
    columns = [Column("", "label", wrap=True), *map(Column, measure_titles(results.task).values())]
    return Table(columns, [*rows, *_always(results)], "Held-out clips of all folds, pooled")


def _always(results: RunResults) -> list[Row]:
    """The measures of predicting the most frequent class; action units have them of each unit."""
    if results.of_units:
        return []
    true = np.sum(results.evaluated.confusion, axis=1)
    counts = np.zeros((len(true), len(true)), np.int64)
    counts[:, true.argmax()] = true
    return [["always the most frequent class", *map(Cell, measures(counts, counts).tolist())]]


def _absent(results: RunResults) -> list[str]:
    """Which classes no clip has, since measures are then means over the others."""
    if results.of_units:
        return []
    absent = [name for name, by in results.evaluated.per_class.items() if not by.support]
    return [f"No clip is of {', '.join(absent)}: UAR is the mean of the others."] if absent else []


def datasets(results: RunResults) -> list[Table]:
    """The measures of each dataset of a composite; none of one dataset."""
    if not results.datasets:
        return []
    rows: list[Row] = [
        [
            *(name, by.clips, by.subjects),
            *(Cell(getattr(by, measure), by.intervals[measure]) for measure in MEASURES),
        ]
        for name, by in results.datasets.items()
    ]
    titles = ("clips", "subjects", *MEASURES.values())
    columns = [Column("dataset", "label"), *map(Column, titles)]
    return [Table(columns, rows, f"Datasets, {epoch_name(results)}")]


def classes(results: RunResults) -> Table:
    """Precision, recall and F1 of each class or action unit."""
    if results.of_units:
        return unit_tables.units(results, epoch_name(results))
    rows: list[Row] = [
        [name, by.precision, by.recall, by.f1, by.support]
        for name, by in results.evaluated.per_class.items()
    ]
    titles = ("precision", "recall", "F1", "clips")
    columns = [Column("class", "label"), *map(Column, titles)]
    return Table(columns, rows, f"Classes, {epoch_name(results)}")


def confusion(results: RunResults) -> Table:
    """Counts of clips, a row for each true class."""
    pairs = zip(results.classes, results.evaluated.confusion, strict=True)
    columns = [Column("", "label"), *map(Column, results.classes)]
    return Table(columns, [[name, *row] for name, row in pairs])


def folds(results: RunResults) -> Table:
    """Accuracy of each fold, or mean F1 of action units, with the epoch where one was chosen."""
    if results.of_units:
        return unit_tables.unit_folds(results)
    inner = any(fold.inner for fold in results.folds)
    rows: list[Row] = [
        [
            *(fold.held_out, fold.clips, fold.final.accuracy),
            *((fold.inner.accuracy, fold.inner.epoch) if fold.inner else ()),
            *(fold.oracle.accuracy, fold.oracle.accuracy_epoch),
        ]
        for fold in results.folds
        if fold.final and fold.oracle
    ]
    titles = ["clips", "accuracy, final epoch"]
    titles += ["accuracy, inner", "inner epoch"] if inner else []
    titles += ["accuracy, oracle", "oracle's epoch"]
    return Table([Column("held out", "label"), *map(Column, titles)], rows, "Folds")


def original_text(report: OriginalReport, results: RunResults) -> str:
    """The figures in the original's sense beside the run's own; for the terminal."""
    f1_epoch = "accuracy" if report.one_epoch else "F1"
    printed = "" if report.prints_uar else " (its scripts for CASME II do not print it)"
    rows: list[Row] = [
        ["accuracy", report.accuracy, "of each fold's epoch with the best held-out accuracy"],
        ["F1", report.f1, f"UF1 of each fold's epoch with the best held-out {f1_epoch}"],
        ["UAR", report.precision, f"actually the mean precision, of those epochs{printed}"],
    ]
    columns = [Column("", "label"), Column("oracle", form=".4f"), Column("what it is", "text")]
    final = results.evaluations["final"]
    return "\n\n".join(
        [
            f"{results.dataset}, {results.task}, seed {results.seed}: what the original "
            "code (v1.0.1) would have printed",
            terminal(Table(columns, rows)),
            "Its epochs were chosen on the subjects they are evaluated on, with a stop at 100%: "
            "these figures\ncompare with published ones chosen that way, and are not a result. At "
            f"the final epoch this run has\naccuracy {final.accuracy:.4f}, UF1 {final.uf1:.4f} "
            f"and (true) UAR {final.uar:.4f}.",
        ]
    )
