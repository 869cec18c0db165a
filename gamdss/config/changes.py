"""Which settings differ from stored ones, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gamdss.config import flatten


def changes(stored: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    """Every setting whose values differ, with both; a setting that one side lacks is None there.

    Args:
        stored: plain values, nested ones by dotted name.
        current: the same of now.
    """
    before, now = flatten(dict(stored)), flatten(dict(current))
    names = dict.fromkeys((*now, *before))
    return "; ".join(
        f"{name}: {before.get(name)!r} stored, {now.get(name)!r} current"
        for name in names
        if before.get(name) != now.get(name)
    )
