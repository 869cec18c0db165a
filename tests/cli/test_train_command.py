"""`gamdss train`: what a run writes, and how it resumes."""

import json
import runpy
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import torch
import yaml
from workbook_edits import edit

from gamdss.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def words(small_dataset, small_options):
    """The command that trains the paper's network."""
    data = ["--data-root", str(small_dataset)]
    return ["train", *data, *small_options, "--model.backbone", "rmt", "--output"]


@pytest.fixture(scope="module")
def finished(words, tmp_path_factory):
    """A finished small run: its directory and what it printed."""
    folder = tmp_path_factory.mktemp("finished")
    output = folder / "run"
    command = ["gamdss", *words, str(output), "--cache", str(folder / "cache"), "--tensorboard"]
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as done:
            runpy.run_module("gamdss", run_name="__main__")  # as `python -m gamdss`
    assert done.value.code == 0, err.getvalue()
    return output, out.getvalue(), err.getvalue()


def test_a_run_writes_the_files_that_it_prints(finished):
    output, shown, bars = finished
    for file in ("results.json", "results.md", "confusion.png", "curves.png", "film_strip.png"):
        assert str(output / file) in shown
        assert (output / file).stat().st_size > 0
    assert "final epoch" in shown
    assert "oracle" in shown
    assert "Synthetic clips" in shown
    for bar in ("finding frames", "reselecting key frames", "folds", "epochs", "loss"):
        assert bar in bars
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
    output = finished[0]
    for file in output.rglob("*"):
        if file.is_file() and file.suffix not in (".safetensors", ".npz"):
            assert not file.read_bytes().startswith((b"\x80", b"PK")), file


def test_a_finished_run_is_not_trained_again(finished, words, capsys):
    output = finished[0]
    before = (output / "results.json").read_bytes()
    assert main([*words, str(output)]) == 0
    assert (output / "results.json").read_bytes() == before
    assert "final epoch" in capsys.readouterr().out


def test_a_run_directory_of_another_config_is_refused(finished, words, capsys):
    output = finished[0]
    assert main([*words, str(output), "--seed", "7", "--training.learning-rate", "0.1"]) == 2
    message = capsys.readouterr().err
    assert "seed: stored 2, current 7" in message
    assert "training.learning_rate: stored 0.0008, current 0.1" in message
    assert "--output" in message


def test_a_run_does_not_resume_on_changed_data(finished, data, words, tmp_path, capsys):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    config = (output / "config.yaml").read_text()
    moved = config.replace(yaml.safe_load(config)["data_root"], str(data))
    (output / "config.yaml").write_text(moved)
    words = [*words, str(output), "--data-root", str(data), "--tensorboard"]
    assert main(words) == 0  # the same data at another place
    edit(data, 2, "Estimated Emotion", "others")
    edit(data, 7, "Estimated Emotion", "others")
    assert main(words) == 2
    assert "started on other data" in capsys.readouterr().err


def test_truncated_predictions_of_a_finished_fold(finished, words, tmp_path, caplog):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    file = output / "folds" / "02" / "predictions.npz"
    file.write_bytes(file.read_bytes()[:100])
    assert main([*words, str(output)]) == 0
    assert f"{file}: " in caplog.text
    assert "trained again" in caplog.text
    assert (output / "results.json").read_bytes() == (finished[0] / "results.json").read_bytes()


def test_a_training_state_of_another_architecture(finished, words, tmp_path, capsys):
    output = Path(shutil.copytree(finished[0], tmp_path / "run"))
    state = output / "folds" / "02" / "training_state.pt"
    (state.parent / "predictions.npz").unlink()
    torch.save({"epoch": 1, "net": {"a": torch.zeros(1)}}, state)
    assert main([*words, str(output)]) == 2
    assert f"error: {state}: the weights are of another architecture" in capsys.readouterr().err


TRAINED = [*sorted(ROOT.glob("configs/**/cas2_*.yaml")), ROOT / "configs/samm_c3.yaml"]
TRAINED += [ROOT / "configs/original/cas3_c4.yaml"]


@pytest.mark.parametrize("config", TRAINED, ids=lambda p: str(p.relative_to(ROOT)))
def test_shipped_configs_can_be_trained(
    config, small_dataset, made, small_options, tiny_rmt, tmp_path, capsys
):
    """Two of each kind; tests/data/test_config_data.py reads the data of every config."""
    asked = yaml.safe_load(config.read_text())
    root = small_dataset if asked["dataset"] == "cas2" else made(asked["dataset"], None, 8)
    fold = {"cas2": "01", "samm": "001", "cas3": "spNO.1"}[asked["dataset"]]
    words = ["train", "--config", str(config), "--data-root", str(root), *small_options]
    words += ["--reselection.preset", asked["reselection"]["preset"], "--folds", fold]
    words += ["--model.backbone", asked.get("model", {}).get("backbone", "rmt")]
    assert main([*words, "--output", str(tmp_path / "run"), "--training.epochs", "1"]) == 0
    assert "1 of " in capsys.readouterr().out
    assert (tmp_path / "run" / "folds" / fold / "predictions.npz").exists()
    used = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert used["task"] == asked["task"]
    assert used["reselection"].items() >= asked["reselection"].items()
    for name in ("keyframes.csv", "annotations.csv"):
        assert (tmp_path / "run" / name).read_text().startswith("subject,clip,")
