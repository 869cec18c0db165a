"""Files of a stress test: `stress.csv` (every number), `stress.md` (tables), `stress.png`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import stats
from tabulate import tabulate

from gamdss.files import write_csv, write_text
from gamdss.metrics import CONFIDENCE, enough, too_few
from gamdss.records import KEYS
from gamdss.studies.stress.cells import FACTORS, MIDDLE
from gamdss.studies.stress.clip import SEED, STATING, WAYS
from gamdss.studies.stress.figure import stress_figure
from gamdss.studies.stress.numbers import CellNumbers, Estimate

_PHASES = {"onset": "rising", "apex": "rising", "offset": "falling"}
_MARK = " ✗"
_STATED = 0.8  # share of intervals that should contain the truth
# The number of a line of `stress.csv`: mean absolute error, difference of two ways' errors, median
# error, or share of intervals that contain the truth, all in percent.
Kind = Literal["error", "difference", "median", "coverage"]
HOW_TO_READ = f"""\
- Each number is the mean absolute error over the clips of a cell, in percent of the true rising
  phase (onset, apex) or of the falling one (offset), with its 95% interval for other clips
  (Student's t), if there are enough clips and not all have the same error.
- One factor at a time differs from the middle level: noise 2 grey levels, flicker 1%,
  illumination 2%, drift 0.6 px, amplitude 1.5 to 2.5 px, 200 frames a second, a blink in a tenth
  of the clips, all families of time courses, an annotator whose errors have deviations of 9, 12
  and 15% of a phase.
- **annotation** is what the simulated annotator wrote; **original-full**, **full** and
  **both-sides** (a quarter of a phase) search for the largest difference; **motion** fits the
  clip's own motion; **spotted** uses the clip alone, without an annotation; **bound** is the fit
  of `motion` given the true shape of the course.
- **motion − annotation** is paired, clip by clip; below 0 is better.{_MARK} marks cells where
  `motion` is worse than the annotation by more than the interval.
- **contained** is how often the intervals of `motion`, and those of spotting, contain the true
  onset, apex, offset. The aim is 80% with an annotation; the ends are whole frames, so it may be
  more.
- Seconds are of one processor thread for one clip, without drawing and decoding.
- People and clips are the same in all cells, drawn from seeds that begin with `--clips-seed`;
  nothing else uses the default, {SEED}.
"""


def write_report(
    output: Path, numbers: Mapping[str, CellNumbers], factors: Sequence[str]
) -> tuple[Path, Path, Path]:
    """Write and return `stress.csv`, `stress.md` and `stress.png`.

    Raises:
        RunError: the folder cannot be written.
    """
    table, text, figure = (output / f"stress.{suffix}" for suffix in ("csv", "md", "png"))
    write_numbers(numbers, factors, table)
    write_markdown(numbers, factors, figure.name, text)
    stress_figure(numbers, factors, figure)
    return table, text, figure


def write_numbers(numbers: Mapping[str, CellNumbers], factors: Sequence[str], file: Path) -> None:
    """Write a line for each factor, level, key frame and way, the middle level in every factor."""
    about = ("factor", "level", "cell", "clips", "key_frame")
    header = (*about, "kind", "way", "error", "low", "high")
    lines = [
        (factor, label, name, numbers[name].clips, key, *line)
        for factor in factors
        for label, name in FACTORS[factor].levels
        for key in KEYS
        for line in _lines(numbers[name], key)
    ]
    write_csv(file, [header, *lines], line_end="\r\n")


def _lines(cell: CellNumbers, key: str) -> Iterator[tuple[Kind, str, str, str, str]]:
    """Kind, name, value and ends of the interval of every number of a key frame."""
    median = cell.medians["spotted"][key]
    estimates: list[tuple[Kind, str, Estimate]] = [
        *(("error", way, cell.errors[way][key]) for way in WAYS),
        ("difference", "motion minus annotation", cell.gain[key]),
        ("median", "spotted, median", Estimate(median, None)),
    ]
    for kind, name, value in estimates:
        low, high = (f"{end:.3f}" for end in value.interval) if value.interval else ("", "")
        yield kind, name, f"{value.mean:.3f}", low, high
    for way in STATING:
        share = cell.coverage[way][key]
        if share is not None:
            yield "coverage", f"{way}, intervals held", f"{100 * share:.3f}", "", ""


def write_markdown(
    numbers: Mapping[str, CellNumbers], factors: Sequence[str], figure: str, file: Path
) -> None:
    """Write `stress.md`: conclusions, the figure, tables."""
    clips = next(iter(numbers.values())).clips
    parts = [
        "# How far key frames are from the truth",
        f"{len(numbers)} cells of {clips} synthetic clips each.",
        "\n".join(verdict(numbers, factors)),
        f"![error by factor and level]({figure})",
    ]
    for key in KEYS:
        parts += [f"## {key.capitalize()} (% of the {_PHASES[key]} phase)"]
        parts += [_table(numbers, factors, key)]
    parts += ["## Intervals and time", _coverage(numbers, factors), "## How to read this"]
    text = "\n\n".join([*parts, HOW_TO_READ])
    write_text(file, text)


def verdict(numbers: Mapping[str, CellNumbers], factors: Sequence[str]) -> list[str]:
    """Sentences: over all cells, and on each cell and key frame where `motion` fails."""
    clips = next(iter(numbers.values())).clips
    if not enough(clips):
        return [f"{too_few(clips, 'clips')} Nothing is concluded.", *_without_annotation(numbers)]
    total = len(numbers) * len(KEYS)
    better = sum(cell.gain[key].below for cell in numbers.values() for key in KEYS)
    lines = [
        f"`motion` is better than the annotation, by more than the interval, in {better} of "
        f"{total} cells and key frames.",
        *_without_annotation(numbers),
    ]
    failed = [
        f"- {key}, {where}: {_plain(numbers[name].errors['motion'][key])} against "
        f"{_plain(numbers[name].errors['annotation'][key])} of the annotation, "
        f"worse by {_ends(numbers[name].gain[key])}."
        for name, where in _places(factors).items()
        for key in KEYS
        if numbers[name].fails(key)
    ]
    if not failed:
        return [*lines, "It is nowhere worse than the annotation by more than the interval."]
    return [*lines, f"It is worse by more than the interval in {len(failed)}:", "", *failed]


def _without_annotation(numbers: Mapping[str, CellNumbers]) -> list[str]:
    """Errors of spotting at the middle level, if it was measured."""
    if MIDDLE not in numbers:
        return []
    cell = numbers[MIDDLE]
    errors = ", ".join(
        f"{key} {_plain(cell.errors['spotted'][key])} (median {cell.medians['spotted'][key]:.1f}%)"
        for key in KEYS
    )
    return [f"Spotted without an annotation, at the middle level: {errors}."]


def _places(factors: Sequence[str]) -> dict[str, str]:
    """The cells' descriptions by name."""
    found = {}
    for factor in factors:
        for label, name in FACTORS[factor].levels:
            found[name] = "the middle level" if name == MIDDLE else f"{factor} {label}"
    return found


def _table(numbers: Mapping[str, CellNumbers], factors: Sequence[str], key: str) -> str:
    rows = []
    for factor in factors:
        for label, name in FACTORS[factor].levels:
            cell = numbers[name]
            errors = [_ends(cell.errors[way][key]) for way in WAYS]
            mark = _MARK if cell.fails(key) else ""
            rows.append([factor, label, *errors, _ends(cell.gain[key], sign=True) + mark])
    return _markdown(rows, ["factor", "level", *WAYS, "motion − annotation"])


def _coverage(numbers: Mapping[str, CellNumbers], factors: Sequence[str]) -> str:
    rows: list[list[Any]] = []
    for factor in factors:
        for label, name in FACTORS[factor].levels:
            stated = numbers[name].coverage
            shares = [stated[way][key] for way in STATING for key in KEYS]
            shown = ["" if share is None else f"{100 * share:.0f}%" for share in shares]
            rows.append([factor, label, *shown, f"{numbers[name].seconds:.2f}"])
    headers = [f"{way} contained, {key}" for way in STATING for key in KEYS]
    table = _markdown(rows, ["factor", "level", *headers, "seconds per clip"])
    clips = next(iter(numbers.values())).clips
    if not enough(clips):
        return table
    low, high = np.array(stats.binom.interval(CONFIDENCE, clips, _STATED)) / clips
    return (
        f"{table}\n\nIf {_STATED:.0%} of all intervals contain the truth, {clips} clips show "
        f"{low:.0%} to {high:.0%} in 95 of 100 cells."
    )


def _markdown(rows: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _plain(value: Estimate) -> str:
    return f"{value.mean:.1f}%"


def _ends(value: Estimate, sign: bool = False) -> str:
    form = "+.1f" if sign else ".1f"
    if value.interval is None:
        return f"{value.mean:{form}}"
    low, high = value.interval
    return f"{value.mean:{form}} ({low:{form}} to {high:{form}})"
