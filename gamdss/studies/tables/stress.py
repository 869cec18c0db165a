"""The table of errors of key frames on known truth, from the numbers of `gamdss stress`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from gamdss.config.load import checked
from gamdss.errors import ConfigError
from gamdss.metrics import enough, too_few
from gamdss.report.table import Cell, Column, Row, Table
from gamdss.studies.stress.cells import FACTORS, StressSizes
from gamdss.studies.stress.numbers import stress_numbers
from gamdss.studies.stress.report import write_numbers
from gamdss.studies.tables.file import as_list, filled, known, mapping, read_table

CSV = "stress.csv"
KeyFrame = Literal["onset", "apex", "offset"]


@dataclass(frozen=True)
class StressPlan:
    """A table of errors.

    Args:
        title: what the table is about.
        factors: of the stress test's grid.
        clips: of each cell.
        height, width: pixels of the synthetic frames.
        key_frames: of onset, apex and offset, those with rows.
    """

    title: str
    factors: tuple[str, ...]
    clips: int = 40
    height: int = 340
    width: int = 280
    key_frames: tuple[KeyFrame, ...] = ("onset", "apex", "offset")


def read_stress_plan(file: Path, demo: bool) -> StressPlan:
    """Read the file of such a table; its fields under `demo` override others if `demo`.

    Raises:
        ConfigError: an unknown field or factor.
    """
    values = read_table(file)
    tiny = mapping(values.pop("demo", None), "demo", "clips: 2", file)
    if demo:
        values.update(tiny)
    for name in values:
        known(name, list(StressPlan.__dataclass_fields__), "field", file)
    if not values.get("title"):
        raise ConfigError("title is missing", file=file, remedy="Add title.")
    for name, allowed in (("factors", list(FACTORS)), ("key_frames", get_args(KeyFrame))):
        if name in values:
            values[name] = as_list(values[name])
            for item in values[name]:
                known(item, allowed, name.rstrip("s").replace("_", " "), file)
    plan = checked(StressPlan, values, file)
    filled(plan.factors, "factors", file)
    filled(plan.key_frames, "key_frames", file)
    for name in ("clips", "height", "width"):
        if getattr(plan, name) < 1:
            raise ConfigError(
                f"{name} is {getattr(plan, name)}", file=file, remedy="It must be 1 or more."
            )
    return plan


def measure(plan: StressPlan, output: Path) -> Path:
    """Measure the cells that are missing in `output`; the CSV file of all."""
    sizes = StressSizes(plan.clips, plan.height, plan.width)
    numbers = stress_numbers(plan.factors, sizes, output)
    write_numbers(numbers, plan.factors, output / CSV)
    return output / CSV


def stress_table(plan: StressPlan, file: Path, name: str) -> Table:
    """The table from a CSV file of `gamdss stress`.

    Args:
        plan: the table's plan.
        file: the CSV file.
        name: of the table's files.

    Raises:
        ConfigError: not such a file, or a factor is missing.
    """
    lines = _lines(file)
    missing = [factor for factor in plan.factors if factor not in {e["factor"] for e in lines}]
    if missing:
        raise ConfigError(
            f"no line has factor {', '.join(missing)}",
            file=file,
            remedy=f"Measure it: gamdss stress --output runs/stress --cells {','.join(missing)}.",
        )
    chosen = [e for e in lines if e["factor"] in plan.factors and e["key_frame"] in plan.key_frames]
    ways = list(dict.fromkeys(e["way"] for e in chosen if e["kind"] == "error"))
    places = list(dict.fromkeys((e["factor"], e["level"], e["key_frame"]) for e in chosen))
    clips = sorted({int(e["clips"]) for e in chosen})
    return Table(
        name=name,
        caption=f"{plan.title}. Mean absolute error in percent of the true phase, of "
        f"{' or '.join(map(str, clips))} synthetic clips a cell; nothing is trained, so that no "
        "epoch is selected.",
        columns=[
            *(Column(title, "label") for title in ("factor", "level", "key frame")),
            *(Column(way, form=",.1f") for way in ways),
        ],
        rows=[_row(place, ways, chosen) for place in places],
        minus="−",
        notes=(
            *_interval_notes(chosen, clips),
            "Bold: the smallest error apart from the bound, which is given the true shape of the "
            "course.",
        ),
    )


def _interval_notes(lines: Sequence[dict[str, str]], clips: Sequence[int]) -> list[str]:
    """What the brackets are, and why they are absent."""
    stated = any(_interval(e) for e in lines if e["kind"] == "error")
    notes = ["In brackets: 95% intervals for other clips."] if stated else []
    return notes + [too_few(count, "clips") for count in clips if not enough(count)]


def _row(place: tuple[str, str, str], ways: Sequence[str], lines: Sequence[dict[str, str]]) -> Row:
    here = {
        e["way"]: e
        for e in lines
        if (e["factor"], e["level"], e["key_frame"]) == place and e["kind"] == "error"
    }
    errors = {way: float(e["error"]) for way, e in here.items()}
    least = min((error for way, error in errors.items() if way != "bound"), default=None)
    return [
        *place,
        *(
            Cell(
                errors[way],
                _interval(here[way]),
                bold=way != "bound" and errors[way] == least,
            )
            if way in here
            else None
            for way in ways
        ),
    ]


def _interval(line: dict[str, str]) -> tuple[float, float] | None:
    # Earlier versions stated intervals of any number of clips.
    stated = line["low"] and enough(int(line["clips"]))
    return (float(line["low"]), float(line["high"])) if stated else None


def _lines(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(newline="", encoding="utf-8") as handle:
            lines = list(csv.DictReader(handle))
        for line in lines:
            _ = line["factor"], line["level"], line["key_frame"], line["way"], int(line["clips"])
            # Files of earlier versions have no kind: names of ways are single words, those of
            # derived numbers are not.
            line.setdefault("kind", "derived" if " " in line["way"] else "error")
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise ConfigError(
            f"not a file of `gamdss stress` ({type(error).__name__})",
            file=file,
            remedy="Pass its stress.csv with --stress.",
        ) from error
    return lines
