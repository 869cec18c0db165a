"""The commands as a user types them: what they print, leave and refuse."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest
import torch
import yaml

from gamdss import __version__
from gamdss.cli import main
from gamdss.data.specs import get_spec

ROOT = Path(__file__).parents[1]
WORKBOOK = "CASME2-coding-20241216.xlsx"


@pytest.fixture
def data(small_dataset, tmp_path):
    """A copy of the made dataset that a test may break."""
    return Path(shutil.copytree(small_dataset, tmp_path / "data"))


@pytest.fixture
def refused(capsys, caplog, small_options, tmp_path):
    """Run `gamdss train` on a broken dataset: it must say why in one message, and stop."""

    def run(root, *words):
        output = tmp_path / "run"
        code = main(
            ["train", "--data-root", str(root), *small_options, "--output", str(output), *words]
        )
        shown = capsys.readouterr().err
        assert code == 2
        assert shown.count("error: ") == 1
        assert "Traceback" not in shown
        message = shown[shown.index("error: ") :]
        assert not (output / "results.json").exists()
        return message

    return run


def edit(root, row, column, value):
    book = openpyxl.load_workbook(root / WORKBOOK)
    sheet = book.active
    header = [cell.value for cell in sheet[1]]
    sheet.cell(row, header.index(column) + 1).value = value
    book.save(root / WORKBOOK)


def row_of(root, row):
    sheet = openpyxl.load_workbook(root / WORKBOOK).active
    return dict(zip((c.value for c in sheet[1]), (c.value for c in sheet[row]), strict=True))


def frame(root, row, column="ApexFrame"):
    cells = row_of(root, row)
    folder = root / "Cropped" / f"sub{int(cells['Subject']):02d}" / cells["Filename"]
    return folder / f"reg_img{cells[column]}.jpg"


@pytest.fixture(scope="module")
def finished(small_dataset, small_options, tmp_path_factory):
    """A finished small run: its directory and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    output = folder / "run"
    command = [sys.executable, "-m", "gamdss", "train", "--data-root", str(small_dataset)]
    done = subprocess.run(
        [
            *(*command, *small_options, "--cache", str(folder / "cache")),
            *("--output", str(output), "--tensorboard"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return output, done


def test_a_run_leaves_what_it_names(finished):
    output, done = finished
    for file in ("results.json", "results.md", "confusion.png", "curves.png", "film_strip.png"):
        assert str(output / file) in done.stdout
        assert (output / file).stat().st_size > 0
    assert "final epoch" in done.stdout
    assert "oracle" in done.stdout
    assert "Synthetic clips" in done.stdout
    for bar in ("finding frames", "reselecting key frames", "folds", "epochs", "loss"):
        assert bar in done.stderr
    results = json.loads((output / "results.json").read_text())
    assert [fold["held_out"] for fold in results["folds"]] == ["01", "02", "03"]
    assert results["clips"] == 12
    environment = json.loads((output / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert environment["threads"] == 1
    config = yaml.safe_load((output / "config.yaml").read_text())
    assert config["device"] in ("cpu", "cuda")
    for subject in ("01", "02", "03"):
        left = {p.name for p in (output / "folds" / subject).iterdir()}
        assert left == {"checkpoint.safetensors", "log.csv", "predictions.npz"}
        assert list((output / "tensorboard" / subject).glob("events*"))
    rows = (output / "keyframes.csv").read_text().splitlines()
    assert len(rows) == 13


def test_nothing_in_a_run_directory_is_pickled(finished):
    output, _ = finished
    for file in output.rglob("*"):
        if file.is_file() and file.suffix not in (".safetensors", ".npz"):
            assert not file.read_bytes().startswith((b"\x80", b"PK")), file


def test_started_again_it_finds_everything_done(finished, small_dataset, small_options, capsys):
    output, _ = finished
    before = (output / "results.json").read_bytes()
    words = ["train", "--data-root", str(small_dataset), *small_options, "--output", str(output)]
    assert main(words) == 0
    assert (output / "results.json").read_bytes() == before
    assert "final epoch" in capsys.readouterr().out


def test_a_run_directory_of_another_config(finished, small_dataset, small_options, capsys):
    output, _ = finished
    words = ["train", "--data-root", str(small_dataset), *small_options, "--output", str(output)]
    assert main([*words, "--seed", "7", "--training.learning-rate", "0.1"]) == 2
    message = capsys.readouterr().err
    assert "seed: 2 there, 7 now" in message
    assert "training.learning_rate: 0.0008 there, 0.1 now" in message
    assert "--output" in message


def test_a_run_does_not_continue_on_changed_data(finished, data, small_options, tmp_path, capsys):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    config = (output / "config.yaml").read_text()
    moved = config.replace(yaml.safe_load(config)["data_root"], str(data))
    (output / "config.yaml").write_text(moved)
    words = ["train", "--data-root", str(data), *small_options, "--output", str(output)]
    words += ["--tensorboard"]
    assert main(words) == 0  # the same data at another place
    edit(data, 2, "Estimated Emotion", "others")
    edit(data, 7, "Estimated Emotion", "others")
    assert main(words) == 2
    assert "started on other data" in capsys.readouterr().err


def test_truncated_predictions_of_a_finished_fold(
    finished, small_dataset, small_options, tmp_path, capsys
):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    file = output / "folds" / "02" / "predictions.npz"
    file.write_bytes(file.read_bytes()[:100])
    words = ["train", "--data-root", str(small_dataset), *small_options, "--output", str(output)]
    assert main(words) == 2
    assert f"error: {file}: " in (message := capsys.readouterr().err)
    assert "Delete this file" in message
    file.unlink()
    assert main(words) == 0
    assert (output / "results.json").read_bytes() == (finished[0] / "results.json").read_bytes()


def test_a_training_state_of_another_architecture(
    finished, small_dataset, small_options, tmp_path, capsys
):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    state = output / "folds" / "02" / "training_state.pt"
    (state.parent / "predictions.npz").unlink()
    torch.save({"epoch": 1, "net": {"a": torch.zeros(1)}}, state)
    words = ["train", "--data-root", str(small_dataset), *small_options, "--output", str(output)]
    assert main(words) == 2
    assert f"error: {state}: the weights are of another architecture" in capsys.readouterr().err


TRAINED = [*sorted(ROOT.glob("configs/**/cas2_*.yaml")), ROOT / "configs/samm_c3.yaml"]
TRAINED += [ROOT / "configs/original/cas3_c4.yaml"]


@pytest.mark.parametrize("config", TRAINED, ids=lambda p: str(p.relative_to(ROOT)))
def test_configs_run_to_their_end(config, small_dataset, made, small_options, tmp_path, capsys):
    """Two of each kind; tests/engine/test_config_data.py reads the data of every config."""
    asked = yaml.safe_load(config.read_text())
    root = small_dataset if asked["dataset"] == "cas2" else made(asked["dataset"], None, 8)
    words = ["train", "--config", str(config), "--data-root", str(root), *small_options]
    assert main([*words, "--output", str(tmp_path / "run"), "--training.epochs", "1"]) == 0
    assert "final epoch" in capsys.readouterr().out
    used = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert used["task"] == asked["task"]
    assert used["reselection"] == {"ratio": None, **asked["reselection"]}
    for name in ("keyframes.csv", "annotations.csv"):
        assert (tmp_path / "run" / name).read_text().startswith("subject,clip,")


def test_no_data_is_told_in_three_lines(capsys):
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


def test_mended_rows_are_warned_of(data, small_options, tmp_path, caplog):
    edit(data, 4, "ApexFrame", "/")
    edit(data, 5, "Estimated Emotion", "boredom")
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "run")]
    assert main([*words, "--training.epochs", "1"]) == 0
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


def test_a_missing_frame_inside_a_window_is_skipped_with_a_note(
    data, small_options, tmp_path, caplog
):
    keys = row_of(data, 2)
    window = frame(data, 2).parent / f"reg_img{keys['ApexFrame'] - 1}.jpg"
    window.unlink()
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "run")]
    extra = ["--reselection.ratio", "0.5", "--training.epochs", "1"]
    assert main([*words, *extra]) == 0
    assert f"{keys['ApexFrame'] - 1} missing" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty (0 bytes)"), (b"not a jpeg", "no image")]
)
def test_an_unreadable_frame(refused, data, content, message):
    path = frame(data, 2)
    path.write_bytes(content)
    shown = refused(data)
    assert f"{path}: clip " in shown
    assert "(row 2 of the workbook)" in shown
    assert message in shown


