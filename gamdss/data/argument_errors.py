"""Arguments of a Python function named in errors that name options of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gamdss.errors import GamdssError

# An option in a message, with its value if it has one of these.
_OPTION = re.compile(
    r"(?:--(?=annotations|data-root|dataset|task)|(?:--)?\b(?:frames|model|reselection)\.)"
    r"(?P<name>[a-z][a-z_-]*)(?: (?P<value>accept|csv|motion|nearest|resize|FILE|\d+(?:\.\d+)?))?"
)


@contextmanager
def arguments_in_errors() -> Iterator[None]:
    """Name arguments of `KeyFrameDataset` where errors name options of the command line."""
    try:
        yield
    except GamdssError as error:
        remedy = "\n".join(line for line in error.remedy.split("\n") if "--demo" not in line)
        raise type(error)(
            _OPTION.sub(_argument, error.problem),
            remedy=_OPTION.sub(_argument, remedy),
            file=error.file,
            row=error.row,
            kind=error.kind,
        ) from error


def _argument(option: re.Match[str]) -> str:
    """`mixed_size="resize"` for `--frames.mixed-size resize`, and `data_root` for `--data-root`."""
    name = {"dataset": "source"}.get(option["name"], option["name"].replace("-", "_"))
    if (value := option["value"]) is None:
        return name
    return f"{name}={value}" if value == "FILE" or value[0].isdigit() else f'{name}="{value}"'
