"""Command lines and YAML files, right and wrong."""

import pytest
import yaml

from gamdss.cli import compare, export, merge, predict, table
from gamdss.config.command_line import choose_command
from gamdss.errors import ConfigError
from gamdss.experiment import TRAIN


def train(*words):
    return TRAIN.parse("train", list(map(str, words)))[1]


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "config.yaml"
        file.write_text(text)
        return file

    return write


def test_hyphens_and_underscores_are_the_same():
    for name in ("--training.batch-size", "--training.batch_size"):
        assert train(name, 7).training.batch_size == 7
    assert train("--data-root=a-b_c").data_root == "a-b_c"


def test_a_switch_alone_means_true():
    assert train("--strict").strict is True
    assert train("--strict", "--seed", 4).strict is True
    assert train("--strict", "false").strict is False


def test_what_comes_later_wins(config):
    file = config("seed: 5\ntraining: {epochs: 9}")
    chosen = train("--config", file, "--training.epochs", 3)
    assert (chosen.seed, chosen.training.epochs) == (5, 3)
    assert train("--seed", 6, "--config", file).seed == 5


@pytest.mark.parametrize("end", ["", " null", "  # epochs: 5", "\n  # epochs: 5\n"])
def test_a_group_whose_fields_are_all_comments_is_empty(config, end):
    file = config(f"model: # none\nseed: 7\ntraining:{end}")
    chosen = train("--training.epochs", 9, "--config", file)
    assert (chosen.seed, chosen.training.epochs) == (7, 9)


def test_help_explains_every_field_with_its_default(capsys):
    with pytest.raises(SystemExit):
        train("--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--training.batch-size" in text
    assert "clips per step; the last, partial batch is kept. (type: int, default: 16)" in text


@pytest.mark.parametrize(
    ("command", "words", "problem", "remedy"),
    [
        (table, [], "FILE is missing", "Add FILE (the table's file"),
        (compare, [], "A and B are missing", "Add A (run directory"),
        (compare, ["runs/a"], "B is missing", "Add B (the run to compare it with"),
        (merge, [], "RUNS and --output are missing", "Add RUNS (run directories"),
        (merge, ["runs/a"], "--output is missing", "Add --output."),
    ],
)
def test_a_missing_argument_is_named_as_it_is_given(command, words, problem, remedy):
    with pytest.raises(ConfigError) as caught:
        command.COMMAND.parse("x", words)
    assert caught.value.problem == problem
    assert caught.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--training.epoch", "3"], "--training.epoch.*Did you mean 'training.epochs'"),
        (["--epochs", "3"], "--epochs.*Did you mean 'training.epochs'"),
        (["--dataroot", "x"], "--dataroot.*Did you mean 'data-root'"),
        (["--training.epochs", "many"], "training.epochs.*many"),
        (["--training.precision", "bf8"], "training.precision.*bf8"),
        (["--seed", "1.5"], "seed.*1.5"),
        (["--training.epochs", "0"], "--training.epochs is 0"),
        (["--seed", "two"], r"^--seed is 'two' It must be an integer\.$"),
        (["--seed", "3", "--seed=two", "--task", "c3"], r"^--seed is 'two' It must be an integer"),
        (["--reselection.ratio", "third"], r"^--reselection\.ratio is 'third' It must be a number"),
        (["--strict", "maybe"], r"^--strict is 'maybe' It must be true or false"),
        (
            ["--reselection.clips", "traning"],
            r"^--reselection\.clips is 'traning' Did you mean 'training'\? It must be one of all",
        ),
        (["--training", "x"], r"^--training is a group of options .*--training\.epochs"),
    ],
)
def test_a_wrong_option_is_explained(words, message):
    with pytest.raises(ConfigError) as caught:
        train(*words)
    assert_matches(message, caught.value)


def test_a_wrong_option_of_a_command_is_explained():
    with pytest.raises(ConfigError, match=r"^--fps is '30fps'\nIt must be a number\.$"):
        predict.COMMAND.parse("predict", ["runs/a", "film.mp4", "--fps", "30fps"])
    with pytest.raises(
        ConfigError, match=r"^--format is 'onx'\nDid you mean 'onnx'\? It must be o"
    ):
        export.COMMAND.parse("export", ["runs/a", "--format", "onx"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training:\n  epoch: 3", "unknown field 'training.epoch'.*Did you mean 'training.epochs'"),
        ("epochs: 3", "unknown field 'epochs'.*Did you mean 'training.epochs'"),
        ("training:\n  epochs: many", "training.epochs.*many"),
        ("training: {epochs: 1.5}", "field 'training.epochs' is 1.5 It must be an integer."),
        ("frames: {grey: acept}", "field 'frames.grey' is 'acept' Did you mean 'accept'. It must"),
        ("reselection: {ratio: [1]}", r"field 'reselection.ratio' is \[1\] It must be a number"),
        ("training: 3", "'training' is a group of fields, and is 3"),
        ("- a\n- b", "the config is of type list"),
        ("seed: [1", "not valid YAML"),
        ("", "the config is empty"),
    ],
)
def test_a_wrong_file_is_explained_and_named(config, text, message):
    file = config(text)
    with pytest.raises(ConfigError) as caught:
        train("--config", file)
    assert str(caught.value).startswith(f"{file}: ")
    assert_matches(message, caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        train("--config", tmp_path / "absent.yaml")


def test_an_unknown_command_lists_the_known():
    commands = {"train": "", "table": ""}
    with pytest.raises(ConfigError, match="trian") as caught:
        choose_command(["trian"], commands, "all")
    assert "'train'" in caught.value.remedy
    with pytest.raises(ConfigError, match="no command") as caught:
        choose_command([], commands, "all")
    assert "train, table" in caught.value.remedy


@pytest.mark.slow
def test_shipped_configs_hold_known_fields():
    from pathlib import Path

    configs = Path(__file__).parents[2] / "configs"
    files = sorted([*configs.glob("*.yaml"), *configs.glob("original/*.yaml")])
    assert len(files) >= 4
    for file in files:
        chosen = train("--config", file)
        for name, value in yaml.safe_load(file.read_text()).items():
            if not isinstance(value, dict):
                assert getattr(chosen, name) == value
        header = file.read_text().splitlines()[:2]
        assert header[0].startswith("# ")
        assert "2603.04766" in header[0] or "The paper has no figures on it" in header[0]
        assert header[1].startswith("# Command: ")


def assert_matches(pattern, error):
    import re

    assert re.search(pattern, " ".join(str(error).split())), str(error)
