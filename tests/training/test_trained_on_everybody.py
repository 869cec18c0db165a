"""The protocol `all`: one network of everybody, and no score where nothing is held out."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gamdss.cli import main
from gamdss.config import Config, ProtocolConfig, TrainingConfig
from gamdss.errors import ConfigError, RunError
from gamdss.report.figures import FIGURES
from gamdss.report.tables import UNSCORED_NOTE
from gamdss.runs.finished import read_run
from gamdss.runs.trained import load_trained
from gamdss.studies.tables.plan import read_plan
from gamdss.training.checkpoint import load_result

pytestmark = pytest.mark.slow

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(scope="module")
def words(small_dataset, small_options, tmp_path_factory):
    """The command that trains it."""
    output = tmp_path_factory.mktemp("everybody") / "run"
    command = ["train", "--data-root", str(small_dataset), *small_options, "--output", str(output)]
    return [*command, "--protocol.name", "all", "--tensorboard"]


@pytest.fixture(scope="module")
def run(words):
    assert main(words) == 0
    return Path(words[words.index("--output") + 1])


def test_the_score_is_stated_as_unknown(run):
    values = json.loads((run / "results.json").read_text())
    assert values["held_out_score"] == "unknown: trained on everybody"
    assert values["final"] is None
    assert values["oracle"] is None
    assert (values["clips"], values["subjects"]) == (12, 3)
    (fold,) = values["folds"]
    assert fold["predictions"] == []
    text = (run / "results.md").read_text()
    assert UNSCORED_NOTE in text
    assert "confusion" not in text
    left_out = {figure.file for figure in FIGURES if figure.held_out}
    pictures = {file.name for file in run.glob("*.png")}
    assert (
        pictures
        == {figure.file for figure in FIGURES} - left_out
        == {
            "curves.png",
            "film_strip.png",
        }
    )


def test_the_network_is_trained_on_everybody_and_kept(run):
    result = load_result(run / "folds" / "all" / "predictions.npz")
    assert result.logits.shape == (2, 0, 5)
    assert np.isfinite(result.train_loss).all()
    assert len(load_trained(run, "all").about["classes"]) == 5


def test_it_resumes_and_reports_again(run, words, tmp_path, capsys):
    again = Path(shutil.copytree(run, tmp_path / "run"))
    (again / "folds" / "all" / "predictions.npz").unlink()
    assert main([*words, "--output", str(again)]) == 0
    assert UNSCORED_NOTE in capsys.readouterr().out
    assert (again / "results.json").read_bytes() == (run / "results.json").read_bytes()
    file = "folds/all/checkpoint.safetensors"
    assert (again / file).read_bytes() == (run / file).read_bytes()


def test_the_page_states_it(run, tmp_path):
    page = tmp_path / "page.html"
    assert main(["report", str(run), "--output", str(page)]) == 0
    text = page.read_text()
    assert UNSCORED_NOTE in text
    assert "No clip is held out." in text
    assert "oracle" not in text


@pytest.mark.parametrize("command", ["compare", "original-report", "tsne", "attribution"])
def test_what_needs_held_out_clips_refuses_it(run, command, capsys):
    assert main([command, *[str(run)] * (2 if command == "compare" else 1)]) == 2
    shown = capsys.readouterr().err
    assert f"error: {run}: the held-out score of this run is unknown" in shown
    assert "--protocol.name loso" in shown


def test_python_refuses_to_score_it(run):
    read = read_run(run)
    written = json.loads((run / "results.json").read_text())
    assert json.loads(json.dumps(read.results.as_dict())) == written
    with pytest.raises(RunError, match="trained on everybody"):
        read.predictions("final")
    with pytest.raises(RunError, match="trained on everybody"):
        _ = read.results.evaluated


@pytest.mark.parametrize("name", ["clips", "subjects"])
def test_numbers_that_predictions_do_not_have_must_be_stored(run, tmp_path, name):
    for kept in ("config.yaml", "folds"):
        (tmp_path / kept).symlink_to(run / kept)
    values = json.loads((run / "results.json").read_text())
    (tmp_path / "results.json").write_text(json.dumps({**values, name: "many"}))
    with pytest.raises(RunError, match="subjects or clips is missing or broken"):
        read_run(tmp_path)


def test_a_table_refuses_it_before_it_trains(tmp_path):
    file = tmp_path / "table.yaml"
    config = CONFIGS / "cas2_c5.yaml"
    row = "{name: a, set: {protocol.name: all}}"
    file.write_text(f"title: T\nseeds: [2]\nconfig: {config}\nrows: [{row}]\n")
    with pytest.raises(ConfigError, match="'a' has the protocol all"):
        read_plan(file)


def test_nobody_can_be_set_aside():
    with pytest.raises(ConfigError, match="selection is 'inner'"):
        Config(training=TrainingConfig(selection="inner"), protocol=ProtocolConfig(name="all"))
