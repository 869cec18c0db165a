"""Every README: its commands parse, its Python blocks run, its links lead somewhere."""

import re
import runpy
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from filmed import film, portrait

import gamdss
from gamdss import cli, demo
from gamdss.config.command_line import Command, parse

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file
    for file in (*ROOT.glob("*.md"), *ROOT.glob("*/**/README.md"))
    if not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    and file.relative_to(ROOT).parts[0] != "runs"
)
BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
BLOCKS = [(file, *block) for file in FILES for block in BLOCK.findall(file.read_text("utf-8"))]
SHELL = [(file, line) for file, kind, text in BLOCKS if kind == "bash" for line in text.split("\n")]
# tests/models/test_custom_models.py runs the blocks of the models' README.
PYTHON = [
    (file, text) for file, kind, text in BLOCKS if kind == "python" and file.parent.name != "models"
]
README = [line for file, line in SHELL if file == ROOT / "README.md"]


def label(value):
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else str(value)[:60]


def command_of(line: str) -> tuple[str, Command, list[str]] | None:
    """The command of a line of a README, with the words that follow it; None for other programs."""
    loop = re.fullmatch(r"for (\w+) in (\S+).*?; do (.*?); done", line.strip())
    if loop:
        variable, first, line = loop.groups()
        if "*" in first:
            first = str(min(ROOT.glob(first)).relative_to(ROOT))
        line = line.replace(f"${variable}", first)
    words = shlex.split(line, comments=True)
    for place, word in enumerate(words):
        if word.endswith(("gamdss", "-m gamdss")) and words[place + 1 : place + 2]:
            name = words[place + 1]
            rest = words[place + 2 :]
            return name, cli.load(name).chosen(rest), rest
        if re.fullmatch(r"(cas2|samm|cas3|visual)/\w+\.py", word):
            assert (ROOT / word).is_file(), line
            if word == "visual/idea.py":
                return None
            name = "tsne" if word.startswith("visual/") else "train"
            return name, cli.load(name), words[place + 1 :]
    return None


COMMANDS = [(file, line) for file, line in SHELL if line.strip() and command_of(line)]


@pytest.mark.parametrize(("file", "line"), COMMANDS, ids=label)
def test_a_command_parses_with_its_own_parser(file, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    found = command_of(line)
    assert found is not None
    name, command, words = found
    for before, after in pairwise(words):
        if before == "--config" and after.startswith("configs/"):
            assert (ROOT / after).is_file()
        elif before == "--config":  # a file of the user's
            Path(after).parent.mkdir(parents=True, exist_ok=True)
            Path(after).write_text("seed: 2")
    values = parse(command.parser(name), command.arrange(words))
    assert values is not None
    options = [w.partition("=")[0].removeprefix("--") for w in words if w.startswith("--")]
    refused = [option for option in options if command.ignores(option)]
    assert not refused, f"{refused} has no effect on gamdss {name}"


def test_there_are_commands_to_check():
    assert len(COMMANDS) >= 10
    assert len({command_of(line)[0] for _, line in COMMANDS}) >= 5


@pytest.mark.parametrize("file", FILES, ids=label)
def test_links_and_files_exist(file):
    text = file.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith(("http:", "https:")):
            assert (file.parent / target).exists(), f"{file}: {target}"
    for name in re.findall(r"`((?:gamdss|configs|cas2|samm|cas3|visual|tests)/[\w./]+)`", text):
        assert "NAME" in name or (ROOT / name).exists(), f"{file}: {name}"


def test_ci_runs_the_test_command_word_for_word():
    command = next(line for line in README if "pytest -n" in line)
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


def test_the_two_commands_are_one_line_each_and_use_their_own_environment():
    both = [line for line in README if line.startswith("python3 -m venv .venv && ")]
    assert len(both) == 2
    assert both[0].endswith(".venv/bin/python cas2/train_c5.py --demo")
    for command in both:
        for part in command.split(" && ")[1:]:
            assert part.startswith(".venv/bin/")


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 250


@pytest.mark.slow
@pytest.mark.parametrize(("file", "code"), PYTHON, ids=label)
def test_a_python_block_runs(file, code, small_dataset, finished_run, tmp_path, monkeypatch):
    """On synthetic data in place of the user's; a network at 32 pixels in place of 224."""
    monkeypatch.chdir(tmp_path)
    if '"recordings"' in code:
        film(tmp_path / "recordings" / "a.avi", [portrait()] * 30, 30)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(gamdss, "load_original_state_dict", lambda *_: None, raising=False)
    rng = np.random.default_rng(0)
    images = {f"{name}_images": torch.randn(2, 3, 224, 224) for name in ("onset", "apex", "offset")}
    names = {
        "frames": rng.integers(0, 255, (41, 40, 36, 3), dtype=np.uint8),
        **{"onset": 46, "apex": 66, "offset": 86, "state_dict": {}},
        **images,
        "labels": torch.tensor([0, 1]),
    }
    for before, after in (
        ("/data/CASME2", str(small_dataset)),
        ("runs/cas2_c5", str(finished_run)),
        ("image_size=224", "image_size=32"),
        ("range(30)", "range(1)"),
        (
            f'data_root="{small_dataset}")',
            f'data_root="{small_dataset}", training=gamdss.TrainingConfig(epochs=1), '
            'model=gamdss.ModelConfig("test_vit", image_size=32), output="run", '
            'reselection=gamdss.ReselectionConfig(preset="full"))',
        ),
    ):
        code = code.replace(before, after)
    (tmp_path / "features").mkdir()  # as `gamdss features` leaves it
    (tmp_path / "features" / "features.csv").write_text("clip,rising\n01,rising.npy\n")
    np.save(tmp_path / "features" / "rising.npy", np.zeros((3, 4, 4)))
    exec(compile(code, str(file), "exec"), names)


def test_public_names():
    for name in gamdss.__all__:
        assert getattr(gamdss, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = gamdss.absent


@pytest.mark.slow
def test_the_demo_runs_from_workbook_to_pictures(tmp_path, capsys, monkeypatch):
    """The demo's script and settings; fewer clips, and a shorter and smaller training."""
    tiny = "{subjects: 2, clips_per_subject: 5, height: 48, width: 40, fps: 60, seed: 4}"
    (tmp_path / "tiny.yaml").write_text(tiny)
    monkeypatch.setattr(demo, "DATASET", tmp_path / "tiny.yaml")
    words = [sys.executable, "--demo", "--cache", str(tmp_path / "cache")]
    words += ["--output", str(tmp_path / "run"), "--threads", "1"]
    words += ["--training.epochs", "1", "--model.image-size", "32"]
    monkeypatch.setattr(sys, "argv", words)
    runpy.run_path(str(ROOT / "cas2" / "train_c5.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert "2 subjects" in shown
    for name in ("results.json", "results.md", "confusion.png", "curves.png", "film_strip.png"):
        assert str(tmp_path / "run" / name) in shown
        assert (tmp_path / "run" / name).stat().st_size > 0
