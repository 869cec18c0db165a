"""`gamdss check` finds every planted fault in one pass and reports which prevent training."""

import csv
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from gamdss.cli import main
from gamdss.config import Config, FramesConfig
from gamdss.data.check import check_dataset
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import Task, get_spec
from gamdss.errors import DataRootError
from gamdss.report.check_report import check_text
from gamdss.synthetic.settings import FAULTS

HARMLESS = {
    "missing apex",
    "unknown emotion",
    "emotion spelled otherwise",
    "notes above the header",
    "missing frames",
    "file named otherwise",
    "folder named otherwise",
}


def check(name, root, **config):
    spec = get_spec(name)
    task = config.pop("task", next(iter(spec.tasks)))
    wanted = Config(dataset=name, task=task, data_root=str(root), **config)
    return check_dataset(spec, wanted, "keys", progress=False)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("cas2", "raw"),
        ("samm", "native"),
        ("smic", "cropped"),
        ("cas3", "clips"),
        ("cas3", "videos"),
        ("casme2sq", "cropped"),
    ],
)
def test_every_planted_fault_is_found(made, name, layout, capsys):
    root = made(name, layout, 8, None, FAULTS)
    with (root / "faults.csv").open(newline="") as lines:
        planted = list(csv.DictReader(lines))
    assert len(planted) >= 10
    found = check(name, root)
    for fault in planted:
        kinds = {f.kind for f in found.faults if f.row == int(fault["row"])}
        assert fault["kind"] in kinds, fault
    assert not found.trainable
    for fault in found.faults:
        assert fault.stops == (fault.kind not in HARMLESS), fault
    shown = check_text(found, rows=2)
    for fault in planted:
        assert f"{fault['kind']}: " in shown
    code = main(["check", "--dataset", name, "--data-root", str(root), "--task", found_task(name)])
    assert code == 1
    assert "stop training" in capsys.readouterr().out


def found_task(name):
    return next(iter(get_spec(name).tasks))


def test_a_valid_dataset_can_be_trained_on(made, capsys):
    root = made("samm", None, 5)
    words = ["check", "--dataset", "samm", "--data-root", str(root), "--decode", "all"]
    assert main(words) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "This can be trained on." in shown
    assert "clips 10 159 differs" in shown
    assert "c5 10 136 differs 2 anger 2, contempt 2, happiness 2, surprise 2, others 2" in shown
    assert "0 frame(s) decoded" not in shown


def test_decoding_all_frames_finds_faults_outside_the_key_frames(made, tmp_path):
    root = shutil.copytree(made("samm", None, 5), tmp_path / "data")
    folder = root / "SAMM_CROP/001/001_1_1"
    last = sorted(folder.iterdir())[-1]
    last.write_bytes(b"\xff\xd8 cut")
    spec, config = get_spec("samm"), Config(dataset="samm", data_root=str(root))
    for how, kinds in (("none", []), ("keys", []), ("all", ["truncated frame"])):
        found = check_dataset(spec, config, how, progress=False)
        assert [fault.kind for fault in found.faults] == kinds


def test_a_dataset_without_frames_or_subjects(made, tmp_path):
    root = made("samm", None, 5)
    workbook = next(root.glob("*.xlsx"))
    shutil.copy(workbook, tmp_path)
    assert [fault.kind for fault in check("samm", tmp_path).faults] == ["no frame folder"]


def test_moved_key_frames_are_reported(made):
    root = made("samm", "native", 8, None, FAULTS)
    found = check("samm", root, frames=FramesConfig(missing="nearest"))
    moved = [fault for fault in found.faults if fault.kind == "key frame moved"]
    assert len(moved) == 1
    assert not moved[0].stops
    assert "missing key frame" not in {fault.kind for fault in found.faults}


def test_check_asks_for_a_folder_and_a_known_task(made, capsys):
    assert main(["check", "--dataset", "samm"]) == 2
    assert "--data-root is missing" in capsys.readouterr().err
    assert main(["check", "--dataset", "smic+samm", "--data-root", "."]) == 2
    assert "Check each on its own: smic, samm." in capsys.readouterr().err
    assert main(["check", "--dataset", "samm", "--clip-list", "list.csv"]) == 2
    assert "clip" in capsys.readouterr().err
    root = made("samm", None, 5)
    assert main(["check", "--dataset", "samm", "--data-root", str(root), "--task", "c9"]) == 2
    assert "Use one of: c5, c3" in capsys.readouterr().err


def test_datasets_lists_tasks_sizes_and_request_pages(capsys):
    assert main(["datasets"]) == 0
    shown = capsys.readouterr().out
    for text in (
        "samm",
        "c5 (136)",
        "860 or 921",
        "cas3lv",
        "1300",
        "http://www.dpailab.com/database.html",
    ):
        assert text in shown
    assert main(["datasets", "--show", "samm"]) == 0
    assert "title: SAMM" in capsys.readouterr().out
    assert main(["datasets", "--show", "samn"]) == 2
    assert "Did you mean 'samm'" in capsys.readouterr().err


def test_expected_versions_of_a_workbook_are_all_right(made):
    found = check("samm", made("samm", None, 5))
    exact = replace(found, spec=replace(found.spec, expected={"clips": [9, 10]}))
    assert "9 or 10" in check_text(exact, 1)
    assert "ok" in check_text(exact, 1)


