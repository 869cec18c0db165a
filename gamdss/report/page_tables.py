"""Tables and numbers of the page, out of the plain values that a run has left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gamdss.config import flatten
from gamdss.report.page import Number, Table
from gamdss.report.tables import MEASURES, SELECTIONS, judged_by, judged_epoch

# They say where files lie, which is nobody's business but this machine's.
PLACES = {"data_root", "annotations", "clip_list", "output", "cache", "protocol.split"}


def interval(judged: Mapping[str, Any], measure: str) -> tuple[float, float] | None:
    """The 95% interval of a measure, where the run has one."""
    ends = (judged.get("intervals") or {}).get(measure)
    return (float(ends[0]), float(ends[1])) if ends else None


def numbers(results: Mapping[str, Any]) -> list[Number]:
    """The four measures as the run is judged, each with its interval and the oracle's."""
    found, judged, epoch = [], judged_by(results), judged_epoch(results)
    for measure, name in MEASURES.items():
        ends = interval(judged, measure)
        lines = [f"95% interval {ends[0]:.3f} to {ends[1]:.3f}"] if ends else []
        lines.append(f"oracle: {results['oracle'][measure]:.3f}")
        found.append(Number(f"{name}, {epoch}", f"{judged[measure]:.3f}", lines))
    return found


def summary(results: Mapping[str, Any]) -> Table:
    """A row for each selection."""
    rows = []
    for selection, title in SELECTIONS.items():
        if selection not in results:
            continue
        judged = results[selection]
        rows.append([title, *(_with_interval(judged, measure) for measure in MEASURES)])
    return Table(
        "Held-out clips of all folds, pooled", ["", *MEASURES.values()], rows, range(1, 5), (0,)
    )


def _with_interval(judged: Mapping[str, Any], measure: str) -> str:
    ends = interval(judged, measure)
    text = f"{judged[measure]:.3f}"
    return f"{text}\n({ends[0]:.3f} to {ends[1]:.3f})" if ends else text


def classes(results: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of each class."""
    rows = [
        [name, *(f"{scores[key]:.3f}" for key in ("precision", "recall", "f1")), scores["support"]]
        for name, scores in judged_by(results)["per_class"].items()
    ]
    columns = ["class", "precision", "recall", "F1", "clips"]
    return Table(f"Classes, {judged_epoch(results)}", columns, rows, range(1, 5))


def folds(results: Mapping[str, Any]) -> Table:
    """Accuracy of each fold, with the chosen epoch where one was chosen."""
    inner = results["selection"] == "inner"
    rows = [
        [
            fold["held_out"],
            fold["clips"],
            f"{fold['final']['accuracy']:.3f}",
            *((f"{fold['inner']['accuracy']:.3f}", fold["inner"]["epoch"]) if inner else ()),
            f"{fold['oracle']['accuracy']:.3f}",
            fold["oracle"]["accuracy_epoch"],
        ]
        for fold in results["folds"]
    ]
    columns = ["held out", "clips", "accuracy, final epoch"]
    columns += ["accuracy, inner epoch", "inner epoch"] if inner else []
    columns += ["accuracy, oracle", "oracle's epoch"]
    return Table("Folds", columns, rows, range(1, len(columns)))


def composition(rows: Sequence[Mapping[str, str]]) -> Table:
    """Clips of each dataset and class, against what was published."""
    total = sum(int(row["clips"]) for row in rows)
    body = [
        [row["dataset"], row["class"], row["clips"], row["published"] or "not known"]
        for row in rows
    ]
    body.append(["all", "", str(total), ""])
    columns = ["dataset", "class", "clips here", "clips published"]
    return Table("Clips of each class", columns, body, (2, 3), (), (len(rows),))


def corrections(rows: Sequence[Mapping[str, str]]) -> Table | None:
    """Clips whose workbook rows were corrected or that have notes; None where there are none."""
    body = [
        [f"{row['subject']}/{row['clip']}", row["row"], row["correction"] or "", row["notes"] or ""]
        for row in rows
        if row["correction"] or row["notes"]
    ]
    if not body:
        return None
    columns = ["clip", "row", "correction", "note"]
    return Table("Clips that are not as the workbook has them", columns, body, (1,), (2, 3))


def config(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Table:
    """Every field but places, with its default; those that differ from it are strong."""
    before = flatten(dict(defaults))
    rows = [
        [name, plain(value), plain(before.get(name))]
        for name, value in flatten(dict(values)).items()
        if name not in PLACES
    ]
    strong = [place for place, row in enumerate(rows) if row[1] != row[2]]
    return Table("Fields of the run", ["field", "value", "default"], rows, (), (), strong)


def plain(value: Any) -> str:
    """A field's value as YAML would write it."""
    if value is None:
        return "—"
    return str(value).lower() if isinstance(value, bool) else str(value)


def environment(values: Mapping[str, Any]) -> Table:
    """Versions, device, commit and seed; of a merged run, each part's."""
    rows = [[name, plain(value)] for name, value in flatten(dict(values)).items()]
    return Table("What the numbers were computed with", ["", ""], rows, (), (0, 1))