def test_frames_of_mixed_size(refused, data, small_options, tmp_path):
    path = frame(data, 2, "OffsetFrame")
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (50, 60)))
    shown = refused(data)
    assert f"{path}: clip " in shown
    assert "this one is 60x50, the apex frame 72x64" in shown
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "ok")]
    assert main([*words, "--training.epochs", "1", "--frames.mixed-size", "resize"]) == 0


def test_grey_frames(refused, data, small_options, tmp_path):
    for path in frame(data, 2).parent.iterdir():
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    shown = refused(data)
    assert "the frame is grey" in shown
    assert "--frames.grey accept" in shown
    words = ["train", "--data-root", str(data), *small_options, "--output", str(tmp_path / "ok")]
    assert main([*words, "--training.epochs", "1", "--frames.grey", "accept"]) == 0


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
    assert "there is one subject only (01)" in refused(data)


def test_a_clip_copied_to_another_subject_is_found(data, refused):
    first = row_of(data, 2)
    book = openpyxl.load_workbook(data / WORKBOOK)
    copy = {**first, "Subject": 2, "Filename": "EP99_01"}
    book.active.append([copy.get(cell.value) for cell in book.active[1]])
    book.save(data / WORKBOOK)
    clip = frame(data, 2).parent
    shutil.copytree(clip, data / "Cropped" / "sub02" / "EP99_01")
    message = refused(data)
    assert f"whose frames are those of clip 01/{first['Filename']} (row 2)" in message or (
        "whose frames are those of clip 02/EP99_01" in message
    )


