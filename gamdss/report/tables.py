"""Tables of a run: for the terminal, and `results.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

MEASURES = {"accuracy": "accuracy", "uf1": "UF1", "uar": "UAR", "weighted_f1": "weighted F1"}
SELECTIONS = {
    "final": "final epoch",
    "inner": "inner (epoch chosen on training subjects set aside)",
    "oracle": "oracle (epoch chosen on the held-out subject)",
}
# How captions call the epoch of the networks that a run is judged by.
EPOCHS = {"final": "final epoch", "inner": "inner epoch"}
RESULT_NOTES = {
    "final": "The result is the network after the last epoch of each fold.",
    "inner": "The result is each fold's network after its inner epoch: the one with the best UF1 "
    "on training subjects set aside for this, on which it was not trained.",
}
ORACLE_NOTE = (
    "The oracle is no result: its epochs were chosen on the subjects it is judged on. "
    "It compares with published figures chosen that way."
)
HOW_TO_READ = """\
- **final epoch**: the network after the last epoch of each fold. This is the result, unless:
- **inner** (with `training.selection: inner`): the epoch of each fold with the best UF1 on training
  subjects set aside for this, on which its network is not trained; that network is judged, without
  training again. The final epoch beside it is of the same network, which learnt from fewer people.
- **oracle**: for each fold the epoch that suits the held-out subject best, as the original release
  reports it (arXiv 2603.04766, code v1.0.1), with its stop at 100% held-out accuracy. Its accuracy
  is of the epoch with the best accuracy, its other figures of the epoch with the best F1.
- Behind each figure is its 95% interval for other subjects: Student's t and a bootstrap over
  subjects, whose clips are drawn together. It does not hold what another seed would change.
- **UF1**: mean of the classes' F1 over the pooled held-out predictions of all folds.
- **UAR**: mean of the classes' recalls (balanced accuracy). What the release calls UAR is the mean
  precision.
"""


def summary_table(results: Mapping[str, Any]) -> str:
    """Final epoch and oracle, a row each, and what the oracle is; for the terminal."""
    about = f"{results['dataset']}, {results['task']}: {extent(results)}"
    note = f"In brackets: 95% intervals over subjects. {ORACLE_NOTE}"
    return "\n\n".join([about, _summary(results, "simple"), note])


def results_markdown(results: Mapping[str, Any], figures: Mapping[str, str] | None = None) -> str:
    """The whole of `results.md`.

    Args:
        results: the values of `results.json`.
        figures: what each figure shows, and its file relative to `results.md`.
    """
    classes = results["classes"]
    chosen = SELECTIONS[results["selection"]]
    parts = [
        f"# {results['dataset']}, {len(classes)} classes ({results['task']})",
        f"{extent(results)}.",
        _summary(results, "pipe"),
        ORACLE_NOTE,
        f"## Classes ({chosen})",
        _per_class(judged_by(results)["per_class"]),
        f"## Confusion ({chosen})",
        "Rows are true classes, columns predicted ones; numbers are clips.",
        _markdown([[n, *row] for n, row in _rows(results)], ["", *classes]),
        "## Folds",
        _folds(results["folds"]),
        *[f"![{name}]({file})" for name, file in (figures or {}).items()],
        "## How to read this",
        HOW_TO_READ,
    ]
    return "\n\n".join(parts)


def judged_by(results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The figures at the selection that the run is judged by."""
    found: Mapping[str, Any] = results[results["selection"]]
    return found


def judged_epoch(results: Mapping[str, Any]) -> str:
    """What captions call the epoch that the run is judged by: final epoch, or inner epoch."""
    return EPOCHS[results["selection"]]


def extent(results: Mapping[str, Any]) -> str:
    """How many clips, subjects and epochs, in a line."""
    return (
        f"{results['clips']} clips of {results['subjects']} subjects, {results['protocol']}; "
        f"{results['epochs']} epochs, seed {results['seed']}"
    )


def _summary(results: Mapping[str, Any], form: str) -> str:
    rows = [
        [title, *(_with_interval(results[selection], measure) for measure in MEASURES)]
        for selection, title in SELECTIONS.items()
        if selection in results
    ]
    return tabulate(rows, ["", *MEASURES.values()], tablefmt=form, disable_numparse=True)


def _with_interval(judged: Mapping[str, Any], measure: str) -> str:
    ends = judged["intervals"][measure]
    return f"{judged[measure]:.3f}" + (f" ({ends[0]:.3f} to {ends[1]:.3f})" if ends else "")


def _rows(results: Mapping[str, Any]) -> list[tuple[str, list[int]]]:
    return list(zip(results["classes"], judged_by(results)["confusion"], strict=True))


def _per_class(values: Mapping[str, Mapping[str, Any]]) -> str:
    columns = ("precision", "recall", "f1", "support")
    rows = [[name, *(scores[column] for column in columns)] for name, scores in values.items()]
    return _markdown(rows, ["class", "precision", "recall", "F1", "clips"])


def _folds(folds: Sequence[Mapping[str, Any]]) -> str:
    inner = any("inner" in fold for fold in folds)
    rows = [
        [
            fold["held_out"],
            fold["clips"],
            fold["final"]["accuracy"],
            *((fold["inner"]["accuracy"], fold["inner"]["epoch"]) if inner else ()),
            fold["oracle"]["accuracy"],
            fold["oracle"]["accuracy_epoch"],
        ]
        for fold in folds
    ]
    headers = ["held out", "clips", "accuracy, final epoch"]
    headers += ["accuracy, inner", "inner epoch"] if inner else []
    return _markdown(rows, [*headers, "accuracy, oracle", "oracle's epoch"])


def _markdown(rows: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    # Subjects are names, though they may look like numbers.
    return tabulate(rows, headers, tablefmt="pipe", floatfmt=".3f", disable_numparse=[0])
