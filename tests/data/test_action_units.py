"""Action units in every notation that the workbooks use."""

import datetime
import math
import os
from pathlib import Path

import pytest

from gamdss.data.action_units import ActionUnit, is_date, parse_action_units
from gamdss.data.annotations import scan_annotations
from gamdss.data.specs import get_spec

HERE = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("GAMDSS_FIXTURES", HERE.parent / "shared" / "fixtures"))


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        (4, [ActionUnit(4)]),
        (4.0, [ActionUnit(4)]),
        ("4+7+L10", [ActionUnit(4), ActionUnit(7), ActionUnit(10, side="L")]),
        ("L12 or L14", [ActionUnit(12, "L", either=1), ActionUnit(14, "L", either=1)]),
        (
            "(R6 or R12)+R15",
            [ActionUnit(6, "R", either=1), ActionUnit(12, "R", either=1), ActionUnit(15, "R")],
        ),
        (
            "R14A or 17A or 24A",
            [
                ActionUnit(14, "R", "A", either=1),
                ActionUnit(17, "", "A", either=1),
                ActionUnit(24, "", "A", either=1),
            ],
        ),
        ("ref(7B)+43C", [ActionUnit(7, "", "B", reference=True), ActionUnit(43, "", "C")]),
        ("4A/B", [ActionUnit(4, intensity="A/B")]),
        ("L12 + 61", [ActionUnit(12, "L"), ActionUnit(61)]),
        ("AU4(k)+L7", [ActionUnit(4, static=True), ActionUnit(7, "L")]),
        ("AUR2+12(k)+45", [ActionUnit(2, "R"), ActionUnit(12, static=True), ActionUnit(45)]),
        ("T28+14", [ActionUnit(28, "T"), ActionUnit(14)]),
        ("4，11", [ActionUnit(4), ActionUnit(11)]),
        ("14,L24,", [ActionUnit(14), ActionUnit(24, "L")]),
        ("13?", [ActionUnit(13, doubtful=True)]),
    ],
)
def test_units(cell, units):
    parsed = parse_action_units(cell)
    assert list(parsed.units) == units
    assert parsed.notes == ()


@pytest.mark.parametrize(
    ("cell", "count", "notes"),
    [
        ("soft focus", 0, ("soft focus",)),
        ("4+eye blink", 1, ("eye blink",)),
        ("M69+L12", 1, ("M69",)),
        ("???", 0, ("???",)),
        ("", 0, ()),
        (None, 0, ()),
        (math.nan, 0, ()),
        ("(((", 0, ()),
        ("12345", 0, ("12345",)),
    ],
)
def test_unparsed_text_becomes_a_note_without_an_error(cell, count, notes):
    parsed = parse_action_units(cell)
    assert (len(parsed.units), parsed.notes) == (count, notes)


@pytest.mark.parametrize(
    "cell",
    [
        datetime.datetime(2026, 4, 15),
        datetime.date(2026, 4, 15),
        *("2026-04-15", "2026-04-15T00:00:00", "2026/4/15", "15.4.2026", "4/15/2026"),
        *("15-Apr", "Apr-15", "15-Apr-26"),
    ],
)
def test_a_date_has_no_units(cell):
    assert is_date(cell)
    parsed = parse_action_units(cell)
    assert parsed.units == ()
    assert parsed.notes == (str(cell),)


@pytest.mark.parametrize("cell", ["4-15", "4-15-26", "4/15", 4.15, "12A/B", "", None, "4 ar 15"])
def test_units_are_no_date(cell):
    assert not is_date(cell)


def test_only_units_that_certainly_moved_are_counted():
    assert parse_action_units("AU4(k)+L7").numbers == {7}
    assert parse_action_units("ref(7B)+43C").numbers == {43}
    assert parse_action_units("(R6 or R12)+R15").numbers == {15}
    assert parse_action_units("13?").numbers == set()


@pytest.mark.skipif(not (FIXTURES / "annotations").is_dir(), reason="no workbooks here")
@pytest.mark.parametrize("name", ["cas3", "cas3c"])
def test_every_cell_of_the_public_workbooks_is_understood(name):
    spec = get_spec(name)
    for clip in scan_annotations(spec, FIXTURES / "annotations" / spec.workbooks[0]).clips:
        parsed = parse_action_units(clip.action_units)
        assert parsed.units, clip
        assert parsed.notes == (), clip