def test_a_class_that_one_subject_alone_has(refused, data):
    edit(data, 2, "Estimated Emotion", "disgust")
    assert "01 has the only clips of class disgust" in refused(data)


def test_unwritable_output(refused, data, tmp_path):
    (tmp_path / "file").write_text("in the way")
    shown = refused(data, "--output", str(tmp_path / "file" / "run"))
    assert "cannot be written" in shown


def test_an_output_that_is_no_run(refused, data, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("mine")
    shown = refused(data, "--output", str(tmp_path / "home"))
    assert "this is no run" in shown
    assert "thesis.tex" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trainig.epochs", "3"], "Did you mean 'training.epochs'"),
        (["--training.epochs", "three"], "field 'training.epochs'"),
        (["--model.image-size", "50"], "a multiple of 16, such as 48 or 64"),
        (["--dataset", "cas9"], "Did you mean 'cas3'? Use one of: 4dme, cas1, cas2"),
        (["--task", "c9"], "Use one of: c5, c3"),
        (["--frames.layout", "cut"], "Use one of: cropped, raw"),
        (["--frames.pattern", "{clip}.jpg"], "folders, and a file's name"),
        (["--reselection.preset", "fulll"], "'full'"),
        (["--device", "gpu"], "Use auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "CUDA device"),
    ],
)
def test_a_wrong_option(refused, data, words, message):
    assert message in " ".join(refused(data, *words).split())


def test_demo_and_data_root_exclude_each_other(capsys, tmp_path):
    assert main(["train", "--demo", "--data-root", str(tmp_path)]) == 2
    assert "Leave out one of the two" in capsys.readouterr().err


def test_version_and_unknown_command(capsys):
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "train" in capsys.readouterr().err


def test_synth_writes_a_dataset_and_says_where(tmp_path, capsys):
    words = ["--subjects", "1", "--clips-per-subject", "1", "--height", "32", "--width", "32"]
    assert main(["synth", "--output", str(tmp_path / "made"), *words]) == 0
    assert str(tmp_path / "made" / "ground_truth.csv") in capsys.readouterr().out
    assert (tmp_path / "made" / WORKBOOK).exists()
    assert main(["synth", "--output", str(tmp_path / "made"), "--noise", "-1"]) == 2
    assert "--noise is -1" in capsys.readouterr().err
    assert main(["synth"]) == 2
    assert "--output is missing" in capsys.readouterr().err


def test_a_script_runs_from_any_directory(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "cas2/train_c5.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--demo" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "script", sorted(ROOT.glob("*/train_*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_scripts_name_their_own_config(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(script), run_name="__main__")
    shown = capsys.readouterr().err
    dataset, task = script.parent.name, script.stem.removeprefix("train_")
    assert f"no data: --data-root must name the folder of {get_spec(dataset).title}" in shown
    asked = yaml.safe_load((ROOT / "configs" / f"{dataset}_{task}.yaml").read_text())
    assert f'"{dataset}_{task}.yaml"' in script.read_text()
    assert (asked["dataset"], asked["task"]) == (dataset, task)
