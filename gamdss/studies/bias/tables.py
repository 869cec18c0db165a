"""Tables and sentences on the bias of an annotation: for the terminal, and `bias.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tabulate import tabulate

from gamdss.records import KEYS
from gamdss.studies.bias import Bias, Difference, Study

SIGN = "Above 0 the annotation is late, below 0 early."
_SHOWN = 15  # differing pairs in a table
HOW_TO_READ = """\
- **bias**: mean error of the annotated frame (annotated minus true), **spread** its standard
  deviation from clip to clip, each with a 95% interval of a bootstrap over subjects (over clips
  where that is wider). Percent are of the annotated rising phase for onset and apex, of the
  falling one for the offset.
- **kept**: clips whose motion does not tell the key frame better than the annotation does. Their
  frame stays as annotated, and they do not count in bias and spread.
- Reselection is pulled towards the annotation, which is its prior. Bias and spread are what the
  clips alone say, with that pull and the doubt of measuring taken out (random effects); **as
  moved** is the plain mean of what was written to `keyframes.csv`, over clips that were not kept
  and over all (kept ones as 0).
- The true frames are those that the clip's motion shows. Where the model of rise and fall is
  wrong for all clips alike, that counts as the annotation's bias: small differences between
  groups are safer than a small bias.
- Significance is at 5% after Holm's correction, which counts all tests of a table.
"""


def bias_summary(found: Study) -> str:
    """What the terminal shows: every dataset's bias, and the answers in a sentence each."""
    names = ["dataset", *(g.name for g in found.divided[3:])]
    biases = [bias for name in names for bias in found.of(name)]
    parts = [
        _extent(found),
        _table(biases, "simple", found.made),
        f"Bias and spread with 95% intervals. {SIGN}",
        "\n".join(sentences(found)),
        "\n".join(f"note: {note}" for note in found.notes),
    ]
    return "\n\n".join(part for part in parts if part)


def bias_markdown(found: Study, figures: Mapping[str, str]) -> str:
    """The whole of `bias.md`.

    Args:
        found: what was measured.
        figures: what each figure shows, and its file relative to `bias.md`.
    """
    parts = [
        f"# Bias of the annotation: {found.title}",
        f"{_extent(found)}. {SIGN}",
        "\n".join(f"- {line}" for line in (*sentences(found), *found.notes)),
    ]
    parts += [f"![{name}]({file})" for name, file in figures.items()]
    for grouping in found.divided:
        parts += [f"## By {grouping.name}", _table(found.of(grouping.name), "pipe", found.made)]
    parts += ["## Are offsets less certain?", _offsets(found)]
    parts += ["## Do groups differ?", _differences(found)]
    parts += ["## As moved", _as_moved(found.of("dataset"))]
    return "\n\n".join([*parts, "## How to read this", HOW_TO_READ])


def sentences(found: Study) -> list[str]:
    """The answers: are offsets less certain, do groups differ."""
    lines = []
    for dataset in sorted(set(found.shifts.dataset)):
        tests = [test for test in found.offsets if test.dataset == dataset]
        words = [f"{test.verdict} than {test.other} ({test.unit})" for test in tests]
        told = [f"{word}" for word in words if "not shown" not in word and "too few" not in word]
        missing = [f"{t.other} ({t.unit})" for t in tests if t.verdict == "not shown"]
        few = tests and all(test.verdict == "too few clips" for test in tests)
        text = "; ".join(told)
        if missing:
            text += f"{'; ' if told else ''}no difference shown from {', '.join(missing)}"
        lines.append(f"{dataset}: offset labels are {text}" if told else f"{dataset}: {text}")
        if few:
            lines[-1] = f"{dataset}: too few clips to compare offsets with other key frames"
    for grouping in dict.fromkeys(difference.grouping for difference in found.differences):
        chosen = [d for d in found.differences if d.grouping == grouping]
        differ = [(d.key, pair) for d in chosen for pair in d.pairs if pair.differs]
        words = [
            f"{key} of {pair.a} {abs(pair.bias):.1f}% {'later' if pair.bias > 0 else 'earlier'} "
            f"than of {pair.b}"
            for key, pair in differ[:3]
        ]
        more = f" and {len(differ) - 3} more" if len(differ) > 3 else ""
        lines.append(f"by {grouping}: " + (", ".join(words) + more if words else "none differ"))
    return lines


def _extent(found: Study) -> str:
    people = len(set(found.shifts.people))
    return f"{found.title}: {len(found.shifts)} clips of {people} subjects"


def _table(biases: Sequence[Bias], form: str, made: bool) -> str:
    """Bias and spread of groups, in milliseconds (frames where no rate is known) and percent."""
    timed = any(np.isfinite(bias.pooled["ms"].mean) for bias in biases)
    unit, name = ("ms", "ms") if timed else ("frames", "frames")
    rows = []
    for bias in biases:
        first, share = bias.pooled[unit], bias.pooled["percent"]
        row: list[Any] = [bias.group, bias.key, bias.clips, bias.kept]
        row += [_with(first.mean, first.mean_interval), _with(share.mean, share.mean_interval)]
        row += [_with(first.spread, first.spread_interval)]
        row += [_with(share.spread, share.spread_interval)]
        if made:
            mean, spread = bias.true.get("percent", (np.nan, np.nan))
            row += [_number(mean), _number(spread)]
        rows.append(row)
    headers = ["", "key frame", "clips", "kept", f"bias {name}", "bias %"]
    headers += [f"spread {name}", "spread %"]
    headers += ["true bias %", "true spread %"] if made else []
    return tabulate(rows, headers, tablefmt=form, disable_numparse=True)


def _offsets(found: Study) -> str:
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


def _differences(found: Study) -> str:
    if not found.differences:
        return "There are not two groups with enough clips."
    rows = [
        [
            *(d.grouping, d.key, len(d.groups), sum(d.clips), _number(d.statistic, 2)),
            *(_p(d.holm), _number(d.epsilon_squared, 3)),
        ]
        for d in found.differences
    ]
    headers = ["by", "key frame", "groups", "clips", "Kruskal-Wallis H", "p (Holm)"]
    overall = tabulate(rows, [*headers, "epsilon squared"], tablefmt="pipe", disable_numparse=True)
    return f"{overall}\n\n{_pairs(found.differences)}"


def _pairs(differences: Sequence[Difference]) -> str:
    """The pairs with the smallest p, in percent of the phase."""
    pairs = [(d, pair) for d in differences for pair in d.pairs]
    pairs.sort(key=lambda item: item[1].holm)
    rows = [
        [
            *(d.grouping, d.key, pair.a, pair.b),
            *(_with(pair.bias, pair.bias_interval), _with(pair.spread, pair.spread_interval)),
            *(_p(pair.holm), _number(pair.rank_biserial, 2), "yes" if pair.differs else "no"),
        ]
        for d, pair in pairs[:_SHOWN]
    ]
    headers = ["by", "key frame", "A", "B", "bias of A beyond B, %", "spread of A beyond B, %"]
    headers += ["Mann-Whitney p (Holm)", "rank-biserial", "differ"]
    table = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True)
    hidden = len(pairs) - len(rows)
    return table + (f"\n\n{hidden} more pairs are in `bias.json`." if hidden > 0 else "")


def _as_moved(biases: Sequence[Bias]) -> str:
    rows = []
    for bias in sorted(biases, key=lambda b: (b.group, KEYS.index(b.key))):
        moved = bias.plain["percent"]
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
