"""CSV text in the forms that programs save it: UTF-8 or UTF-16, with any usual delimiter."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gamdss.errors import AnnotationError
from gamdss.files import read_regular

HEADER_WITHIN = 60  # lines; notes may be above the header
MOST_BYTES = 1 << 30
_DELIMITERS = ",;\t|"
_CELL_END = re.compile(rb"[,;\t|\r\n]")
_LONGEST_CELL = 60  # characters that an error shows
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def csv_like(file: Path, lines: Iterable[Sequence[str]]) -> bytes:
    """Lines in the form of the CSV file `file`: its delimiter, line ends and encoding.

    Raises:
        AnnotationError: the file cannot be read, or is something else.
    """
    data = table_bytes(file)
    before, text = _decoded(file, data), io.StringIO()
    line_end = "\r\n" if "\r\n" in before else "\n"
    csv.writer(text, delimiter=_delimiter(before), lineterminator=line_end).writerows(lines)
    mark, encoding = _encoding(data)
    return mark + text.getvalue().encode(encoding)


def csv_lines(
    file: Path, data: bytes | None = None, named_by: str = "--annotations"
) -> list[list[str]]:
    """Lines of a CSV file in UTF-8 or UTF-16, divided by commas, semicolons, tabs or bars.

    Args:
        file: the file.
        data: its content, if it is known.
        named_by: the option that names the file, for the error.

    Raises:
        AnnotationError: the file cannot be read, or is something else.
    """
    data = table_bytes(file, named_by) if data is None else data
    text = _decoded(file, data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    lines = []
    try:
        for line in reader:
            lines.append(line)
    except csv.Error as error:
        raise AnnotationError(
            f"the table is not a CSV file ({error})",
            file=file,
            row=len(lines) + 1,
            remedy="Check the quotes in that row, or save the table as CSV again.",
        ) from error
    return lines


def table_bytes(file: Path, named_by: str = "--annotations") -> bytes:
    """The content of a table file, of up to `MOST_BYTES`; raises as `csv_lines`."""
    try:
        return read_regular(file, MOST_BYTES)
    except OSError as error:
        problem = f"the table cannot be read ({error.strerror or error})"
        raise AnnotationError(problem, file=file, remedy=f"Check {named_by}.") from error


def _encoding(data: bytes) -> tuple[bytes, str]:
    """The mark at the beginning of a text, and its encoding."""
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding = _MARKS.get(mark, "utf-8")
    if not mark and b"\0" in data[:4096]:  # UTF-16 without a mark: the zeros of ASCII letters
        zeros = Counter(place % 2 for place, byte in enumerate(data[:4096]) if not byte)
        encoding = "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return mark, encoding


def _decoded(file: Path, data: bytes) -> str:
    mark, encoding = _encoding(data)
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8" and b"\0" not in data:
            raise _not_utf8(file, data[len(mark) :], error.start) from error
        problem = f"byte {error.start} is not {encoding.upper()}"
    else:
        problem = "it contains zero bytes"
        if "\0" not in text:
            return text
    raise AnnotationError(
        f"the table is not a CSV file ({problem})", file=file, remedy="Save it as CSV in UTF-8."
    )


def _not_utf8(file: Path, data: bytes, place: int) -> AnnotationError:
    """The error for a text whose byte at `place` is not UTF-8, with its cell in Windows-1252."""
    before, after = (_CELL_END.split(part) for part in (data[:place], data[place:]))
    cell = (before[-1] + after[0]).decode("cp1252", errors="replace").strip()
    return AnnotationError(
        f"the table is not in UTF-8, which {cell[:_LONGEST_CELL]!r} in this row shows",
        file=file,
        row=data.count(b"\n", 0, place) + 1,
        remedy="Save it as CSV in UTF-8 (spreadsheet programs call it CSV UTF-8).",
    )


def _delimiter(text: str) -> str:
    """The character that divides the most lines into the same, largest number of cells."""
    lines = text[: 1 << 16].splitlines()[:HEADER_WITHIN]

    def cells(delimiter: str) -> int:
        counts = Counter(len(line) for line in csv.reader(lines, delimiter=delimiter))
        return max(((count - 1) * lines for count, lines in counts.items()), default=0)

    return max(_DELIMITERS, key=cells)
