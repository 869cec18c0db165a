"""Two runs compared: for the terminal, `compare.md` and `compare.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gamdss.metrics import FEWEST, Comparison, Selection, enough, too_few
from gamdss.report.table import Cell, Column, Table, markdown, terminal
from gamdss.report.tables import ORACLE_NOTE, SELECTIONS
from gamdss.report.unit_tables import measure_titles

HOW_TO_READ = f"""\
- **B − A** is the difference of the figures over all clips, above 0 where B is better; with
  several seeds, of their means. Its 95% interval is Student's t and a paired bootstrap over
  subjects: a draw takes the same subjects for all runs, and all clips of a subject.
- **p** is the two-sided p of the same t statistic, for one measure: with several measures or
  comparisons, correct it.
- **No interval and no p** is shown where the bootstrap gives none: there are fewer than {FEWEST}
  subjects, or the difference is the same in every draw, as where A is wrong and B right everywhere.
- **McNemar** counts the clips that only one run gets right (exact two-sided test). It takes clips
  as independent, which those of one subject are not; the bootstrap is the safer of the two.
- **±** is the standard deviation over seeds.
"""


@dataclass(frozen=True)
class Compared:
    """A comparison and the runs compared, A first.

    `names` are the paths as the user gave them, `varied` the fields of the config that differ.
    """

    comparison: Comparison
    title: str
    task: str
    names: tuple[str, str]
    selections: tuple[Selection, Selection]
    seeds: tuple[tuple[int, ...], ...]
    varied: Mapping[str, tuple[object, object]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        values = asdict(self.comparison)
        about = zip(self.names, self.selections, self.seeds, strict=True)
        for side, (runs, selection, seeds) in zip("ab", about, strict=True):
            values[side] = {"runs": runs, "selection": selection, "seeds": seeds, **values[side]}
        varied = {name: list(pair) for name, pair in self.varied.items()}
        return {"title": self.title, "varied": varied, **values}


def comparison_text(found: Compared) -> str:
    """The comparison for the terminal."""
    return "\n\n".join([*_about(found), terminal(_table(found)), *_words(found)])


def comparison_markdown(found: Compared) -> str:
    """The whole of `compare.md`."""
    about = [part.replace("\n", "  \n") for part in _about(found)]
    parts = [f"# {about[0]}", *about[1:], markdown(_table(found)), *_words(found)]
    return "\n\n".join([*parts, "## How to read this", HOW_TO_READ])


def _about(found: Compared) -> list[str]:
    lines = [
        f"{letter}: {name}, {SELECTIONS[selection]}, seed{'s' if len(seeds) > 1 else ''} "
        f"{', '.join(map(str, seeds))}"
        for letter, name, selection, seeds in zip(
            "AB", found.names, found.selections, found.seeds, strict=True
        )
    ]
    varied = [f"{name} {here} / {there}" for name, (here, there) in found.varied.items()]
    sizes = f"{found.comparison.clips} clips of {found.comparison.subjects} subjects"
    return [
        f"{found.title}: two runs on {sizes}",
        "\n".join([*lines, f"they differ in: {'; '.join(varied) or 'no field of the config'}"]),
    ]


def _table(found: Compared) -> Table:
    stated = any(by.interval for by in found.comparison.differences.values())
    difference = "B − A (95% interval)" if stated else "B − A"
    columns = [
        *(Column("", "label"), Column("A"), Column("B")),
        *(Column(difference, form="+.3f"), Column("p", form=".3g")),
    ]
    rows = []
    for measure, title in measure_titles(found.task).items():
        sides = (found.comparison.a[measure], found.comparison.b[measure])
        by = found.comparison.differences[measure]
        cells = [
            Cell(side.mean, spread=side.spread if len(side.values) > 1 else None) for side in sides
        ]
        rows.append([title, *cells, Cell(by.value, by.interval), by.p])
    return Table(columns, rows)


def _words(found: Compared) -> list[str]:
    lines = _differences(found)
    for test in found.comparison.mcnemar:
        a, b = (found.seeds[side][place] for side, place in enumerate(test.runs))
        lines.append(
            f"McNemar, seeds {a} and {b}: {test.only_a} clips right in A only, {test.only_b} in B "
            f"only, p {test.p:.3g}"
        )
    named = set(found.selections)
    if len(named) > 1:
        lines.append("A and B are evaluated at different selections, as named above.")
    return ["\n".join(lines), *([ORACLE_NOTE] if "oracle" in named else [])]


def _differences(found: Compared) -> list[str]:
    """Which measures differ by more than their interval, and which have none."""
    if not enough(found.comparison.subjects):
        return [f"{too_few(found.comparison.subjects)} Nothing is concluded."]
    titles = measure_titles(found.task)
    shown = [
        f"{titles[name]} {'higher' if by.value > 0 else 'lower'}"
        for name, by in found.comparison.differences.items()
        if by.shown
    ]
    without = [
        titles[name] for name, by in found.comparison.differences.items() if by.interval is None
    ]
    lines = []
    if shown:
        lines.append(f"B is, by more than the interval: {', '.join(shown)}.")
    elif len(without) < len(titles):
        lines.append("No figure differs by more than its interval.")
    if without:
        lines.append(
            f"The bootstrap gives no interval of {', '.join(without)}: every draw of subjects "
            "gives the same difference."
        )
    return lines
