"""Parse action units as workbooks write them: number, side, intensity, uncertainty.

Action descriptors (`AD31`) count as units: the two have no number in common.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from gamdss.records import UNITS

_UNIT = re.compile(
    r"""(?<![A-Za-z0-9])
    (?:A[UD]\s*)?  # AD: an action descriptor, such as AD31
    (?P<side>[LRTBA](?=\s*\d))?\s*
    (?P<unit>\d{1,2})
    (?P<intensity>[A-E](?:/[A-E])?)?
    (?P<static>\s*\(k\))?
    (?P<doubtful>\s*\?)?
    (?![A-Za-z0-9])""",
    re.IGNORECASE | re.VERBOSE,
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
# What spreadsheet programs make of `4-15`, and how they write it to a CSV file.
_DATE = re.compile(
    rf"""\d{{4}}([-/.])\d{{1,2}}\1\d{{1,2}}(?:[T\s]+\d{{1,2}}:\d\d(?::\d\d(?:\.\d+)?)?)?
    |\d{{1,2}}([-/.])\d{{1,2}}\2\d{{4}}
    |\d{{1,2}}[-\s]{_MONTH}(?:[-\s]\d{{2,4}})?
    |{_MONTH}[-\s]\d{{1,4}}""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
_FULL_WIDTH = str.maketrans("，＋；？（）／", ",+;?()/")
_WHOLE = re.compile(r"\b(\d+)\.0+\b")
_SEPARATORS = re.compile(r"[+,;/&()\s]+|\bor\b|\band\b|\bref\b", re.IGNORECASE)


@dataclass(frozen=True)
class ActionUnit:
    """One unit of the Facial Action Coding System.

    Args:
        unit: its number.
        side: L, R, T, B or A (left, right, top, bottom, asymmetrical) if the coder gave one.
        intensity: A to E, or two such as `A/B`.
        static: already present at the onset, 4DME's `(k)`.
        doubtful: marked with a question mark.
        reference: written as `ref(...)`: present in the neutral face too.
        either: above 0 for alternatives; units with the same number are joined by `or`.
    """

    unit: int
    side: str = ""
    intensity: str = ""
    static: bool = False
    doubtful: bool = False
    reference: bool = False
    either: int = 0


@dataclass(frozen=True)
class ActionUnits:
    """The units of a cell in order, and `notes`: words that are not units."""

    units: tuple[ActionUnit, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> frozenset[int]:
        """Numbers of the units that certainly moved: not static, doubtful, neutral or optional."""
        return frozenset(
            unit.unit
            for unit in self.units
            if not (unit.static or unit.doubtful or unit.reference or unit.either)
        )


def parse_action_units(cell: object) -> ActionUnits:
    """Parse a cell; never raises: whatever is not understood becomes a note.

    A date, which a spreadsheet program makes of `4-15`, has no units.
    Workbooks have `(R6 or R12)+R15`, `ref(7B)+43C`, `4A/B`, `AU4(k)+L7`, `4，11`, `13?`, 4 and 4.0.
    """
    text = "" if cell is None or cell != cell else str(cell)  # noqa: PLR0124 (NaN)
    return _parse(_WHOLE.sub(r"\1", text.translate(_FULL_WIDTH)))


@lru_cache(4096)  # many rows have the same units
def _parse(text: str) -> ActionUnits:
    if is_date(text):
        return ActionUnits(notes=(text,))
    units: list[ActionUnit] = []
    rest = []
    end = group = 0
    for match in _UNIT.finditer(text):
        between = text[end : match.start()]
        rest.append(between)
        alternative = bool(units) and between.strip(" ()").lower() == "or"
        if alternative and not units[-1].either:
            group += 1
            units[-1] = replace(units[-1], either=group)
        reference = between.replace(" ", "").lower().endswith("ref(")
        units.append(_unit(match, reference, group if alternative else 0))
        end = match.end()
    rest.append(text[end:])
    parts = (_SEPARATORS.sub(" ", part) for part in rest)
    notes = tuple(" ".join(part.split()) for part in parts if part.strip())
    return ActionUnits(tuple(units), notes)


def is_date(cell: object) -> bool:
    """Whether a cell is a date, or text in the form of one."""
    return _DATE.fullmatch(str(cell).strip()) is not None


def unit_labels(cell: object) -> tuple[int, ...] | None:
    """1 for each of `UNITS` that moves in a cell's clip, else 0; None if no unit is coded."""
    found = parse_action_units(cell)
    return tuple(int(unit in found.numbers) for unit in UNITS) if found.units else None


def units_text(moving: Sequence[int], names: Sequence[str]) -> str:
    """The units that move, such as AU4+AU7, or `none`."""
    return "+".join(name for name, moves in zip(names, moving, strict=True) if moves) or "none"


def _unit(match: re.Match[str], reference: bool, either: int) -> ActionUnit:
    return ActionUnit(
        unit=int(match["unit"]),
        side=(match["side"] or "").upper(),
        intensity=(match["intensity"] or "").upper(),
        static=match["static"] is not None,
        doubtful=match["doubtful"] is not None,
        reference=reference,
        either=either,
    )
