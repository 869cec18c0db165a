"""Files of `gamdss bias`: `bias.md` with its tables and sentences, tables for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from gamdss.data.corrected_workbook import write_corrected
from gamdss.data.key_frame_table import write_key_frames
from gamdss.errors import some
from gamdss.files import hold_folder, write_json, write_text
from gamdss.metrics import FEWEST, enough, too_few
from gamdss.records import KEYS
from gamdss.studies.bias.figures import draw_all
from gamdss.studies.bias.shifts import write_shifts
from gamdss.studies.bias.sources import JoinedSources
from gamdss.studies.bias.study import Bias, BiasStudy

SIGN = "Above 0 the annotation is late, below 0 early."
_SHOWN = 15  # pairs in a table
HOW_TO_READ = f"""\
- **bias**: mean error of the annotated frame (annotated minus true), **spread** its standard
  deviation from clip to clip, each with a 95% interval of a bootstrap over subjects (over clips
  where that is wider; that of a single subject over its clips). Groups of fewer than {FEWEST}
  subjects, and subjects with fewer clips, have no interval and are not compared. Percent are of
  the annotated rising phase for onset and apex, of the falling one for the offset.
- **kept**: clips whose motion does not locate the key frame more precisely than the annotation.
  The annotated frame is kept, and the clip does not count in bias and spread.
- Reselection is pulled towards the annotation, which is its prior. Bias and spread are what the
  clips alone imply, corrected for that pull and for the uncertainty of measuring (random effects);
  **as moved** is the plain mean of what was written to `keyframes.csv`, over clips that were not
  kept and over all (kept ones as 0).
- The true frames are those that the clip's motion shows. Where the model of rise and fall is
  wrong for all clips alike, that counts as the annotation's bias: small differences between
  groups are more reliable than a small bias.
- Significance is at 5% after Holm's correction, which counts all tests of a table. Every pair of
  groups is compared by the same bootstrap over subjects. Intervals are not corrected: one in
  twenty may exclude 0 by chance.
- Wilcoxon's p takes the clips of a person for independent: where people differ, it is too small.
  What an "offset is" does not depend on it.
- "No" does not mean that groups are alike: with few subjects in either group, only a large
  difference is found.
