"""What the README says is what the project does."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

import gamdss
from gamdss import cli
from gamdss.cli import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
SHELL = [line for kind, text in BLOCKS if kind == "bash" for line in text.splitlines()]


def test_ci_runs_the_test_command_word_for_word():
    command = next(line for line in SHELL if "pytest" in line)
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert command in lines


def test_the_two_commands_are_one_line_each_and_use_an_environment_of_their_own():
    both = [line for line in SHELL if line.startswith("python3 -m venv .venv && ")]
    assert len(both) == 2
    assert both[0].endswith(".venv/bin/python cas2/train_c5.py --demo")
    for command in both:
        for part in command.split(" && ")[1:]:
            assert part.startswith(".venv/bin/")


def test_every_option_and_file_in_a_command_is_there():
    parsers = [cli.load(name).parser(name) for name in cli.COMMANDS]
    known = {o for p in parsers for a in p._actions for o in a.option_strings}
    used = 0
    for line in SHELL:
        words = shlex.split(line, comments=True)
        if words[:1] not in (["gamdss"], ["python"]):
            continue
        for word in words[1:]:
            if word.startswith("--"):
                used += 1
                assert word.partition("=")[0].replace("-", "_").replace("__", "--", 1) in known, (
                    line
                )
            elif word.startswith(("cas2/", "samm/", "cas3/", "visual/", "configs/")):
                assert (ROOT / word).exists(), line
    assert used >= 5
    for file in set(
        re.findall(r"`((?:configs|cas2|samm|cas3|visual|tests)/[\w./]+\.\w+)`", README)
    ):
        assert (ROOT / file).exists(), file


def test_the_api_in_ten_lines_runs(monkeypatch):
    code = next(text for kind, text in BLOCKS if kind == "python" and "reselect" in text)
    assert len(code.strip().splitlines()) <= 10
    loaded = []
    monkeypatch.setattr(gamdss, "load_original_state_dict", lambda *a: loaded.append(a), False)
    rng = np.random.default_rng(0)
    images = {name: torch.randn(2, 3, 224, 224) for name in ("onset", "apex", "offset")}
    names = {
        "frames": rng.integers(0, 255, (41, 40, 36, 3), dtype=np.uint8),
        **{"onset": 46, "apex": 66, "offset": 86, "state_dict": {}},
        **{f"{name}_images": image for name, image in images.items()},
        "labels": torch.tensor([0, 1]),
    }
    exec(code, names)
    assert loaded == [(names["net"], {})]
    assert names["rising"].shape == names["falling"].shape == (2, 5)
    assert names["loss"].item() > 0
    assert 46 <= names["keys"].onset <= names["keys"].apex <= names["keys"].offset <= 86


def test_public_names():
    for name in gamdss.__all__:
        assert getattr(gamdss, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = gamdss.absent


def test_the_demo_runs_from_workbook_to_pictures(tmp_path, capsys):
    """The demo itself, its own dataset and settings, but for a shorter and smaller training."""
    words = ["train", "--config", str(ROOT / "configs" / "cas2_c5.yaml"), "--demo"]
    words += ["--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "run")]
    words += ["--training.epochs", "1", "--model.image-size", "32", "--threads", "1"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "4 subjects" in shown
    for name in ("results.json", "results.md", "confusion.png", "curves.png", "film_strip.png"):
        assert str(tmp_path / "run" / name) in shown
        assert (tmp_path / "run" / name).stat().st_size > 0
