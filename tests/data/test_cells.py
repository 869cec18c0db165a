"""Cells that are not what they should be are refused with their value; names are unified."""

import datetime

import openpyxl
import pytest

from gamdss.data.annotations import read_annotations, scan_annotations
from gamdss.data.cells import ABSENT, frame_number, is_absent
from gamdss.data.folders import Folders, folded
from gamdss.data.specs import get_spec
from gamdss.errors import AnnotationError

HEADER = ["subject", "clip", "onset", "apex", "offset", "emotion"]
NO_NUMBERS = [
    *("46frames", "#REF!", "1_0", "1e3", "4,6", "0x10", "46.5", "-3", "inf", "TRUE", "１２"),
    *(True, 46.5, -3, datetime.datetime(2026, 1, 2)),
]


def table(tmp_path, *rows):
    book = openpyxl.Workbook()
    for row in [HEADER, *rows]:
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    return get_spec("csv", tmp_path / "t.xlsx"), tmp_path / "t.xlsx"


@pytest.mark.parametrize("cell", NO_NUMBERS, ids=str)
@pytest.mark.parametrize("place", [2, 3, 4])
def test_a_cell_that_is_no_frame_number_is_refused_with_its_value(tmp_path, place, cell):
    row = ["a", "c", 1, 5, 9, "joy"]
    row[place] = cell
    spec, file = table(tmp_path, row, ["b", "c", 1, 5, 9, "fear"])
    with pytest.raises(AnnotationError, match="row 2: ") as caught:
        read_annotations(spec, file, "c2")
    assert f"{HEADER[place]} is {cell!r}" in str(caught.value) or str(cell) in str(caught.value)
    assert "missing" not in str(caught.value)


@pytest.mark.parametrize("cell", [*sorted(ABSENT - {""}), None, "N/A", " - "], ids=str)
def test_only_known_marks_of_absence_make_an_apex_the_midpoint(tmp_path, cell):
    spec, file = table(tmp_path, ["a", "c", 1, cell, 9, "joy"], ["b", "c", 1, 4, 9, "fear"])
    (first, _) = read_annotations(spec, file, "c2").clips
    assert (first.annotated.apex, first.annotated.estimated) == (5, ("apex",))


@pytest.mark.parametrize(
    ("cell", "number"), [(46, 46), ("46", 46), (46.0, 46), ("46.0", 46), (" 046 ", 46), ("+4", 4)]
)
def test_numbers_and_their_texts_are_frame_numbers(cell, number):
    assert frame_number(cell) == number
    assert not is_absent(cell)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("Bob", "bob"),
        ("1", "01"),
        ("p1", "P001"),
        ("Jos\xe9", "Jose\u0301"),
        ("ann", "a\u200bnn"),
        ("ann lee", "ann  lee"),
        ("李", "\ufeff李"),
        ("１", "1"),
        ("Ｂob", "bob"),
        ("Strauß", "STRAUSS"),
    ],
)
def test_one_person_is_one_subject_however_spelled(tmp_path, first, other):
    rows = [[first, "c1", 1, 5, 9, "joy"], [other, "c2", 1, 5, 9, "fear"]]
    spec, file = table(tmp_path, *rows, ["zoe", "c3", 1, 5, 9, "fear"])
    read = read_annotations(spec, file, "c2")
    assert set(read.subjects) == {first, "zoe"}
    (note,) = [line for line in read.warnings if "spelling" in line]
    assert "(row 3)" in note
    left, right = note.split(": ", 1)[1].rsplit(" (row", 1)[0].split(" is taken as ")
    assert left != right


def test_two_people_stay_two(tmp_path):
    rows = [["1", "c", 1, 5, 9, "joy"], ["10", "c", 1, 5, 9, "fear"], ["a1", "c", 1, 5, 9, "joy"]]
    spec, file = table(tmp_path, *rows)
    read = read_annotations(spec, file, "c2")
    assert len(read.subjects) == 3
    assert not read.warnings


@pytest.mark.parametrize("role", [0, 1])
@pytest.mark.parametrize("name", ["a\nb", "a\x1b[2Jb", "a\x7f", "a/b", "..", "x" * 201, "a\x9bb"])
def test_names_that_cannot_be_folders_are_refused(tmp_path, role, name):
    row = ["a", "c", "1", "5", "9", "joy"]
    row[role] = name
    lines = [HEADER, row, ["b", "c", "1", "5", "9", "fear"]]
    file = tmp_path / "t.csv"
    file.write_text("\n".join(",".join(f'"{cell}"' for cell in line) for line in lines), "utf-8")
    (fault,) = scan_annotations(get_spec("csv", file), file).faults
    assert fault.kind in ("unusable subject", "unusable clip")
    assert not set(fault.problem) & set("\n\x1b\x7f\x9b")


def test_folders_are_found_in_other_forms_of_unicode(tmp_path):
    (tmp_path / "Jose\u0301 01").mkdir()
    assert Folders().descend(tmp_path, "jos\xe9 1") == tmp_path / "Jose\u0301 01"
    assert folded("000") == "0"
