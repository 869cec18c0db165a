"""Datasets as data: one YAML file each, found here by name or anywhere by path."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gamdss.data.specs.plain import PLAIN, plain_spec
from gamdss.data.specs.reader import read_spec
from gamdss.data.specs.spec import Correction, DatasetSpec, Layout, Task
from gamdss.errors import ConfigError, did_you_mean

FOLDER = Path(__file__).parent
# Datasets of long recordings, which `gamdss.data.long_tables` reads.
LONG_VIDEOS = ("casme2sq", "sammlv", "cas3lv")


@cache
def spec_names() -> tuple[str, ...]:
    """Names of the datasets that have a spec in this folder."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.yaml")))


# Of datasets that are called otherwise here, with the similar name of another dataset.
_OTHER_NAMES = dict.fromkeys(("casme2", "casmeii"), "cas2")


def get_spec(
    name: str, annotations: str | Path | None = None, data_root: str | Path | None = None
) -> DatasetSpec:
    """The spec of a dataset.

    Args:
        name: a name among `spec_names()`, the path of a YAML file, or `csv`.
        annotations: the table of a `csv` dataset, whose tasks follow from its emotions.
        data_root: where a relative path of the table is looked up after the working directory.

    Raises:
        ConfigError: the name is unknown (lists the known ones), or the spec is invalid.
    """
    if name == PLAIN:
        return plain_spec(annotations, data_root)
    if name in spec_names():
        return _shipped(name)
    if is_spec_file(name):
        return read_spec(Path(name).expanduser())
    if name in LONG_VIDEOS:
        raise ConfigError(
            f"{name} has long recordings, not clips",
            remedy="It is for `gamdss spot --dataset` and `gamdss synth --recordings N`.",
        )
    known = (*spec_names(), PLAIN)
    likely = _OTHER_NAMES.get(name.lower(), name)
    raise ConfigError(
        f"there is no dataset called {name!r}",
        remedy=f"{did_you_mean(likely, known)}Use one of: {', '.join(known)}; or the path of a "
        "spec (a .yaml file).",
    )


def is_spec_file(name: str) -> bool:
    """Whether a dataset is named by the file of its spec."""
    return name.lower().endswith((".yaml", ".yml"))


@cache
def _shipped(name: str) -> DatasetSpec:
    return read_spec(FOLDER / f"{name}.yaml")


__all__ = [
    "FOLDER",
    "LONG_VIDEOS",
    "Correction",
    "DatasetSpec",
    "Layout",
    "Task",
    "get_spec",
    "is_spec_file",
    "spec_names",
]
