"""Datasets as data: one file for each, found by name."""

from __future__ import annotations

from gamdss.data.specs.cas2 import CAS2
from gamdss.data.specs.spec import Columns, DatasetSpec, Task
from gamdss.errors import ConfigError

SPECS: dict[str, DatasetSpec] = {spec.name: spec for spec in (CAS2,)}


def get_spec(name: str) -> DatasetSpec:
    """The spec of the dataset called `name`; an unknown name lists the known ones."""
    if name not in SPECS:
        raise ConfigError(
            f"there is no dataset called {name!r}", remedy=f"Use one of: {', '.join(SPECS)}."
        )
    return SPECS[name]


__all__ = ["SPECS", "Columns", "DatasetSpec", "Task", "get_spec"]
