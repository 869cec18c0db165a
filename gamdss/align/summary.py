"""What became of all clips: a table for the terminal, `alignment.csv` for everything else."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from gamdss.align.clip import ALIGNED, FAILED, RELAXED, Outcome
from gamdss.files import write_atomic

CSV_NAME = "alignment.csv"
HEADER = (
    *("clip", "status", "frame", "left", "top", "right", "bottom", "angle", "scale"),
    *("settings", "frames", "problem"),
)
_SHOWN = 20
_NAMES = {ALIGNED: "aligned", RELAXED: "aligned with relaxed settings", FAILED: "failed"}


def summary(outcomes: Sequence[Outcome]) -> str:
    """Counts of clips and crops, by the settings that worked, and the clips that failed."""
    clips = Counter(outcome.status for outcome in outcomes)
    crops: Counter[str] = Counter()
    ways: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        crops[outcome.status] += outcome.frames
        ways.setdefault(outcome.status, Counter())[outcome.settings] += 1
    relaxed = ", ".join(f"{way} {n}" for way, n in ways.get(RELAXED, Counter()).most_common())
    rows = [
        (name, clips[status], crops[status], relaxed if status == RELAXED else "")
        for status, name in _NAMES.items()
    ]
    text = tabulate(rows, ("", "clips", "crops", "what helped"), tablefmt="simple")
    failed = [f"  {o.id}: {o.problem}" for o in outcomes if o.status == FAILED]
    hidden = len(failed) - _SHOWN
    if failed:
        more = [f"  and {hidden} more, in {CSV_NAME}"] if hidden > 0 else []
        text = "\n".join([text, "", "failed:", *failed[:_SHOWN], *more])
    return text


def write_csv(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write a line for each clip; boxes are pixels of the raw frames, angles degrees."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for outcome in outcomes:
        pose = outcome.pose
        found: tuple[object, ...] = ("",) * 7
        if pose is not None:
            box = [f"{edge:.2f}" for edge in pose.box]
            found = (outcome.frame, *box, f"{pose.angle:.3f}", f"{outcome.scale:.5f}")
        writer.writerow(
            (
                *(outcome.id, outcome.status, *found),
                *(outcome.settings, outcome.frames, outcome.problem),
            )
        )
    write_atomic(path, lambda target: target.write_text(text.getvalue(), encoding="utf-8"))
