"""What a run was trained on, as its `data.json` identifies it, compared with what is there now."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gamdss.errors import RunError
from gamdss.training.run_files import read_json

_IDENTITY = ("frames", "labels")
# Values of `data.json` that identify nothing. `format` is the version of the store of frames.
DESCRIPTIONS = frozenset(("grey", "fps", "format"))
# What else results depend on, by its name in `data.json`.
_INPUTS = {
    "folds": "the folds, such as those of the file that --protocol.split names,",
    "initial_weights": "the weights that --init-from names",
    "model_weights": "the weights that --model.weights names",
    "classes": "the names of the classes",
}
RESTORE = (
    "Restore them, and the file of --reselection.annotators if there was one, or choose another "
    "directory with --output."
)


def same_data(first: Any, second: Any) -> bool:
    """Whether the values of two `data.json` describe the same data.

    Both must have digests of frames and labels. Other values are compared if both have them, but
    for descriptions and the dataset's title, which a plain table has from its file. Frames are not
    compared if an earlier version computed their digest in another way; titles are then.
    """
    shared = in_both(first, second) - DESCRIPTIONS
    if not shared:
        return False
    if first.get("digest", 1) != second.get("digest", 1):
        return "labels" in shared and all(
            first[name] == second[name] for name in shared - {"digest", "frames"}
        )
    return shared.issuperset(_IDENTITY) and all(
        first[name] == second[name] for name in shared - {"dataset"}
    )


def in_both(first: Any, second: Any) -> frozenset[str]:
    """Names of the values that two `data.json` have, such as `identified` of `differences`."""
    if not isinstance(first, Mapping) or not isinstance(second, Mapping):
        return frozenset()
    return frozenset(first.keys() & second.keys())


def changed_input(first: Any, second: Any) -> str:
    """What alone differs between two `data.json` besides data; blank if nothing or more does."""
    if isinstance(first, Mapping) and isinstance(second, Mapping) and not same_data(first, second):
        for name, what in _INPUTS.items():
            if same_data({**first, name: second.get(name)}, second):
                return what
    return ""


def other_version(first: Any, second: Any) -> bool:
    """Whether two versions of gamdss wrote two `data.json` that differ only in their frames.

    Another version may find other key frames, which are frames of the store.
    """
    return (
        isinstance(first, Mapping)
        and isinstance(second, Mapping)
        and first.get("format") != second.get("format")
        and not same_data(first, second)
        and same_data({**first, "frames": second.get("frames")}, second)
    )


def require_same_data(file: Path, data: Mapping[str, Any], remedy: str = RESTORE) -> None:
    """Refuse a run on other data, folds or initial weights than `data`.

    Args:
        file: its `data.json`.
        data: the current values of it.
        remedy: what to do if something has changed.

    Raises:
        RunError: says what has changed.
    """
    stored = read_json(file)
    if same_data(stored, data):
        return
    if changed := changed_input(stored, data):
        problem = f"{changed} have changed since the run was started"
    elif other_version(stored, data):
        problem = (
            "the key frames differ: another version of gamdss started this run, or the frames "
            "have changed since"
        )
        remedy = (
            "Install the version that `environment.json` names, or train again. If frames have "
            "changed, restore them."
        )
    else:
        problem = "the run was started on other data: the workbook or the frames have changed since"
    raise RunError(problem, file=file, remedy=remedy)
