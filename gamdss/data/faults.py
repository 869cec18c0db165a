"""What can be wrong with a dataset, and what was mended, as plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, mended, or unlike what the owners deliver.

    Args:
        kind: what it is, in the words of `gamdss check`: "missing apex", "duplicate row" ...
        problem: the sentence that a user reads, with the value that was found.
        row: the row as a spreadsheet program counts it; 0 for none.
        clip: id of the clip, as far as it is known.
        stops: whether it stops a training.
    """

    kind: str
    problem: str
    row: int = 0
    clip: str = ""
    stops: bool = True
