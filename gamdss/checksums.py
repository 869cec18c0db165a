"""Checksums of stored data, verified when it is opened.

CRC-32 finds all damage within 32 neighbouring bits, and any other but for one in four billion. It
is the fastest in the standard library, and guards against accidents only.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FIELD = "checksum"  # of records
_CHUNK = 1 << 20


class Checksum:
    """A checksum of bytes that are added piece by piece."""

    def __init__(self) -> None:
        self._value = 0

    def add(self, data: bytes | memoryview) -> None:
        """Continue with these bytes."""
        self._value = zlib.crc32(data, self._value)

    def text(self) -> str:
        """The checksum of all bytes so far, eight hexadecimal digits."""
        return f"{self._value:08x}"


def checksum(parts: Iterable[bytes | memoryview]) -> str:
    """The checksum of these bytes, one after another."""
    found = Checksum()
    for part in parts:
        found.add(part)
    return found.text()


def file_checksum(*paths: Path) -> str:
    """The checksum of the contents of files, one after another."""
    found = Checksum()
    for path in paths:
        # Read, not mapped: a disk that cannot read gives an OSError, a mapping kills the process.
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.add(chunk)
    return found.text()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values with their checksum."""
    return {**values, FIELD: values_checksum(values)}


def unsealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were sealed, or values of an earlier version without a checksum.

    Returns:
        The values without the checksum; empty if they do not have the checksum that they state.
    """
    plain = {name: value for name, value in values.items() if name != FIELD}
    return plain if FIELD not in values or values[FIELD] == values_checksum(plain) else {}


def values_checksum(values: Any) -> str:
    """The checksum of plain values; the order of names does not count."""
    return checksum([json.dumps(values, sort_keys=True).encode()])
