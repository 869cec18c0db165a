"""What `gamdss check` prints."""

from __future__ import annotations

from typing import Any

from gamdss.data.check import Check
from gamdss.data.row_reader import Fault
from gamdss.report.table import Column, Table, terminal

_AGAINST = (Column("found"), Column("expected", "text"), Column("", "text"))


def check_text(found: Check, rows: int) -> str:
    """Counts against expected ones, faults by kind, and the verdict.

    Args:
        found: what the check found.
        rows: how many faults of each kind are shown.
    """
    spec = found.spec
    frames = f"frames: layout {found.layout}" if found.layout else "no frames"
    title = f"{spec.title}: {found.workbook}, sheet {found.scan.table.sheet!r}; {frames}"
    parts = [title, _counts(found), _tasks(found), _faults(found.faults, rows)]
    stopping = sum(fault.stops for fault in found.faults)
    verdict = f"{stopping} fault(s) stop training." if stopping else "This can be trained on."
    decoded = f"{found.decoded} frame(s) decoded."
    return "\n\n".join(part for part in (*parts, f"{decoded} {verdict}") if part)


def _counts(found: Check) -> str:
    expected = found.spec.expected
    subjects = len({clip.subject for clip in found.scan.clips})
    lines = [
        ("clips", len(found.scan.clips), expected.get("clips")),
        ("subjects", subjects, expected.get("subjects")),
    ]
    emotions = expected.get("emotions", {})
    names = dict.fromkeys((*found.spec.emotions, *found.counts))
    lines += [(name, found.counts[name], emotions.get(name)) for name in names]
    rows = [[name, *_against(count, wanted)] for name, count, wanted in lines]
    return terminal(Table([Column("", "label"), *_AGAINST], rows))


def _tasks(found: Check) -> str:
    sizes = found.spec.expected.get("tasks", {})
    rows = []
    for name, classes in found.tasks.items():
        shown = ", ".join(f"{label} {count}" for label, count in classes.items())
        against = _against(classes.total(), sizes.get(name))
        rows.append([name, *against, found.subjects[name], shown])
    columns = [Column("task", "label"), *_AGAINST, Column("subjects"), Column("classes", "text")]
    return terminal(Table(columns, rows))


def _faults(faults: tuple[Fault, ...], rows: int) -> str:
    kinds: dict[tuple[str, bool], list[Fault]] = {}
    for fault in sorted(faults, key=lambda fault: not fault.stops):
        kinds.setdefault((fault.kind, fault.stops), []).append(fault)
    lines = []
    for (kind, stopping), group in kinds.items():
        stops = "stops training" if stopping else "does not stop training"
        lines.append(f"{kind}: {len(group)} ({stops})")
        lines += [f"  {_where(fault)}{fault.problem}" for fault in group[:rows]]
        if len(group) > rows:
            lines.append(f"  and {len(group) - rows} more (--rows {len(group)} shows all)")
    return "\n".join(lines)


def _where(fault: Fault) -> str:
    row = f"row {fault.row}" if fault.row else ""
    where = ", ".join(part for part in (row, fault.clip) if part)
    return f"{where}: " if where else ""


def _against(count: int, wanted: Any) -> list[str | int]:
    """A count, what is expected (a number, several, or None) and whether they agree."""
    allowed = wanted if isinstance(wanted, list) else [] if wanted is None else [wanted]
    verdict = "" if wanted is None else "ok" if count in allowed else "differs"
    return [count, " or ".join(map(str, allowed)), verdict]
