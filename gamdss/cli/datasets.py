"""`gamdss datasets`: what can be read, and where to get it."""

from __future__ import annotations

from typing import Any

from jsonargparse import ArgumentParser
from tabulate import tabulate

from gamdss.config.load import new_parser
from gamdss.data.specs import FOLDER, DatasetSpec, get_spec, spec_names


def parser() -> ArgumentParser:
    """Options: whose spec to show."""
    options = new_parser("list datasets, their tasks, sizes and request pages", "datasets")
    options.usage = "gamdss datasets [--show NAME]"
    options.add_argument(
        "--show", help="print one dataset's spec in full: a model for one of your own"
    )
    return options


def run(namespace: Any) -> None:
    """Print the table, or one spec."""
    if namespace.show is not None:
        get_spec(namespace.show)  # an unknown name lists the known ones
        print((FOLDER / f"{namespace.show}.yaml").read_text(encoding="utf-8"), end="")
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
    for spec in specs:
        print(f"\n{spec.name}: {spec.reference}\n  {spec.request_page}")
        for note in spec.notes:
            print(f"  - {note}")


def _tasks(spec: DatasetSpec) -> str:
    sizes = spec.expected.get("tasks", {})
    texts = ((name, versions(sizes.get(name))) for name in spec.tasks)
    return ", ".join(f"{name} ({size})" if size else name for name, size in texts)


def versions(value: Any) -> str:
    """An expected count, or those of several versions of a workbook."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    return " or ".join(str(item) for item in items)