@pytest.fixture
def table(tmp_path):
    """Two people with a frame folder for each clip, and what writes their table."""
    rng = np.random.default_rng(0)
    for clip in ("a1", "a2", "b1", "b2"):
        (tmp_path / clip).mkdir()
        for number in range(1, 6):
            image = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            cv2.imwrite(str(tmp_path / clip / f"{number}.png"), image)

    def write(*rows):
        file = tmp_path / "t.csv"
        lines = ["subject,clip,onset,apex,offset,emotion,au", *rows]
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    return write


ROWS = ("a,a1,1,3,5,fear,4", "a,a2,1,3,5,joy,12", "b,b1,1,3,5,fear,4", "b,b2,1,3,5,joy,12")


def checked(file, which="keys", task="c2", **frames):
    looked = FramesConfig(pattern="{clip}/{frame}.png", **frames)
    config = Config(dataset="csv", task=task, data_root=str(file.parent), frames=looked)
    return check_dataset(get_spec("csv", file), replace(config, annotations=str(file)), which)


def stopping(file, *about, **options):
    found = checked(file, *about, **options)
    return [(fault.kind, fault.row) for fault in found.faults if fault.stops]


def test_frames_of_mixed_size_stop_a_training(table):
    file = table(*ROWS)
    large = np.full((9, 8, 3), 7, np.uint8)
    cv2.imwrite(str(file.parent / "a2" / "2.png"), large)  # not a key frame
    assert stopping(file) == []
    assert stopping(file, "all") == [("frames of mixed size", 3)]
    cv2.imwrite(str(file.parent / "b1" / "1.png"), large + 1)
    assert stopping(file) == [("frames of mixed size", 4)]
    assert stopping(file, "all", mixed_size="resize") == []


def test_padded_names_of_a_plain_table_are_as_good_as_others(table):
    file = table(*ROWS)
    folder = (file.parent / "a1").rename(file.parent / "a001")
    (folder / "1.png").rename(folder / "00001.png")
    assert checked(file).faults == ()


def test_videos_in_place_of_frames_are_named(table):
    file = table("1,a,1,3,5,fear,4", "2,a,1,3,5,joy,12")
    for subject in "12":
        (file.parent / subject).mkdir()
        (file.parent / subject / "a.mp4").touch()
    with pytest.raises(DataRootError, match=r"videos, such as 1/a\.mp4\n(.|\n)*gamdss align"):
        FrameFinder(get_spec("csv", file), file.parent)


def test_the_same_frames_of_two_subjects_stop_a_training(table):
    same = "b,a1,1,3,5,fear,"
    file = table(*ROWS, same + "4")
    assert stopping(file) == [("same frames of two subjects", 6)]
    later = table(*ROWS, "b,a1,2,3,5,fear,4")  # annotated otherwise
    assert stopping(later) == [("same frames of two subjects", 6)]
    shutil.copytree(file.parent / "a1", file.parent / "a3")
    assert stopping(table(*ROWS, "a,a3,1,3,5,fear,4")) == []  # of one subject
    assert stopping(table(*ROWS, same), task="au") == []  # the task leaves the clip out


def test_action_units_that_cannot_be_evaluated_stop_a_training(table):
    assert stopping(table(*ROWS), task="au") == []
    for cells in ("4", "4", "9", "9"), ("", "", "", ""):
        rows = [row[: row.rindex(",") + 1] + cell for row, cell in zip(ROWS, cells, strict=True)]
        assert stopping(table(*rows), task="au") == [("no folds", 0)]


def test_faults_of_clips_that_the_task_leaves_out_stop_no_training(table):
    file = table(*ROWS, "a,a3,1,3,5,calm,1")
    wanted = [("missing clip folder", 6)]
    assert stopping(file, task="c3")[:1] == wanted
    joined = {"fear": "x", "joy": "y"}
    spec = get_spec("csv", file)
    pair = replace(spec, tasks={**spec.tasks, "pair": Task(("x", "y"), joined)})
    looked = FramesConfig(pattern="{clip}/{frame}.png")
    config = Config(dataset="csv", task="pair", data_root=str(file.parent), frames=looked)
    found = check_dataset(pair, replace(config, annotations=str(file)))
    assert [(f.kind, f.row) for f in found.faults] == wanted
    assert found.trainable
    assert "missing clip folder: 1 (does not stop training)" in check_text(found, 3)


def test_a_frame_that_a_clip_of_the_task_shares_stops_a_training(table):
    file = table("a,a1,1,2,3,calm,1", "a,a1,3,4,5,fear,4", *ROWS[1:])
    (file.parent / "a1" / "3.png").write_bytes(b"no image")
    spec = get_spec("csv", file)
    pair = replace(spec, tasks={"pair": Task(("x", "y"), {"fear": "x", "joy": "y"})})
    looked = FramesConfig(pattern="{clip}/{frame}.png")
    config = Config(dataset="csv", task="pair", data_root=str(file.parent), frames=looked)
    found = check_dataset(pair, replace(config, annotations=str(file)))
    assert [(f.kind, f.row) for f in found.faults if f.stops] == [("unreadable frame", 3)]
