"""Tables in the forms in which owners and programs deliver them."""

import csv
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest

from gamdss.cli import main
from gamdss.config import Config
from gamdss.data.action_units import parse_action_units
from gamdss.data.annotations import read_annotations, scan_annotations
from gamdss.data.check import check_dataset
from gamdss.data.csv_text import csv_lines
from gamdss.data.frames import FrameFinder
from gamdss.data.sheets import read_sheets
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError
from gamdss.records import KeyFrames
from gamdss.studies.bias.shifts import measure_shifts

DFME = get_spec("dfme")
HEADER = [
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Emotion",
    "EmotionId",
    "Fps",
    "AU",
]
PARTS = {
    "training_full_with_AU.xlsx": [["sub0003", "sub0003_01", 5, 9, 12, "Fear", 4, 500, "4+AD31"]],
    "testA_full_with_AU.xlsx": [["sub0200", "sub0200_01", 5, 9, 12, "surprise", 6, 300, "1+2"]],
    "testB_full_with_AU.xlsx": [["sub0300", "sub0300_01", 5, 9, 12, "Anger ", 1, 200, 4]],
}


def write(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


@pytest.fixture
def dfme(tmp_path):
    """The three workbooks of DFME, and a frame of each clip."""
    folders = ("train_data", "test_data_A", "test_data_B")
    for (name, rows), folder in zip(PARTS.items(), folders, strict=True):
        write(tmp_path / name, [HEADER, *rows])
        frames = tmp_path / folder / rows[0][1]
        frames.mkdir(parents=True)
        for number in (5, 9, 12):
            cv2.imwrite(str(frames / f"{number:05d}.png"), np.full((8, 8, 3), 90, np.uint8))
    return tmp_path


def test_training_and_test_sets_of_dfme_are_one_dataset(dfme):
    read = read_annotations(DFME, find_workbook(DFME, dfme), "c7")
    assert [clip.id for clip in read.clips] == [
        *("sub0003/sub0003_01", "sub0200/sub0200_01", "sub0300/sub0300_01"),
    ]
    assert [clip.fps for clip in read.clips] == [500, 300, 200]
    assert [clip.emotion for clip in read.clips] == ["fear", "surprise", "anger"]
    assert read.clips[2].where == "row 2 of testB_full_with_AU.xlsx"
    finder = FrameFinder(DFME, dfme)
    assert finder.find(read.clips[1]).folder == dfme / "test_data_A/sub0200_01"
    found = check_dataset(DFME, Config(dataset="dfme", data_root=str(dfme)), progress=False)
    assert {fault.kind for fault in found.faults} <= {
        *("emotion spelled otherwise", "no folds", "missing frames")
    }


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_dfme_may_be_read_alone(dfme, part):
    file = find_workbook(DFME, dfme, Path(part))
    assert len(read_annotations(DFME, file, "c7").clips) == 1
    assert {42, 41, 176, 259} <= set(DFME.expected["subjects"])


def test_errors_of_parts_name_their_workbook(dfme):
    rows = [["sub0003", "sub0003_01", 5, 9, 12, "fear", 4, "fast", ""]]
    write(dfme / "testB_full_with_AU.xlsx", [HEADER, *rows])
    with pytest.raises(AnnotationError, match=r"testB_full_with_AU.xlsx, row 2: .* row 2 of train"):
        read_annotations(DFME, dfme, "c7")
    write(dfme / "testB_full_with_AU.xlsx", [HEADER, ["sub0300", "x", *rows[0][2:]]])
    with pytest.raises(AnnotationError, match=r"testB_full.* Fps is 'fast'"):
        read_annotations(DFME, dfme, "c7")


def test_milliseconds_follow_the_frame_rate_of_each_clip(dfme):
    clips = read_annotations(DFME, dfme, "c7").clips
    shifts = measure_shifts(clips, [KeyFrames(6, 9, 12)] * 3, [clip.fps for clip in clips])
    assert np.allclose((shifts.frames * shifts.scale("ms"))[:, 0], [2, 1000 / 300, 5])


def test_synthetic_clips_of_dfme_have_a_frame_rate(made):
    root = made("dfme", "native", 3)
    assert {clip.fps for clip in read_annotations(DFME, find_workbook(DFME, root), "c7").clips} == {
        40
    }


def test_action_descriptors_are_units():
    assert parse_action_units("4+AD31, AU12").numbers == {4, 31, 12}
    assert parse_action_units("AD31").notes == ()


def test_the_third_lineage_of_casme2_is_expected():
    expected = get_spec("cas2").expected
    assert 249 in expected["tasks"]["c5"]
    assert 28 in expected["emotions"]["surprise"]


def test_samm_may_have_its_header_in_line_1(tmp_path):
    spec = get_spec("samm")
    write(
        tmp_path / "SAMM.xlsx",
        [
            list(spec.header),
            ["006", "006_1_2", 1, 10, 15, 20, 11, "Micro - 1/2", "R12", "Anger", 7, None],
        ],
    )
    found = check_dataset(spec, Config(dataset="samm", data_root=str(tmp_path)), progress=False)
    assert "notes above the header" not in {fault.kind for fault in found.faults}


TABLE = "subject,clip,onset,apex,offset,emotion,au\nJosé,a,1,3,9,joy,4+7\nben,b,1,3,9,fear,\n"


@pytest.mark.parametrize("delimiter", list(",;\t|"))
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_csv_is_read_as_programs_save_it(tmp_path, delimiter, encoding):
    file = tmp_path / "t.csv"
    file.write_bytes(TABLE.replace(",", delimiter).replace("\n", "\r\n").encode(encoding))
    read = read_annotations(get_spec("csv", file), file, "c2")
    assert [clip.id for clip in read.clips] == ["José/a", "ben/b"]
    assert read.clips[0].action_units == "4+7"


def test_a_semicolon_table_may_have_commas_in_its_cells_and_notes_above(tmp_path):
    file = tmp_path / "t.csv"
    notes = "Coded by A, B, C, and D, in 2020, at 200 fps, by hand, twice\n\n"
    rows = "subject;clip;onset;offset;emotion;au\n1;a;1;9;joy;4,11\n2;b;1;9;fear;1,2,4\n"
    file.write_text(notes + rows)
    (first, _) = read_annotations(get_spec("csv", file), file, "c2").clips
    assert (first.action_units, first.row) == ("4,11", 4)


def test_the_plain_table_may_be_a_workbook(tmp_path):
    lines = list(csv.reader(TABLE.splitlines()))
    file = write(tmp_path / "clips.xlsx", [["notes"], [], *lines])
    read = read_annotations(get_spec("csv", file), file, "c2")
    assert [clip.annotated.apex for clip in read.clips] == [3, 3]
    assert [clip.row for clip in read.clips] == [4, 5]


def test_a_clip_may_have_several_expressions(tmp_path, capsys):
    rows = ["subject,clip,onset,apex,offset,emotion"]
    for brightness, subject in ((0, "ann"), (100, "ben")):
        folder = tmp_path / subject / "talk"
        folder.mkdir(parents=True)
        for number in range(1, 20):
            cv2.imwrite(
                str(folder / f"{number}.jpg"), np.full((16, 16, 3), brightness + number, np.uint8)
            )
        rows += [f"{subject},talk,1,3,6,joy", f"{subject},talk,9,12,15,fear"]
    file = tmp_path / "clips.csv"
    file.write_text("\n".join(rows))
    clips = read_annotations(get_spec("csv", file), file, "c2").clips
    assert [clip.id for clip in clips][:2] == ["ann/talk_1", "ann/talk_9"]
    words = ["check", "--dataset", "csv", "--annotations", str(file), "--task", "c2"]
    assert main([*words, "--data-root", str(tmp_path)]) == 0
    assert "duplicate" not in capsys.readouterr().out
    file.write_text("\n".join([*rows, rows[1]]))
    scan = scan_annotations(get_spec("csv", file), file)
    assert [fault.kind for fault in scan.faults] == ["duplicate row"]


def test_an_unclosed_quote_does_not_swallow_rows(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text(TABLE.replace("ben", '"ben'))
    with pytest.raises(AnnotationError, match=r"row 3: the table is not a CSV file"):
        csv_lines(file)


def test_lines_are_as_long_as_the_header(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("a,b,c\n1\n\n1,2,3,4\n\n")
    (lines,) = read_sheets(file).values()
    assert lines == [["a", "b", "c", ""], ["1", "", "", ""], [""] * 4, ["1", "2", "3", "4"]]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_every_row_of_a_long_table_is_read(tmp_path, suffix):
    rows = [[str(number), "x"] for number in range(200)]
    file = tmp_path / f"t.{suffix}"
    if suffix == "csv":
        file.write_text("\n".join(",".join(row) for row in rows))
    else:
        write(file, rows)
    (lines,) = read_sheets(file).values()
    assert lines == rows


@pytest.mark.parametrize("cell", ["mirco-expression", None])
def test_a_type_of_casme2sq_that_is_misspelled_is_reported(made, tmp_path, cell):
    spec, root = get_spec("casme2sq"), made("casme2sq")
    book = openpyxl.load_workbook(find_workbook(spec, root))
    whole = len(read_annotations(spec, find_workbook(spec, root), "c4").clips)
    sheet = book.worksheets[0]
    for row, value in ((1, cell), (2, "Micro"), (3, "macro")):
        sheet.cell(row, 8).value = value
    book.save(tmp_path / "book.xlsx")
    read = read_annotations(spec, tmp_path / "book.xlsx", "c4")
    assert len(read.clips) == whole - 2
    problem = f"column 8 is {cell or ''!r}, neither micro nor macro"
    assert read.warnings[0] == f"1 row(s) of unknown type left out: {problem} (row 1)"
    with pytest.raises(AnnotationError, match=rf"book.xlsx, row 1: clip .*{problem}\. Correct"):
        read_annotations(spec, tmp_path / "book.xlsx", "c4", strict=True)
    kinds = [fault.kind for fault in scan_annotations(spec, tmp_path / "book.xlsx").warnings]
    assert kinds.count("unknown type") == 1
