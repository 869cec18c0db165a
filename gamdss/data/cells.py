"""What a cell of a table means: text, a frame number, or a mark of absence."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from unicodedata import category, normalize

# Marks that people enter where there is no value, in lower case.
ABSENT = frozenset(
    ("", "/", "\\", "-", "--", "–", "—", "?", ".", "n/a", "na", "nan", "nil", "none", "null")
)
_PREFIX = re.compile(r"^(subject|sub|spno|s|p)[ _.\-]*(?=\d)", re.IGNORECASE)
_WHOLE = re.compile(r"\+?(\d{1,15})(\.0*)?", re.ASCII)


def cell_text(cell: Any) -> str:
    """A cell as text without blanks around it; a whole number has no decimals."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def is_absent(cell: Any) -> bool:
    """Whether the cell is blank, or has one of the marks `ABSENT`."""
    return cell_text(cell).lower() in ABSENT


@lru_cache(1 << 16, typed=True)
def frame_number(cell: Any) -> int | None:
    """The non-negative whole number in a cell, as a number or text; None for anything else."""
    if isinstance(cell, bool):
        return None
    match = _WHOLE.fullmatch(cell_text(cell))
    return None if match is None else int(match[1])


def plain_name(text: str) -> str:
    """A name in composed Unicode (NFC), without characters of zero width."""
    if text.isascii():
        return text
    return normalize("NFC", "".join(c for c in text if category(c) != "Cf"))


def without_prefix(subject: str) -> str:
    """A subject's name without a word such as `sub` before its number: `sub01` is 01."""
    return _PREFIX.sub("", subject)
