"""Reading intact and broken workbooks in CASME II's native form."""

from pathlib import Path

import openpyxl
import pytest

from gamdss.data.annotations import read_annotations
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, ConfigError, DataRootError

SPEC = get_spec("cas2")
GOOD = [
    [1, "EP02_01f", None, 46, 59, 86, None, "12", "happiness"],
    ["02", "EP03_02", None, "10", 20.0, 40, None, "4+7", "Others "],
    [2, "EP03_05", None, 1, 8, 30, None, 4, "disgust"],
    [26, "EP15_01", None, 5, 15, 25, None, "1+2", "fear"],
]


def write(path: Path, rows: list, header: list | None = None) -> Path:
    book = openpyxl.Workbook()
    for row in [list(SPEC.header) if header is None else header, *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.fixture
def workbook(tmp_path):
    return write(tmp_path / "CASME2-coding-20190701.xlsx", GOOD)


def changed(tmp_path: Path, column: str, value: object, row: int = 0) -> Path:
    rows = [list(r) for r in GOOD]
    rows[row][SPEC.header.index(column)] = value
    return write(tmp_path / "changed.xlsx", rows)


def test_clips_are_read_and_normalised(workbook):
    read = read_annotations(SPEC, workbook, "c5")
    assert [c.id for c in read.clips] == ["01/EP02_01f", "02/EP03_02", "02/EP03_05"]
    assert read.labels == (0, 4, 2)
    assert read.clips[1].annotated.numbers == (10, 20, 40)
    assert read.clips[1].emotion == "others"
    assert read.clips[2].action_units == "4"
    assert [c.row for c in read.clips] == [2, 3, 4]
    assert read.subjects == ("01", "02")
    assert "leaves out" in read.warnings[0]


def test_three_classes_fold_negative_emotions_and_drop_others(workbook):
    read = read_annotations(SPEC, workbook, "c3")
    assert [(c.emotion, read.classes[k]) for c, k in zip(read.clips, read.labels, strict=True)] == [
        ("happiness", "happiness"),
        ("disgust", "negative"),
        ("fear", "negative"),
    ]


@pytest.mark.parametrize("cell", ["/", None, "", " ", "none"])
def test_a_missing_apex_becomes_the_midpoint_with_a_warning(tmp_path, cell):
    file = changed(tmp_path, "ApexFrame", cell)
    read = read_annotations(SPEC, file, "c5")
    assert read.clips[0].annotated.numbers == (46, 66, 86)
    assert "midpoint" in read.clips[0].annotated.notes[0]
    assert any("1 missing apex" in w and "01/EP02_01f (row 2" in w for w in read.warnings)
    with pytest.raises(AnnotationError, match=r"row 2: .*ApexFrame is missing"):
        read_annotations(SPEC, file, "c5", strict=True)


def test_an_unknown_emotion_is_counted_or_refused(tmp_path):
    file = changed(tmp_path, "Estimated Emotion", "boredom")
    read = read_annotations(SPEC, file, "c5")
    assert len(read.clips) == 2
    assert any("1 row(s) with unknown emotion" in w and "boredom" in w for w in read.warnings)
    with pytest.raises(AnnotationError, match=r"row 2: .*unknown emotion 'boredom'"):
        read_annotations(SPEC, file, "c5", strict=True)


def test_a_blank_emotion_is_counted_or_refused(tmp_path):
    file = changed(tmp_path, "Estimated Emotion", " ")
    read = read_annotations(SPEC, file, "c5")
    assert len(read.clips) == 2
    assert "1 row(s) without an emotion left out: row 2" in read.warnings
    with pytest.raises(AnnotationError, match=r"row 2: .*Estimated Emotion is blank"):
        read_annotations(SPEC, file, "c5", strict=True)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("ApexFrame", 40, "onset after apex"),
        ("ApexFrame", 90, "apex after offset"),
        ("OffsetFrame", 46, "zero-length clip"),
        ("OffsetFrame", 12, "onset after offset"),
        ("OffsetFrame", "/", "OffsetFrame is missing"),
        ("OnsetFrame", 46.5, r"OnsetFrame is 46\.5\. It must be a non-negative integer\.$"),
        ("ApexFrame", 66.5, "non-negative integer, or blank"),
        ("OnsetFrame", -3, "non-negative integer"),
        ("Filename", "../EP02_01f", "path separator"),
        ("Filename", "a/b", "path separator"),
        ("Filename", "..", "path separator"),
        ("Filename", "", "Filename is blank"),
        ("Subject", None, "Subject is blank"),
    ],
)
def test_a_bad_cell_is_named_with_file_row_and_value(tmp_path, column, value, message):
    file = changed(tmp_path, column, value)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_annotations(SPEC, file, "c5")
    assert str(caught.value).startswith(f"{file}, row 2: ")


