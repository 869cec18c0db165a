"""`gamdss compare`: two runs on the same clips, paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from gamdss.config.command_line import Command, positional
from gamdss.errors import ConfigError, RunError
from gamdss.files import hold_folder, read_record, write_json, write_text
from gamdss.metrics import Selection, compare
from gamdss.report.comparison import Compared, comparison_markdown, comparison_text
from gamdss.runs.alike import check_same_data, differing, read_seeds
from gamdss.runs.finished import FinishedRun
from gamdss.training.results import seen_note

_NAMES = get_args(Selection)
_NUMBERS = "compare.json"


@dataclass
class Options:
    """Compare two runs on the same clips, with paired intervals.

    Args:
        selection: `final`, `inner` or `oracle` for both runs, or two such as `final,oracle`; that
            of the runs if omitted and the same.
        output: folder of `compare.md` and `compare.json`, which may contain no other comparison.
    """

    a: str = positional("run directory; several seeds of one run with commas: A1,A2")
    b: str = positional("the run to compare it with, in the same form")
    selection: str | None = None
    output: str | None = None


def run(options: Options) -> None:
    """Compare, print, and write."""
    sides = [read_seeds(_paths(names)) for names in (options.a, options.b)]
    first, second = sides[0][0], sides[1][0]
    check_same_data(first, second)
    selections = _selections(options.selection, first, second)
    predicted = [
        [one.predictions(selection) for one in side]
        for side, selection in zip(sides, selections, strict=True)
    ]
    _refuse_same(sides, selections)
    runs = [one for side in sides for one in side]
    distrust = [f"{one.path}: {seen_note(one.results)}" for one in runs if one.results.seen]
    found = Compared(
        comparison=compare(predicted[0], predicted[1], len(first.classes)),
        title=". ".join([f"{first.results.dataset}, {first.results.task}", *distrust]),
        task=first.results.task,
        names=(options.a, options.b),
        selections=selections,
        seeds=tuple(tuple(one.config.seed for one in side) for side in sides),
        varied={n: p for n, p in differing(first, second).items() if n != "seed"},
    )
    chosen = () if selections == (first.selection, second.selection) else selections
    words = ("compare", first.path.name, second.path.name, *dict.fromkeys(chosen))
    output = Path(options.output or f"runs/{'_'.join(words)}").expanduser()
    with hold_folder(output):
        _refuse_other(output, found)
        write_text(output / "compare.md", comparison_markdown(found))
        write_json(output / _NUMBERS, found.as_dict())
    print(comparison_text(found))
    print(f"\ntables   {output / 'compare.md'}\nnumbers  {output / _NUMBERS}")


def _paths(names: str) -> list[Path]:
    """The run directories that one argument names."""
    return [Path(name.strip()).expanduser() for name in names.split(",")]


def _refuse_same(
    sides: Sequence[Sequence[FinishedRun]], selections: tuple[Selection, Selection]
) -> None:
    """Refuse a run that is on both sides at one selection."""
    a, b = ({run.path.resolve() for run in side} for side in sides)
    if a & b and selections[0] == selections[1]:
        raise ConfigError(
            f"{min(a & b)} is compared with itself",
            remedy="Name another run, or two selections such as --selection final,oracle.",
        )


def _refuse_other(output: Path, found: Compared) -> None:
    """Refuse a folder with a comparison of other runs, or at other selections.

    Raises:
        RunError: it has one.
    """
    stored = read_record(output / _NUMBERS)
    there, here = (_sides(values) for values in (stored, found.as_dict()))
    if stored and [side[::2] for side in there] != [side[::2] for side in here]:
        of = " and ".join(f"{runs} ({selection})" for _, runs, selection in there)
        raise RunError(
            f"this folder has another comparison, of {of or 'an earlier version'}",
            file=output,
            remedy="Choose another folder with --output, or remove it.",
        )


def _sides(values: Mapping[str, Any]) -> list[tuple[list[Path], str, str]]:
    """The runs of A and of B, resolved and as given, and their selections."""
    sides = [side for side in (values.get("a"), values.get("b")) if isinstance(side, dict)]
    named = [(str(side["runs"]), str(side.get("selection"))) for side in sides if "runs" in side]
    return [([path.resolve() for path in _paths(runs)], runs, by) for runs, by in named]


def _selections(asked: str | None, a: FinishedRun, b: FinishedRun) -> tuple[Selection, Selection]:
    """The selections of A and B; they differ only if the user names both."""
    if asked is None:
        if a.selection != b.selection:
            raise ConfigError(
                f"{a.path} is evaluated by the selection {a.selection}, {b.path} by {b.selection}",
                remedy="Name one for both with --selection final, or both with --selection "
                f"{a.selection},{b.selection}.",
            )
        return a.selection, b.selection
    names = [name.strip() for name in asked.split(",")]
    if len(names) > 2 or not set(names) <= set(_NAMES):
        raise ConfigError(
            f"--selection is {asked!r}",
            remedy=f"Give one of {', '.join(_NAMES)}, or two with a comma.",
        )
    return names[0], names[-1]  # type: ignore[return-value]


COMMAND = Command(run, Options)
