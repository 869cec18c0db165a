"""The corrected workbook has the new key frames and is otherwise unchanged."""

import csv
import re
from dataclasses import replace
from zipfile import ZipFile

import openpyxl
import pytest

from gamdss.config import FramesConfig
from gamdss.data import corrected_workbook
from gamdss.data.annotations import read_annotations
from gamdss.data.corrected_workbook import write_corrected
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import RunError
from gamdss.records import KeyFrames
from gamdss.synthetic.dataset import TRUE_ANNOTATION


def moved(clip):
    onset, apex, offset = clip.annotated.numbers
    return KeyFrames(onset, apex + 1, offset + 2)


def read(name, file, task):
    return read_annotations(get_spec(name), file, task)


def cells(file):
    book = openpyxl.load_workbook(file)
    return {s.title: [[c.value for c in line] for line in s.iter_rows()] for s in book}


@pytest.mark.parametrize(
    ("name", "task"), [("cas2", "c5"), ("samm", "c8"), ("mmew", "c6"), ("casme2sq", "c4")]
)
def test_only_the_key_frames_change(name, task, made, tmp_path):
    spec, root = get_spec(name), made(name)
    original = find_workbook(spec, root)
    before = original.read_bytes()
    clips = read(name, original, task).clips
    path = write_corrected(spec, original, tmp_path, clips, [moved(clip) for clip in clips])
    assert path.name == f"{original.stem}_reselected.xlsx"
    assert original.read_bytes() == before
    again = read(name, path, task).clips
    assert [c.annotated.numbers for c in again] == [moved(c).numbers for c in clips]
    assert [replace(c, annotated=None) for c in again] == [
        replace(c, annotated=None) for c in clips
    ]
    differ = 0
    for title, lines in cells(original).items():
        for old, new in zip(lines, cells(path)[title], strict=True):
            differ += sum(a != b for a, b in zip(old, new, strict=True))
            assert [type(a) for a in old] == [type(b) for b in new]
    # Two key frames moved; SAMM's duration follows from them.
    assert differ == (3 if "duration" in spec.columns else 2) * len(clips)


def earlier(clip):
    onset, apex, offset = clip.annotated.numbers
    return KeyFrames(onset - 1, apex, offset)


def test_clips_keep_names_and_folders_that_contain_the_original_onset(made, tmp_path):
    spec, root = get_spec("cas3"), made("cas3")
    original = find_workbook(spec, root)
    clips = read("cas3", original, "c7").clips
    keys = [earlier(clip) for clip in clips]
    path = write_corrected(spec, original, tmp_path / "first", clips, keys)
    again = read("cas3", path, "c7").clips
    assert [clip.id for clip in again] == [clip.id for clip in clips]
    assert [clip.annotated.numbers for clip in again] == [key.numbers for key in keys]
    finder = FrameFinder(spec, root, FramesConfig(missing="nearest"))
    for clip, before in zip(again, clips, strict=True):
        assert finder.find(clip).folder == finder.find(before).folder
    path = write_corrected(spec, path, tmp_path / "second", again, keys)
    assert [clip.id for clip in read("cas3", path, "c7").clips] == [clip.id for clip in clips]
    perfect = find_workbook(spec, root / TRUE_ANNOTATION)
    assert [clip.id for clip in read("cas3", perfect, "c7").clips] == [clip.id for clip in clips]


def test_rows_of_one_recording_in_a_plain_table_keep_their_names(tmp_path):
    file = tmp_path / "lab.csv"
    file.write_text("subject;clip;onset;offset;emotion\n1;a;3;9;joy\n1;a;30;40;fear\n")
    clips = read_annotations(get_spec("csv", file), file, "c2").clips
    keys = [earlier(clip) for clip in clips]
    path = write_corrected(get_spec("csv", file), file, tmp_path / "out", clips, keys)
    lines = path.read_text().splitlines()
    assert lines[1] == "1;a;2;9;joy;a_3"
    less = tmp_path / "less.csv"  # one of the rows alone has a name as well
    less.write_text("\n".join([*lines[:2], "2;b;3;9;fear;b_4"]))
    few = read_annotations(get_spec("csv", less), less, "c2").clips
    assert [clip.id for clip in few] == ["1/a_3", "2/b_4"]
    again = read_annotations(get_spec("csv", path), path, "c2").clips
    assert [clip.id for clip in again] == [clip.id for clip in clips]


def test_sheets_widths_and_formats_are_unchanged(made, tmp_path):
    spec, original = get_spec("cas2"), find_workbook(get_spec("cas2"), made("cas2"))
    book = openpyxl.load_workbook(original)
    book.active.column_dimensions["A"].width = 33
    book.active["D2"].font = openpyxl.styles.Font(bold=True)
    book.create_sheet("Notes")["B3"] = "by two coders"
    mine = tmp_path / "mine.xlsx"
    book.save(mine)
    clips = read("cas2", mine, "c5").clips
    path = write_corrected(spec, mine, tmp_path / "out", clips, [moved(c) for c in clips])
    copy = openpyxl.load_workbook(path)
    assert copy["Notes"]["B3"].value == "by two coders"
    assert copy.worksheets[0].column_dimensions["A"].width == 33
    assert copy.worksheets[0]["D2"].font.bold


