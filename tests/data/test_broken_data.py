"""Broken data stops a run with a message that says where and what to do."""

import shutil

import cv2
import numpy as np
import openpyxl
import pytest
from workbook_edits import WORKBOOK, edit, frame, row_of

from gamdss.cli import main


def test_the_error_for_no_data_has_three_lines(capsys):
    assert main(["train"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 3
    assert "--data-root" in lines[0]
    assert "http://casme.psych.ac.cn/casme/e2" in lines[1]
    assert "--demo" in lines[2]


def test_no_such_data_root(refused, tmp_path):
    assert f"{tmp_path / 'absent'}: there is no such folder" in refused(tmp_path / "absent")


def test_no_or_several_workbooks(refused, data):
    shutil.copy(data / WORKBOOK, data / "CASME2-coding-20140508.xlsx")
    assert "there are 2 workbooks" in refused(data)
    for file in data.glob("*.xlsx"):
        file.unlink()
    assert "there is no CASME II workbook" in refused(data)


def test_a_renamed_column(refused, data):
    edit(data, 1, "ApexFrame", "Apex")
    assert f"{data / WORKBOOK}, row 1: column 'ApexFrame' (apex) is missing" in refused(data)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("ApexFrame", 0, "onset after apex"),
        ("ApexFrame", 9999, "apex after offset"),
        ("OffsetFrame", None, "OffsetFrame is missing"),
        ("Filename", "../EP02_01", "path separator"),
        ("Filename", "EP02/01", "path separator"),
    ],
)
def test_a_bad_cell(refused, data, column, value, message):
    edit(data, 3, column, value)
    shown = refused(data)
    assert f"{data / WORKBOOK}, row 3: " in shown
    assert message in shown


def test_a_zero_length_clip(refused, data):
    edit(data, 3, "OffsetFrame", row_of(data, 3)["OnsetFrame"])
    assert "zero-length clip" in refused(data)


@pytest.mark.parametrize("cell", ["/", None, "unclear"])
def test_a_missing_apex_under_strict(refused, data, cell):
    edit(data, 4, "ApexFrame", cell)
    assert "row 4: " in refused(data, "--strict")


@pytest.mark.slow
def test_a_missing_apex_and_an_unknown_emotion_cause_warnings(
    data, small_options, tmp_path, caplog
):
    edit(data, 4, "ApexFrame", "/")
    edit(data, 5, "Estimated Emotion", "boredom")
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "run")]
    assert main([*words, "--training.epochs", "1", "--folds", "01"]) == 0
    assert "1 missing apex(es) filled by the midpoint" in caplog.text
    assert "1 row(s) with unknown emotion left out: 'boredom' (1)" in caplog.text
    assert "midpoint" in (tmp_path / "run" / "keyframes.csv").read_text()


def test_an_unknown_emotion_under_strict(refused, data):
    edit(data, 5, "Estimated Emotion", "boredom")
    shown = refused(data, "--strict")
    assert "row 5: " in shown
    assert "'boredom'" in shown


def test_a_missing_clip_folder(refused, data):
    folder = frame(data, 6).parent
    shutil.rmtree(folder)
    shown = refused(data)
    assert f"{folder}: " in shown
    assert "(row 6 of the workbook) has no folder" in shown


def test_a_missing_annotated_frame(refused, data):
    path = frame(data, 7, "OffsetFrame")
    path.unlink()
    shown = refused(data)
    assert f"{path}: " in shown
    assert "(row 7 of the workbook): the annotated offset frame" in shown


@pytest.mark.slow
def test_a_missing_frame_inside_a_window_is_skipped_with_a_note(
    data, small_options, tmp_path, caplog
):
    keys = row_of(data, 2)
    window = frame(data, 2).parent / f"reg_img{keys['ApexFrame'] - 1}.jpg"
    window.unlink()
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "run")]
    extra = ["--reselection.ratio", "0.5", "--training.epochs", "1", "--folds", "01"]
    assert main([*words, *extra]) == 0
    assert f"{keys['ApexFrame'] - 1} missing" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty (0 bytes)"), (b"not a jpeg", "not an image")]
)
def test_an_unreadable_frame(refused, data, content, message):
    path = frame(data, 2)
    path.write_bytes(content)
    shown = refused(data)
    assert f"{path}: clip " in shown
    assert "(row 2 of the workbook)" in shown
    assert message in shown


@pytest.mark.slow
def test_frames_of_mixed_size(refused, data, small_options, tmp_path):
    path = frame(data, 2, "OffsetFrame")
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (50, 60)))
    shown = refused(data)
    assert f"{path}: clip " in shown
    assert "this one is 60x50, the apex frame 72x64" in shown
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "ok")]
    assert (
        main([*words, "--training.epochs", "1", "--folds", "01", "--frames.mixed-size", "resize"])
        == 0
    )


@pytest.mark.slow
def test_grey_frames(refused, data, small_options, tmp_path):
    for path in frame(data, 2).parent.iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    shown = refused(data)
    assert "the frame is grey" in shown
    assert "--frames.grey accept" in shown
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "ok")]
    assert main([*words, "--training.epochs", "1", "--folds", "01", "--frames.grey", "accept"]) == 0


def test_one_subject_only(refused, data):
    for row in range(2, 14):
        edit(data, row, "Subject", 1)
        edit(data, row, "Filename", f"EP{row:02d}_01")
        (data / "Cropped" / "sub01" / f"EP{row:02d}_01").mkdir(exist_ok=True, parents=True)
    book = openpyxl.load_workbook(data / WORKBOOK)
    book.active.delete_rows(6, 20)
    book.save(data / WORKBOOK)
    shutil.rmtree(data / "Cropped")
    for row in range(2, 6):
        cells = row_of(data, row)
        folder = data / "Cropped" / "sub01" / cells["Filename"]
        folder.mkdir(parents=True)
        for number in range(cells["OnsetFrame"], cells["OffsetFrame"] + 1):
            cv2.imwrite(str(folder / f"reg_img{number}.jpg"), np.full((32, 32, 3), 90, np.uint8))
    assert "there is only one subject (01)" in refused(data)


def test_a_clip_copied_to_another_subject_is_found(data, refused):
    first = row_of(data, 2)
    book = openpyxl.load_workbook(data / WORKBOOK)
    copy = {**first, "Subject": 2, "Filename": "EP99_01"}
    book.active.append([copy.get(cell.value) for cell in book.active[1]])
    book.save(data / WORKBOOK)
    clip = frame(data, 2).parent
    shutil.copytree(clip, data / "Cropped" / "sub02" / "EP99_01")
    message = refused(data)
    assert f"which has a frame of clip 01/{first['Filename']} (row 2)" in message or (
        "which has a frame of clip 02/EP99_01" in message
    )


def test_a_class_that_only_one_subject_has(refused, data):
    edit(data, 2, "Estimated Emotion", "disgust")
    assert "all clips of class disgust are held out together" in refused(data)
