"""Damaged and hostile files end with an error that names them, soon and in little memory."""

import contextlib
import io
import os
import random
import re
import sys
import zipfile
from collections import Counter

import openpyxl
import pytest
from openpyxl.chart import BarChart

from gamdss.cli import main
from gamdss.config import Config
from gamdss.data import csv_text, sheets
from gamdss.data.annotations import read_annotations, scan_annotations
from gamdss.data.check import check_dataset
from gamdss.data.sheets import read_sheets
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, GamdssError

HEADER = ["subject", "clip", "onset", "apex", "offset", "emotion"]
ROWS = [HEADER, ["a", "c", 1, 5, 9, "joy"], ["b", "c", 1, 5, 9, "fear"]]


def book(rows=ROWS):
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    return made


def saved(made):
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


GOOD = saved(book())


def rewritten(name, change):
    """The good workbook with one of its parts changed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as source, zipfile.ZipFile(target, "w") as out:
        for part in source.namelist():
            data = source.read(part)
            out.writestr(part, change(data) if part == name else data)
    return target.getvalue()


def with_cell(place):
    row = re.search(r"\d+", place)[0]
    cell = f'<row r="{row}"><c r="{place}"><v>1</v></c></row></sheetData>'.encode()
    return rewritten("xl/worksheets/sheet1.xml", lambda d: d.replace(b"</sheetData>", cell))


@pytest.mark.parametrize("place", ["XFD1048576", "XFD2"])
def test_a_lone_far_cell_costs_nothing(tmp_path, place):
    file = tmp_path / "t.xlsx"
    file.write_bytes(with_cell(place))
    (lines,) = read_sheets(file).values()
    assert lines[:3] == ROWS
    assert len(lines) == 3
    assert len(get_spec("csv", file).tasks) == 1


def test_a_row_that_no_sheet_has_is_refused(tmp_path):
    file = tmp_path / "t.xlsx"
    file.write_bytes(with_cell("A1000000000"))
    with pytest.raises(AnnotationError, match="a cell below row 1048576"):
        read_sheets(file)


def test_too_many_cells_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MOST_CELLS", 10)
    for name, data in (("t.xlsx", GOOD), ("t.csv", b"a,b,c\n" * 9)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(AnnotationError, match="more than 10 cells"):
            read_sheets(tmp_path / name)


def test_too_many_bytes_are_refused(tmp_path, monkeypatch):
    (tmp_path / "t.xlsx").write_bytes(GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(sheets, "MOST_BYTES", 5000)  # unpacked
        with pytest.raises(AnnotationError, match="MB of content"):
            read_sheets(tmp_path / "t.xlsx")
    monkeypatch.setattr(csv_text, "MOST_BYTES", 5000)
    (tmp_path / "t.csv").write_bytes(b"a" * 5001)
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_sheets(tmp_path / "t.csv")


def test_a_chart_sheet_may_come_first(tmp_path):
    made = book()
    made.create_chartsheet("Chart", 0).add_chart(BarChart())
    made.save(tmp_path / "t.xlsx")
    assert list(read_sheets(tmp_path / "t.xlsx").values()) == [ROWS]
    assert len(get_spec("csv", tmp_path / "t.xlsx").tasks) == 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A4"><f>1+1</f><v>2</v></c>', 2),
        ('<c r="A4" t="str"><f>""</f><v></v></c>', ""),
        ('<c r="A4"><f>1+1</f><v /></c>', None),
        ('<c r="A4" s="1"><f t="shared" si="0"/></c>', None),
    ],
)
def test_a_formula_that_nothing_computed_is_refused(tmp_path, cell, value):
    row = f'<row r="4">{cell}<c r="B4"><v>3</v></c></row></sheetData>'.encode()
    file = tmp_path / "t.xlsx"
    change = lambda d: d.replace(b"</sheetData>", row)  # noqa: E731
    file.write_bytes(rewritten("xl/worksheets/sheet1.xml", change))
    if value is None:
        with pytest.raises(AnnotationError, match="cell A4 contains a formula without a value"):
            read_sheets(file)
    else:
        (lines,) = read_sheets(file).values()
        assert lines[3][:2] == [value, 3]


def test_an_encrypted_workbook_says_so(tmp_path):
    file = tmp_path / "t.xlsx"
    stream = "EncryptedPackage".encode("utf-16-le")
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + stream + bytes(500))
    with pytest.raises(AnnotationError, match="is encrypted"):
        read_sheets(file)


def damaged(seed):
    rng = random.Random(seed)
    data = bytearray(GOOD)
    if seed % 3 == 0:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(1 + seed % 30):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("block", range(4))
def test_a_damaged_workbook_is_read_or_refused(tmp_path, block):
    for seed in range(block * 15, block * 15 + 15):
        file = tmp_path / f"{seed}.xlsx"
        file.write_bytes(damaged(seed))
        with contextlib.suppress(AnnotationError):
            read_sheets(file)
    old = tmp_path / "t.xls"
    old.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + random.Random(block).randbytes(3000))
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_sheets(old)


def mutated(seed):
    """A table with some of its characters changed, doubled, or lost."""
    rng = random.Random(seed)
    text = list("\n".join(",".join(map(str, row)) for row in ROWS))
    for _ in range(1 + seed % 8):
        place = rng.randrange(len(text))
        text[place] = rng.choice(['"', "\n", ",", ";", "\t", "", "0", "-", "\u200b", "é", "=", "/"])
    return "".join(text)


@pytest.mark.parametrize("block", range(4))
def test_a_mutated_table_is_read_or_refused(tmp_path, block):
    file = tmp_path / "t.csv"
    for seed in range(block * 40, block * 40 + 40):
        file.write_text(mutated(seed), encoding="utf-8")
        with contextlib.suppress(GamdssError):
            scan = scan_annotations(get_spec("csv", file), file)
            assert len(scan.clips) + len(scan.faults) <= len(scan.table.rows)


@pytest.fixture(params=["fifo", "device", "loop", "dangling", "folder"])
def odd(request, tmp_path):
    """A path that is no regular file."""
    path = tmp_path / "odd.csv"
    if request.param == "fifo":
        os.mkfifo(path)
    elif request.param == "device":
        path.symlink_to("/dev/zero")
    elif request.param == "loop":
        path.symlink_to(path)
    elif request.param == "dangling":
        path.symlink_to(tmp_path / "absent")
    else:
        path.mkdir()
    return path


def test_only_files_are_read_as_tables_and_settings(odd, tmp_path, capsys):
    for words in (
        ["check", "--dataset", "csv", "--annotations", str(odd), "--data-root", str(tmp_path)],
        ["check", "--dataset", str(odd.rename(tmp_path / "odd.yaml")), "--data-root", "."],
        ["train", "--config", str(tmp_path / "odd.yaml")],
    ):
        assert main(words) == 2
        shown = capsys.readouterr().err
        assert shown.count("error: ") == 1
        assert "odd." in shown


BOMBS = {
    "aliases": "a0: &a0 [x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 12)),
    "depth": "a: " + "[" * 400 + "]" * 400,
    "maps": "{a: " * 5000 + "1" + "}" * 5000,
    "cycle": "a: &a [*a]",
    "bytes": "a: \x00",
    "long": "a: " + "x" * 5_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("option", ["--dataset", "--config"])
def test_yaml_that_grows_or_nests_without_end_is_refused(tmp_path, capsys, name, option):
    file = tmp_path / "bomb.yaml"
    file.write_text(BOMBS[name])
    words = ["check", "--data-root", "."] if option == "--dataset" else ["train"]
    assert main([*words, option, str(file)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("error: ") == 1
    assert "bomb.yaml" in shown
    assert len(shown) < 2000


@pytest.mark.parametrize(
    "text",
    [
        *('data_root: "a\\0b"', "seed: null", 'output: "a\\0b"', 'annotations: "a\\0"'),
        *("seed: 1\nseed: 2", "training: {learning_rate: .inf}", "training: {weight_decay: .inf}"),
    ],
)
def test_settings_that_no_program_can_use(tmp_path, capsys, text):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    assert main(["train", "--config", str(file)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("error: ") == 1
    assert text.split(":")[0].replace("_", "-") in shown.replace("_", "-")


@pytest.mark.parametrize("option", ["--data-root", "--annotations", "--output", "--cache"])
def test_a_name_that_is_too_long_for_the_system(tmp_path, capsys, option):
    words = ["train", "--data-root", str(tmp_path), "--cache", str(tmp_path), option, "x" * 5000]
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert shown.count("error: ") == 1
    assert "Traceback" not in shown


def test_a_long_table_is_checked_with_few_steps_a_row(tmp_path):
    """Calls are counted, since seconds differ: 62 a row are 10 s for a million rows."""
    steps = []
    for rows in (300, 600):
        file = tmp_path / f"{rows}.csv"
        lines = [
            f"p{i % 50},c{i},{i},{i + 5},{i + 9},{('joy', 'fear')[i % 2]}" for i in range(rows)
        ]
        file.write_text("\n".join([",".join(HEADER), *lines]))
        config = Config(dataset="csv", annotations=str(file), data_root=str(tmp_path), task="c2")
        calls = Counter()
        sys.setprofile(lambda _, event, __, calls=calls: calls.update([event]))
        try:
            found = check_dataset(get_spec("csv", file), config, progress=False)
        finally:
            sys.setprofile(None)
        assert found.tasks["c2"].total() == rows
        assert [fault.kind for fault in found.faults] == ["no frame folder"]
        steps.append(calls["call"] + calls["c_call"])
    assert (steps[1] - steps[0]) / 300 < 75


def merged_book(folder, *ranges, name="book.xlsx"):
    """A copy of a table of six rows of two people with these cells merged."""
    rows = [
        HEADER,
        *([who, f"c{n}", 1, 5, 9, ("joy", "fear")[n % 2]] for who in "ab" for n in range(3)),
    ]
    made = book([[*row, *([4] if n else ["action_units"])] for n, row in enumerate(rows)])
    for cells in ranges:
        made.active.merge_cells(cells)
    made.save(folder / name)
    return folder / name


@pytest.mark.parametrize(
    ("cells", "column"), [("A2:A4", "subject"), ("F3:F5", "emotion"), ("C3:D3", "apex")]
)
def test_merged_cells_are_named_once(tmp_path, cells, column):
    file = merged_book(tmp_path, cells)
    found = scan_annotations(get_spec("csv", file), file)
    assert [fault.kind for fault in found.faults] == ["merged cells"]
    assert not found.warnings
    message = rf"row 3.*: cells {cells} are merged, so {column} is blank .*\. Unmerge the cells and"
    with pytest.raises(AnnotationError, match=message.replace("row 3", "row [34]")):
        read_annotations(get_spec("csv", file), file, "c2")


def test_merged_action_units_stop_only_what_learns_them(tmp_path):
    file = merged_book(tmp_path, "G2:G4")
    assert len(read_annotations(get_spec("csv", file), file, "c2").clips) == 6
    with pytest.raises(AnnotationError, match="cells G2:G4 are merged, so action_units is blank"):
        read_annotations(get_spec("csv", file), file, "au")


def test_merged_cells_outside_the_table_do_not_matter(tmp_path):
    file = merged_book(tmp_path, "H2:I4", "A9:C9")
    assert len(read_annotations(get_spec("csv", file), file, "c2").clips) == 6


def test_merged_cells_of_casme2sq_are_named(made, tmp_path):
    root = made("casme2sq")
    spec = get_spec("casme2sq")
    changed = openpyxl.load_workbook(find_workbook(spec, root))
    changed.worksheets[0].merge_cells("A1:A2")
    changed.save(tmp_path / "book.xlsx")
    with pytest.raises(AnnotationError, match=r"row 2: cells A1:A2 are merged[\s\S]*Unmerge"):
        read_annotations(spec, tmp_path / "book.xlsx", "c4")


def test_one_of_two_equal_sheets_is_not_chosen_silently(tmp_path):
    made = book()
    other = made.create_sheet("Copy", 0)
    for row in [*ROWS[:2], ["b", "c", 1, 5, 9, "joy"]]:
        other.append(row)
    made.save(tmp_path / "t.xlsx")
    message = (
        r"t\.xlsx: sheets 'Copy' and 'Sheet' have the same columns and different rows\n"
        r"Keep one of them in a copy of the workbook, and name it with --annotations"
    )
    with pytest.raises(AnnotationError, match=message):
        get_spec("csv", tmp_path / "t.xlsx")
    other.cell(3, 6).value = "fear"  # now they are the same
    made.create_sheet("Template", 0).append(HEADER)
    made.save(tmp_path / "t.xlsx")
    assert len(scan_annotations(get_spec("csv", tmp_path / "t.xlsx"), tmp_path / "t.xlsx").clips)


def test_the_sheet_that_a_spec_names_wins(made, tmp_path):
    spec, root = get_spec("samm"), made("samm")
    changed = openpyxl.load_workbook(find_workbook(spec, root))
    assert changed.sheetnames == ["MICRO_ONLY"]
    copy = changed.copy_worksheet(changed.active)
    copy.delete_rows(15)
    changed.move_sheet(copy, -1)
    changed.save(tmp_path / "book.xlsx")
    whole = read_annotations(spec, find_workbook(spec, root), "c8").clips
    assert read_annotations(spec, tmp_path / "book.xlsx", "c8").clips == whole
    changed["MICRO_ONLY"].title = "Sheet1"
    changed.save(tmp_path / "book.xlsx")
    with pytest.raises(AnnotationError, match=r"sheets '.*Copy' and 'Sheet1' have the same"):
        read_annotations(spec, tmp_path / "book.xlsx", "c8")
    del changed[copy.title]
    changed.save(tmp_path / "book.xlsx")
    assert read_annotations(spec, tmp_path / "book.xlsx", "c8").clips == whole
