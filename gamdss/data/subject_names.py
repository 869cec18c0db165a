"""Spellings of a subject: `Sub01`, `s1` and `1`."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(subject|sub|spno|s|p)[ _.\-]*(?=\d)")


def without_prefix(subject: str) -> str:
    """A case-folded subject without a known prefix of its number, such as `sub`."""
    return _PREFIX.sub("", subject)
