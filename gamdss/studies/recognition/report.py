"""Files of the study: `recognition.csv`, `recognition.md`, `recognition.png`; its conclusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from pathlib import Path

from gamdss.files import write_csv, write_text
from gamdss.metrics import enough, interval_text, too_few
from gamdss.report.table import Cell, Column, Table, markdown_with_caption
from gamdss.studies.recognition.figure import recognition_figure
from gamdss.studies.recognition.numbers import Estimate, LevelNumbers
from gamdss.studies.recognition.settings import (
    DRAWS,
    MOTION,
    WAYS,
    Sizes,
)

_NARROW = 0.04  # width of an interval that tells ways apart
_COLUMNS = (
    Column("key frames", "label"),
    Column("UF1"),
    Column("minus annotated", form="+.3f"),
    Column("minus motion", form="+.3f"),
    Column("recovered", form=".0%"),
)
_SEEDS = "UF1: mean over the seeds ± their standard deviation."
_INTERVALS = (
    "In brackets: 95% intervals for other people and other seeds of training (bootstrap over "
    "people, variance of the seeds added)."
)
_ONE_SEED = "UF1: of one seed of training. How much it differs between seeds is not known."
_PEOPLE = "In brackets: 95% intervals for other people (bootstrap over people)."
_NOTES = (
    "Differences are paired: the same people, clips, folds and seeds.",
    "Recovered: the share of the difference between true and annotated key frames, where its "
    "interval excludes 0.",
    "Jitter: annotated key frames move at random in training, and not in tests.",
    "Draws: key frames drawn from the posterior of `motion`; in tests, probabilities are averaged "
    "over draws.",
)
Numbers = Mapping[int, LevelNumbers]


def write_report(output: Path, numbers: Numbers, sizes: Sizes) -> tuple[Path, Path, Path]:
    """Write and return `recognition.csv`, `recognition.md` and `recognition.png`.

    Raises:
        RunError: the folder cannot be written.
    """
    table, text, figure = (output / f"recognition.{suffix}" for suffix in ("csv", "md", "png"))
    write_csv(table, [("level", "way", "kind", "value", "low", "high", "spread"), *_lines(numbers)])
    parts = ["# Recognition against the annotator's error", about(sizes) + "."]
    parts += ["\n".join(f"- {line}" for line in conclusions(numbers, sizes))]
    parts += [f"![UF1 by the annotator's error]({figure.name})"]
    parts += [markdown_with_caption(level_table(found, level)) for level, found in numbers.items()]
    notes = [*_about_uf1(sizes), *_NOTES]
    parts += ["\n".join(f"- {note}" for note in notes)]
    write_text(text, "\n\n".join(parts) + "\n")
    recognition_figure(numbers, about(sizes), figure)
    return table, text, figure


def _about_uf1(sizes: Sizes) -> tuple[str, ...]:
    uf1, brackets = (_SEEDS, _INTERVALS) if sizes.seeds > 1 else (_ONE_SEED, _PEOPLE)
    return (uf1, brackets) if enough(sizes.people) else (uf1,)


def about(sizes: Sizes) -> str:
    """What was trained, in a line."""
    return (
        f"{sizes.people * sizes.clips} synthetic clips of {sizes.people} people, {sizes.backbone} "
        f"at {sizes.image_size} pixels, {sizes.epochs} epoch{'s' * (sizes.epochs > 1)}, "
        f"{sizes.parts} parts, {sizes.seeds} seed{'s' * (sizes.seeds > 1)}"
    )


def _lines(numbers: Numbers) -> Iterator[tuple[object, ...]]:
    for level, found in numbers.items():
        kinds = (
            ("uf1", found.uf1),
            ("minus annotated", found.against_annotated),
            ("minus motion", found.against_motion),
        )
        for kind, estimates in kinds:
            for way, e in estimates.items():
                values = (e.mean, *(e.interval or (None, None)), e.spread)
                yield level, way, kind, *("" if v is None else f"{v:.4f}" for v in values)


def level_table(found: LevelNumbers, level: int) -> Table:
    """The ways at one level."""
    rows = [
        (
            way,
            _cell(found.uf1[way], spread=True),
            _cell(found.against_annotated.get(way)),
            _cell(found.against_motion.get(way)),
            found.recovered(way),
        )
        for way in WAYS
    ]
    caption = f"Annotator's errors with a standard deviation of {level}% of a phase"
    return Table(_COLUMNS, rows, caption)


def _cell(value: Estimate | None, spread: bool = False) -> Cell | None:
    if value is None:
        return None
    return Cell(value.mean, value.interval, value.spread if spread else None)


def conclusions(numbers: Numbers, sizes: Sizes) -> list[str]:
    """Sentences by level on `motion` and draws, and how many people a narrow interval takes."""
    if not enough(sizes.people):
        return [f"{too_few(sizes.people, 'people')} Nothing is concluded."]
    lines = []
    for level, found in numbers.items():
        annotation = "annotated" if level else "the exact annotation"
        first = _sentence(MOTION, annotation, found.against_annotated[MOTION])
        second = _sentence(DRAWS, MOTION, found.against_motion[DRAWS])
        lines.append(f"Error of {level}%: {first}; {second}.")
    widest = max(f.against_motion[DRAWS].width or 0.0 for f in numbers.values())
    people = ceil(sizes.people * max(1.0, (widest / _NARROW) ** 2))
    lines.append(
        f"The interval of draws minus motion is up to {widest:.3f} wide; "
        + (
            f"{_NARROW} would take about {people} people with as many clips and seeds each."
            if people > sizes.people
            else f"this is within {_NARROW}."
        )
    )
    return lines


def _sentence(way: str, base: str, value: Estimate) -> str:
    shown = "differs from" if value.shown else "is not shown to differ from"
    ends = "" if value.interval is None else f", {interval_text(value.interval, '+.3f')}"
    return f"{way} {shown} {base} ({value.mean:+.3f}{ends})"