def test_formulas_become_the_values_that_they_had(tmp_path):
    """As a spreadsheet program stores them, the formula and its value."""
    file = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    rows = ["subject", "clip", "onset", "offset", "emotion", "duration"]
    for row in (rows, ["a", "1", 5, 20, "fear", "=D2-C2+1"], ["b", "2", 6, 30, "joy", 1]):
        book.active.append(row)
    book.save(file)
    computed(file, "D2-C2+1", "16")
    spec = get_spec("csv", str(file))
    clips = read_annotations(spec, file, "c2").clips
    path = write_corrected(spec, file, tmp_path / "out", clips, [moved(c) for c in clips])
    ((_, first, _),) = cells(path).values()
    assert first == ["a", "1", 5, 22, "fear", 16]


def computed(file, formula, value):
    """Store the value of a formula in a workbook, as openpyxl cannot."""
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    empty = re.compile(f"<f>{re.escape(formula)}</f><v *(/>|></v>)".encode())
    assert empty.search(parts[sheet])
    parts[sheet] = empty.sub(f"<f>{formula}</f><v>{value}</v>".encode(), parts[sheet])
    with ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_plain_table(tmp_path):
    file = tmp_path / "clips.csv"
    file.write_text(
        "subject,clip,onset,apex,offset,emotion,who\na,1,5,9,20,happiness,K\nb,2,6,8,30,fear,\n"
    )
    spec = get_spec("csv", str(file))
    clips = read_annotations(spec, file, "c2").clips
    path = write_corrected(spec, file, tmp_path / "out", clips, [moved(c) for c in clips])
    with path.open(newline="") as lines:
        assert list(csv.reader(lines))[1:] == [
            ["a", "1", "5", "10", "22", "happiness", "K"],
            ["b", "2", "6", "9", "32", "fear", ""],
        ]


@pytest.mark.parametrize(
    ("name", "delimiter", "line_end", "encoding"),
    [
        ("t.csv", ";", "\r\n", "utf-8-sig"),
        ("t.tsv", "\t", "\n", "utf-16"),
        ("t.txt", "|", "\n", "utf-8"),
    ],
)
def test_other_cells_and_the_form_of_a_csv_table_do_not_change(
    name, delimiter, line_end, encoding, tmp_path
):
    lines = [
        "subject clip onset apex offset emotion note",
        "a -x {} {} {} fear =1+1",
        "b @y {} {} {} joy +AU4",
    ]
    text = line_end.join(line.replace(" ", delimiter) for line in [*lines, ""])
    file = tmp_path / name
    file.write_bytes(text.format(5, 9, 20, 6, 8, 30).encode(encoding))
    spec = get_spec("csv", str(file))
    clips = read_annotations(spec, file, "c2").clips
    path = write_corrected(spec, file, tmp_path / "out", clips, [moved(c) for c in clips])
    assert path.name == name.replace("t.", "t_reselected.")
    assert path.read_bytes() == text.format(5, 10, 22, 6, 9, 32).encode(encoding)


def test_a_table_is_copied_by_its_content_not_its_suffix(made, tmp_path):
    spec, original = get_spec("cas2"), find_workbook(get_spec("cas2"), made("cas2"))
    clips = read("cas2", original, "c5").clips
    mine = tmp_path / "mine.xls"
    mine.write_bytes(original.read_bytes())
    path = write_corrected(spec, mine, tmp_path, clips, [moved(c) for c in clips])
    assert path.name == "mine_reselected.xlsx"
    assert len(cells(path)) == len(cells(original))
    file = tmp_path / "t.xls"
    file.write_text("subject,clip,onset,offset,emotion\na,1,5,9,joy\nb,2,6,8,fear\n")
    spec = get_spec("csv", str(file))
    clips = read_annotations(spec, file, "c2").clips
    path = write_corrected(spec, file, tmp_path, clips, [moved(c) for c in clips])
    assert path.name == "t_reselected.csv"


def test_without_an_apex_column_the_apex_is_omitted(made, tmp_path):
    spec = get_spec("smic")
    original = find_workbook(spec, made("smic"))
    clips = read("smic", original, "c3").clips
    path = write_corrected(spec, original, tmp_path, clips, [moved(clip) for clip in clips])
    again = read("smic", path, "c3").clips
    assert [c.annotated.offset for c in again] == [c.annotated.offset + 2 for c in clips]


def test_the_original_is_never_replaced(made, tmp_path):
    spec, original = get_spec("cas2"), find_workbook(get_spec("cas2"), made("cas2"))
    mine = tmp_path / "a_reselected.xlsx"
    mine.symlink_to(original)
    clips = read("cas2", original, "c5").clips
    link = tmp_path / "a.xlsx"
    link.symlink_to(original)
    with pytest.raises(RunError, match="would replace the original"):
        write_corrected(spec, link, tmp_path, clips, [moved(c) for c in clips])


def test_text_of_an_old_workbook_does_not_become_a_formula(monkeypatch, tmp_path):
    lines = {"Sheet1": [["Subject", "note"], [1, "=HYPERLINK(1)"]]}
    monkeypatch.setattr(corrected_workbook, "read_sheets", lambda _: lines)
    book = corrected_workbook._old_book(tmp_path / "w.xls")
    assert book["Sheet1"]["B2"].data_type == "s"