def test_all_bad_rows_are_listed_at_once(tmp_path):
    rows = [list(r) for r in GOOD]
    for row in rows[:3]:
        row[4] = 999
    with pytest.raises(AnnotationError) as caught:
        read_annotations(SPEC, write(tmp_path / "w.xlsx", rows), "c5")
    assert all(f"row {n}: " in str(caught.value) for n in (2, 3, 4))


def test_a_duplicate_clip_is_refused(tmp_path):
    file = write(tmp_path / "w.xlsx", [*GOOD, GOOD[0]])
    with pytest.raises(AnnotationError, match=r"row 6: clip EP02_01f .* already in row 2"):
        read_annotations(SPEC, file, "c5")


def test_a_missing_column_is_named_with_the_closest_match(tmp_path):
    header = ["Apex Frame" if h == "ApexFrame" else h for h in SPEC.header]
    with pytest.raises(AnnotationError, match=r"'ApexFrame' \(apex\) is missing") as caught:
        read_annotations(SPEC, write(tmp_path / "w.xlsx", GOOD, header), "c5")
    assert "Is it 'Apex Frame'?" in str(caught.value)


def test_the_closest_match_is_not_a_column_that_is_read(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("subject,clip,start,offset,emotion\n1,a,1,9,joy\n1,b,1,9,fear\n")
    with pytest.raises(AnnotationError, match="column 'onset'") as caught:
        read_annotations(get_spec("csv", file), file, "c2")
    assert "Is it" not in str(caught.value)
    file.write_text("subject,clip,onset,offset_frame,emotion\n1,a,1,9,joy\n1,b,1,9,fear\n")
    with pytest.raises(AnnotationError, match=r"Is it 'offset_frame'\?"):
        read_annotations(get_spec("csv", file), file, "c2")


def test_blank_rows_and_column_order_do_not_matter(tmp_path):
    order = [8, 0, 1, 5, 4, 3, 7]
    rows = [[r[i] for i in order] for r in GOOD]
    file = write(tmp_path / "w.xlsx", [rows[0], [], *rows[1:]], [SPEC.header[i] for i in order])
    read = read_annotations(SPEC, file, "c5")
    assert [(c.name, c.row) for c in read.clips] == [
        ("EP02_01f", 2),
        ("EP03_02", 4),
        ("EP03_05", 5),
    ]


def test_a_file_that_is_not_a_workbook(tmp_path):
    file = tmp_path / "w.xlsx"
    file.write_text("no workbook")
    with pytest.raises(AnnotationError, match="workbook cannot be read"):
        read_annotations(SPEC, file, "c5")


def test_a_task_without_clips(tmp_path):
    file = write(tmp_path / "w.xlsx", [GOOD[3]])
    with pytest.raises(AnnotationError, match="no row has an emotion of task 'c5'"):
        read_annotations(SPEC, file, "c5")


def test_the_workbook_is_found_by_any_known_name(tmp_path, workbook):
    assert find_workbook(SPEC, tmp_path) == workbook


def test_no_or_several_workbooks(tmp_path):
    with pytest.raises(DataRootError, match="no CASME II workbook"):
        find_workbook(SPEC, tmp_path)
    for name in SPEC.workbooks[:2]:
        write(tmp_path / name, GOOD)
    with pytest.raises(DataRootError, match=r"2 workbooks[\s\S]*--annotations"):
        find_workbook(SPEC, tmp_path)
    chosen = tmp_path / SPEC.workbooks[1]
    assert find_workbook(SPEC, tmp_path, chosen) == chosen


def test_paths_that_do_not_exist(tmp_path):
    with pytest.raises(DataRootError, match="no such folder"):
        find_workbook(SPEC, tmp_path / "absent")
    with pytest.raises(DataRootError, match="no such workbook"):
        find_workbook(SPEC, tmp_path, tmp_path / "absent.xlsx")


@pytest.mark.parametrize("name", ["casme2", "CASMEII"])
def test_casme_ii_is_not_taken_for_the_dataset_with_a_similar_name(name):
    with pytest.raises(ConfigError, match="Did you mean 'cas2'"):
        get_spec(name)


def test_errors_for_unknown_datasets_and_tasks_list_the_known_ones(workbook):
    with pytest.raises(ConfigError, match="cas2"):
        get_spec("cas9")
    with pytest.raises(ConfigError, match="c5, c3"):
        read_annotations(SPEC, workbook, "c9")


def test_the_folds_of_the_original_follow_from_the_data(tmp_path):
    """5 classes have 26 subjects; 3 classes have 25: subject 18 has only clips of `others`."""
    rows = []
    for subject in range(1, 27):
        shown = ["others"] if subject == 18 else ["happiness", "surprise", "disgust", "others"]
        for index, emotion in enumerate(shown, start=1):
            rows.append([subject, f"EP{index:02d}_01", None, 1, 9, 20, None, "4", emotion])
    file = write(tmp_path / "CASME2-coding-20140508.xlsx", rows)
    five, three = (read_annotations(SPEC, file, task).subjects for task in ("c5", "c3"))
    assert five == tuple(f"{n:02d}" for n in range(1, 27))
    assert three == tuple(name for name in five if name != "18")
