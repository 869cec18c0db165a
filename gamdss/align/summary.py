"""The outcomes of all clips as a table for the terminal and as `alignment.csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from gamdss.align.clip import ALIGNED, FAILED, LOST, RELAXED, Outcome
from gamdss.files import write_csv

CSV_NAME = "alignment.csv"
HEADER = (
    *("clip", "status", "frame", "left", "top", "right", "bottom", "angle", "scale"),
    *("settings", "frames", "seen", "drift", "problem"),
)
_SHOWN = 20
_NAMES = {
    ALIGNED: "aligned",
    RELAXED: "aligned with relaxed settings",
    LOST: "face lost",
    FAILED: "failed",
}


def summary(outcomes: Sequence[Outcome]) -> str:
    """Numbers of clips and crops by status, the relaxed settings that worked, and the problems."""
    clips = Counter(outcome.status for outcome in outcomes)
    relaxed = Counter(outcome.settings for outcome in outcomes if outcome.status == RELAXED)
    helped = ", ".join(f"{settings} {count}" for settings, count in relaxed.most_common())
    rows = [
        (
            *(name, clips[status]),
            sum(outcome.frames for outcome in outcomes if outcome.status == status),
            helped if status == RELAXED else "",
        )
        for status, name in _NAMES.items()
    ]
    text = tabulate(rows, ("", "clips", "crops", "what helped"), tablefmt="simple")
    lines = [text]
    for title, statuses in (("failed", (FAILED,)), ("lost", (LOST,)), ("note", (ALIGNED, RELAXED))):
        found = [f"  {o.id}: {o.problem}" for o in outcomes if o.problem and o.status in statuses]
        more = len(found) - _SHOWN
        lines += ["", f"{title}:", *found[:_SHOWN]] if found else []
        lines += [f"  and {more} more, in {CSV_NAME}"] if more > 0 else []
    return "\n".join(lines)


def write_outcomes(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one line per clip; boxes in raw pixels, angles in degrees, drift in crop pixels."""
    rows: list[tuple[object, ...]] = [HEADER]
    for outcome in outcomes:
        pose = outcome.pose
        found: tuple[object, ...] = ("",) * 7
        if pose is not None:
            box = [f"{edge:.2f}" for edge in pose.box]
            found = (outcome.frame, *box, f"{pose.angle:.3f}", f"{outcome.scale:.5f}")
        checked = (outcome.seen, outcome.drift)
        end = (outcome.settings, outcome.frames, *checked, outcome.problem)
        rows.append((outcome.id, outcome.status, *found, *end))
    write_csv(path, rows)