"""


@dataclass(frozen=True)
class BiasFiles:
    """The main files of a report; `figures` by what they show."""

    report: Path
    workbooks: tuple[Path, ...]
    figures: dict[str, Path]


def write_report(output: Path, found: BiasStudy, joined: JoinedSources) -> BiasFiles:
    """Write tables, corrected workbooks, figures and `bias.md`.

    Raises:
        RunError: the folder cannot be written, or another process is writing to it.
    """
    with hold_folder(output):
        return _write(output, found, joined)


def _write(output: Path, found: BiasStudy, joined: JoinedSources) -> BiasFiles:
    write_json(output / "bias.json", found.as_dict())
    write_shifts(output / "shifts.csv", found.shifts)
    books = []
    for source in joined.sources:
        folder = output / source.spec.name if len(joined.sources) > 1 else output
        write_key_frames(folder / "keyframes.csv", source.dataset)
        original = source.dataset.annotations.workbook
        books.append(write_corrected(source.spec, original, folder, source.clips, source.keys))
    figures = draw_all(output, found, joined)
    report = output / "bias.md"
    write_text(report, bias_markdown(found, figures) + "\n")
    drawn = {shows: output / file for shows, file in figures.items()}
    return BiasFiles(report, tuple(books), drawn)


def bias_summary(found: BiasStudy) -> str:
    """Text for the terminal: every dataset's bias, and the conclusions in a sentence each."""
    names = ["dataset", *(g.name for g in found.custom)]
    biases = [bias for name in names for bias in found.of(name)]
    parts = [
        _extent(found),
        _table(biases, "simple", found.synthetic),
        f"{_brackets(biases)} {SIGN}",
        "\n".join(sentences(found)),
        "\n".join(f"note: {note}" for note in found.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def _brackets(biases: Sequence[Bias]) -> str:
    """What the brackets are, or why there are none."""
    pooled = [bias.pooled["percent"] for bias in biases]
    if any(np.isfinite(one.mean_interval[0]) for one in pooled):
        return "In brackets: 95% intervals."
    return too_few(max(one.subjects for one in pooled))


def bias_markdown(found: BiasStudy, figures: Mapping[str, str]) -> str:
    """The text of `bias.md`.

    Args:
        found: the study.
        figures: by what they show, figure files relative to `bias.md`.
    """
    parts = [
        f"# Bias of the annotation: {found.title}",
        f"{_extent(found)}. {SIGN}",
        "\n".join(f"- {line}" for line in (*sentences(found), *found.notes)),
    ]
    parts += [f"![{name}]({file})" for name, file in figures.items()]
    for grouping in found.groupings:
        parts += [
            f"## By {grouping.name}",
            _table(found.of(grouping.name), "pipe", found.synthetic),
        ]
    parts += ["## Are offsets less certain?", _offsets(found)]
    parts += ["## Do groups differ?", _differences(found)]
    parts += ["## As moved", _as_moved(found.of("dataset"))]
    return "\n\n".join([*parts, "## How to read this", HOW_TO_READ])


def sentences(found: BiasStudy) -> list[str]:
    """The conclusions: are offsets labelled less certainly, do groups differ."""
    lines = [_offset_sentence(found, name) for name in sorted(set(found.shifts.dataset))]
    for grouping in (g.name for g in found.groupings if g.compared and len(g.groups) > 1):
        chosen = [d for d in found.differences if d.grouping == grouping]
        left_out = _too_small(found, grouping)
        if not chosen:
            lines.append(f"by {grouping}: too few subjects to compare groups")
            continue
        words = [
            f"{d.key} of {d.a} {abs(d.bias):.1f}% {'later' if d.bias > 0 else 'earlier'} "
            f"than of {d.b}"
            for d in chosen
            if d.differs
        ]
        lines.append(f"by {grouping}: {some(words, 3) or 'no difference shown'}{left_out}")
    return lines


def _too_small(found: BiasStudy, grouping: str) -> str:
    """Which groups were not compared."""
    few = [b for b in found.of(grouping) if not enough(b.pooled["percent"].subjects)]
    names = [
        f"{name} ({', '.join(b.key for b in few if b.group == name)})"
        for name in sorted({b.group for b in few})
    ]
    return f"; not compared, too few subjects: {some(names, 3)}" if names else ""


def _offset_sentence(found: BiasStudy, dataset: str) -> str:
    tests = [test for test in found.offsets if test.dataset == dataset]
    few = {test.verdict for test in tests if test.verdict.startswith("too few")}
    if tests and all(test.verdict in few for test in tests):
        return f"{dataset}: {' and '.join(sorted(few))} to compare offsets with other key frames"
    shown = [test for test in tests if test.verdict in ("more uncertain", "less uncertain")]
    words = [f"{test.verdict} than {test.other} ({test.unit})" for test in shown]
    missing = [f"{t.other} ({t.unit})" for t in tests if t.verdict == "not shown"]
    unshown = [f"no difference shown from {', '.join(missing)}"] if missing else []
    return f"{dataset}: {'offset labels are ' if shown else ''}{'; '.join([*words, *unshown])}"


def _extent(found: BiasStudy) -> str:
    people = len(set(found.shifts.people))
    return f"{found.title}: {len(found.shifts)} clips of {people} subjects"


def _table(biases: Sequence[Bias], form: str, synthetic: bool) -> str:
    """Bias and spread of groups in percent and milliseconds, frames where no rate is known."""
    timed = any(np.isfinite(bias.pooled["ms"].mean) for bias in biases)
    unit = "ms" if timed else "frames"
    rows = []
    for bias in biases:
        first, share = bias.pooled[unit], bias.pooled["percent"]
        row: list[Any] = [bias.group, bias.key, bias.clips, bias.kept]
        row += [_with(first.mean, first.mean_interval), _with(share.mean, share.mean_interval)]
        row += [_with(first.spread, first.spread_interval)]
        row += [_with(share.spread, share.spread_interval)]
        if synthetic:
            mean, spread = bias.true.get("percent", (np.nan, np.nan))
            row += [_number(mean), _number(spread)]
        rows.append(row)
    headers = ["", "key frame", "clips", "kept", f"bias {unit}", "bias %"]
    headers += [f"spread {unit}", "spread %"]
    headers += ["true bias %", "true spread %"] if synthetic else []
    return tabulate(rows, headers, tablefmt=form, disable_numparse=True)


def _offsets(found: BiasStudy) -> str:
    rows = [
        [
            *(test.dataset, f"offset against {test.other}", test.unit, test.pairs),
            *(_number(test.offset_spread), _number(test.other_spread)),
            _with(test.excess, test.excess_interval),
            *(_p(test.excess_holm), _p(test.wilcoxon_holm), _number(test.rank_biserial, 2)),
            test.verdict,
        ]
        for test in found.offsets
    ]
    headers = ["dataset", "compared", "unit", "clips", "spread of offset", "of the other"]
    headers += ["difference", "p (Holm)", "Wilcoxon p (Holm)", "rank-biserial", "offset is"]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _differences(found: BiasStudy) -> str:
    """The pairs with the smallest p, in percent of the phase."""
    if not found.differences:
        return "Fewer than two groups have enough subjects."
    rows = [
        [
            *(d.grouping, d.key, d.a, d.b, "{} and {}".format(*d.subjects)),
            *(_with(d.bias, d.bias_interval), _with(d.spread, d.spread_interval)),
            *(_p(d.holm), "yes" if d.differs else "no"),
        ]
        for d in sorted(found.differences, key=lambda d: d.p)[:_SHOWN]
    ]
    headers = ["by", "key frame", "A", "B", "subjects", "bias of A beyond B, %"]
    headers += ["spread of A beyond B, %", "p (Holm)", "biases differ"]
    table = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    hidden = len(found.differences) - len(rows)
    return table + (f"\n\n{hidden} more pairs are in `bias.json`." if hidden > 0 else "")


def _as_moved(biases: Sequence[Bias]) -> str:
    rows = []
    for bias in sorted(biases, key=lambda b: (b.group, KEYS.index(b.key))):
        moved = bias.raw["percent"]
        rows.append(
            [
                *(bias.group, bias.key, bias.clips - bias.kept, bias.clips),
                _with(moved.mean, moved.mean_interval),
                _with(moved.mean_all, moved.mean_all_interval),
                _with(moved.deviation, moved.deviation_interval),
                _with(moved.mad, moved.mad_interval),
            ]
        )
    headers = ["", "key frame", "moved on evidence", "clips", "mean %", "mean of all %"]
    headers += ["standard deviation %", "median absolute deviation (x 1.48) %"]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)


def _with(value: float, ends: tuple[float, float]) -> str:
    if np.isnan(value):
        return "-"
    if np.isnan(ends[0]):
        return _number(value)
    return f"{_number(value)} [{_number(ends[0])}, {_number(ends[1])}]"


def _number(value: float, digits: int = 1) -> str:
    return "-" if np.isnan(value) else f"{round(value, digits) + 0.0:.{digits}f}"


def _p(value: float) -> str:
    return "-" if np.isnan(value) else "< 0.001" if value < 0.001 else f"{value:.3f}"
