"""`gamdss datasets`: supported datasets and their request pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tabulate import tabulate

from gamdss.config.command_line import Command
from gamdss.data.long_tables import LONG_SPECS
from gamdss.data.specs import FOLDER, DatasetSpec, get_spec, spec_names
from gamdss.data.specs.plain import PLAIN
from gamdss.errors import ConfigError


@dataclass
class Options:
    """List datasets, their tasks, sizes and request pages.

    Args:
        show: print the spec of this dataset, or of a file, a template for a custom one.
    """

    show: str | None = None


def run(options: Options) -> None:
    """Print the table, or one spec."""
    if options.show == PLAIN:
        raise ConfigError(
            "a plain table needs no spec: its columns are known, and its emotions are its own",
            remedy="`gamdss check --dataset csv --annotations FILE --data-root FOLDER` shows how a "
            "table is read.",
        )
    if options.show is not None:
        get_spec(options.show)  # raises an error with the known names
        shipped = options.show in spec_names()
        file = FOLDER / f"{options.show}.yaml" if shipped else Path(options.show).expanduser()
        print(file.read_text(encoding="utf-8"), end="")
        return
    specs = [get_spec(name) for name in spec_names()]
    rows = [
        (
            spec.name,
            spec.title,
            versions(spec.expected.get("clips")),
            versions(spec.expected.get("subjects")),
            _tasks(spec),
        )
        for spec in specs
    ]
    header = ("--dataset", "", "clips", "subjects", "--task (clips)")
    print(tabulate(rows, header, tablefmt="simple", disable_numparse=True))
    print("\nLong recordings, for gamdss spot --dataset and gamdss synth --recordings:\n")
    longs = LONG_SPECS.values()
    columns = ("--dataset", "", "fps", "recordings", "subjects", "micro", "macro")
    lengths = [
        (one.name, one.title, one.fps, one.recordings, one.subjects, one.micro, one.macro)
        for one in longs
    ]
    print(tabulate(lengths, columns, tablefmt="simple"))
    for one in longs:
        if one.name not in spec_names():
            print(f"\n{one.name}: {one.reference}\n  {one.request_page}")
    for spec in specs:
        print(f"\n{spec.name}: {spec.reference}\n  {spec.request_page}")
        for note in spec.notes:
            print(f"  - {note}")


def _tasks(spec: DatasetSpec) -> str:
    sizes = spec.expected.get("tasks", {})
    texts = ((name, versions(sizes.get(name))) for name in spec.task_names)
    return ", ".join(f"{name} ({size})" if size else name for name, size in texts)


def versions(value: Any) -> str:
    """An expected count, or the counts of several versions of a workbook."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    return " or ".join(str(item) for item in items)


COMMAND = Command(run, Options)
