"""The command line: commands, options and scripts."""

import runpy
import sys
from pathlib import Path

import pytest
import yaml
from workbook_edits import WORKBOOK

from gamdss import __version__
from gamdss.cli import main
from gamdss.data.specs import FOLDER, get_spec

ROOT = Path(__file__).parents[2]


def test_unwritable_output(refused, data, tmp_path):
    (tmp_path / "file").write_text("in the way")
    shown = refused(data, "--output", str(tmp_path / "file" / "run"))
    assert "cannot be written" in shown


def test_an_output_with_other_files_is_refused(refused, data, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("mine")
    shown = refused(data, "--output", str(tmp_path / "home"))
    assert "no config.yaml" in shown
    assert "thesis.tex" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--trainig.epochs", "3"], "Did you mean 'training.epochs'"),
        (["--training.epochs", "three"], "--training.epochs is 'three' It must be an integer."),
        (
            ["--model.backbone", "rmt", "--model.image-size", "50"],
            "a multiple of 16, such as 48 or 64",
        ),
        (["--dataset", "cas9"], "Did you mean 'cas3'? Use one of: 4dme, cas1, cas2"),
        (["--task", "c9"], "Use one of: c5, c3"),
        (["--frames.layout", "cut"], "Use one of: cropped, raw"),
        (["--frames.pattern", "{clip}.jpg"], "Give folders and a file name"),
        (["--reselection.preset", "fulll"], "'full'"),
        (["--training.lr", "0.1"], "Did you mean 'training.learning-rate'?"),
        (["surplus_word"], "'surplus_word' is one argument too many"),
        (["--device", "gpu"], "Use auto, cpu, cuda or cuda:N"),
        (["--device", "cuda:99"], "CUDA device"),
    ],
)
def test_a_wrong_option(refused, data, words, message):
    assert message in " ".join(refused(data, *words).split())


def test_demo_and_data_root_exclude_each_other(capsys, tmp_path):
    assert main(["train", "--demo", "--data-root", str(tmp_path)]) == 2
    assert "Omit one of the two" in capsys.readouterr().err


def test_version_and_unknown_command(capsys):
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out
    assert main(["trian"]) == 2
    assert "train" in capsys.readouterr().err


@pytest.mark.slow
def test_synth_writes_a_dataset_and_prints_where(tmp_path, capsys):
    words = ["--subjects", "1", "--clips-per-subject", "1", "--height", "32", "--width", "32"]
    assert main(["synth", "--output", str(tmp_path / "made"), *words]) == 0
    assert str(tmp_path / "made" / "ground_truth.csv") in capsys.readouterr().out
    assert (tmp_path / "made" / WORKBOOK).exists()
    assert main(["synth", "--output", str(tmp_path / "made"), "--noise", "-1"]) == 2
    assert "--noise is -1" in capsys.readouterr().err
    assert main(["synth"]) == 2
    assert "--output is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "script", sorted(ROOT.glob("*/train_*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_scripts_run_from_any_directory_and_name_their_own_config(
    script, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(script), run_name="__main__")
    shown = capsys.readouterr().err
    assert "--demo" in shown
    assert list(tmp_path.iterdir()) == []
    dataset, task = script.parent.name, script.stem.removeprefix("train_")
    assert f"--data-root must name the folder of {get_spec(dataset).title}" in shown
    asked = yaml.safe_load((ROOT / "configs" / f"{dataset}_{task}.yaml").read_text())
    assert f'"{dataset}_{task}.yaml"' in script.read_text()
    assert (asked["dataset"], asked["task"]) == (dataset, task)


def test_the_spec_of_a_file_is_shown(tmp_path, capsys):
    text = (FOLDER / "cas2.yaml").read_text("utf-8") + "# of a lab\n"
    own = tmp_path / "own.yaml"
    own.write_text(text, encoding="utf-8")
    assert main(["datasets", "--show", str(own)]) == 0
    assert capsys.readouterr().out == text
