"""The networks of a run to share: the run's own predictions, and nothing of this machine."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from gamdss.cli import main
from gamdss.config import Config, ModelConfig, ProtocolConfig, ReselectionConfig
from gamdss.errors import RunError
from gamdss.prediction import export_predictor as exporting
from gamdss.prediction.ensemble import Ensemble
from gamdss.prediction.export_predictor import export_predictor
from gamdss.prediction.trained_on import trained_on
from gamdss.runs.finished import read_run
from gamdss.training.checkpoint import load_weights, read_about, save_weights

pytestmark = pytest.mark.slow


def files(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["finished_run", "inner_flow_run"])
def test_the_folder_predicts_as_the_run(name, request, tmp_path):
    run = request.getfixturevalue(name)
    target = tmp_path / "to share" / "cas2"
    export_predictor(run, target)
    written, own = (Ensemble(read_run(place), "cpu") for place in (target, run))
    assert (written.temperature, written.folds) == (own.temperature, own.folds)
    rng = np.random.default_rng(0)
    images = {n: rng.integers(0, 255, (40, 40, 3), np.uint8) for n in range(9)}
    keys = [(1, 4, 7), (2, 5, 8)]
    for each, other in ((own, written), (own.unseen("cas2/2"), written.unseen("cas2/2"))):
        expected, found = (ensemble.predict(images, keys) for ensemble in (each, other))
        np.testing.assert_array_equal(found.chances, expected.chances)
        np.testing.assert_array_equal(found.spread, expected.spread)
    assert trained_on(read_run(target)) == trained_on(read_run(run))
    folds = [f"folds/{fold}/{file}" for fold in own.folds for file in FOLD]
    assert files(target) == ["README.md", *sorted([*RUN, *folds])]
    assert files(tmp_path) == [f"to share/cas2/{file}" for file in files(target)]


RUN = ("config.yaml", "crops.json", "data.json", "results.json")
FOLD = ("checkpoint.safetensors", "predictions.npz")


def test_the_folder_names_no_places(finished_run, tmp_path):
    target = tmp_path / "predictor"
    export_predictor(finished_run, target)
    config = read_run(finished_run).config
    for file in target.rglob("*.*"):
        text = file.read_bytes()
        assert config.data_root.encode() not in text
        assert str(tmp_path.parent).encode() not in text


def test_of_files_the_config_keeps_names_alone():
    config = Config(
        dataset="/home/me/lab.yaml+cas2",
        data_root="lab=/home/me/lab,cas2=/data/cas2",
        annotations="lab=/home/me/lab.csv",
        clip_list="/home/me/clips.csv",
        init_from="/home/me/runs/samm",
        reselection=ReselectionConfig(annotators="/home/me/bias.json"),
        model=ModelConfig("resnet10t", weights="/home/me/weights.pt"),
        protocol=ProtocolConfig("fixed", split="/home/me/split.csv"),
    )
    found = exporting._without_places(config)
    text = json.dumps(found.as_dict())
    assert "/" not in text
    assert found.dataset == "lab.yaml+cas2"
    assert found.protocol.split == "split.csv"
    assert found.model.weights == "weights.pt"


def test_the_card_has_the_score_and_its_warning(finished_run, tmp_path):
    export_predictor(finished_run, tmp_path / "predictor")
    card = (tmp_path / "predictor/README.md").read_text("utf-8")
    results = read_run(finished_run).results
    assert "3 networks of GAMDSS" in card
    assert "The training clips are synthetic" in card
    assert f"| UF1 | {results.final.measures['uf1']:.3f} |" in card
    assert "these networks are those" in card


def test_what_earlier_versions_did_not_write_is_added(finished_run, tmp_path):
    old = Path(shutil.copytree(finished_run, tmp_path / "old"))
    data = json.loads((old / "data.json").read_text())
    (old / "data.json").write_text(json.dumps({k: data[k] for k in data.keys() - {"grey", "fps"}}))
    (old / "crops.json").unlink()
    checkpoint = old / "folds/01/checkpoint.safetensors"
    net = exporting.load_trained(old, "01").net
    about = load_weights(checkpoint, net)
    people = about.pop("people")
    save_weights(checkpoint, net, about)
    export_predictor(old, tmp_path / "new")
    stored = json.loads((tmp_path / "new/data.json").read_text())
    assert (stored["grey"], stored["fps"]) == (False, [200.0])
    assert not (tmp_path / "new/crops.json").exists()
    shared = read_about(tmp_path / "new/folds/01/checkpoint.safetensors")
    assert sorted(shared["people"]) == sorted(people)


def test_the_command_names_what_it_wrote_and_predicts_with_it(finished_run, tmp_path, capsys):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    assert main(["export", str(run), "--format", "predictor"]) == 0
    printed = capsys.readouterr().out
    target = run / "export/predictor"
    assert f"predictor  {target}" in printed
    assert "networks   3; temperature" in printed
    assert main(["export", str(target), "--format", "predictor"]) == 0  # again, from itself
    assert files(target / "export/predictor") == [f for f in files(target) if "export" not in f]
    assert main(["export", str(run), "--format", "predictor"]) == 2
    assert "this folder is not empty" in capsys.readouterr().err
    assert main(["export", str(run), "--format", "predictor", "--fold", "01"]) == 2
    assert "--fold is '01'" in capsys.readouterr().err


def test_nothing_is_left_of_an_export_that_fails(finished_run, tmp_path):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    (run / "folds/02/checkpoint.safetensors").unlink()
    with pytest.raises(RunError, match="1 of the 3 folds have no checkpoint: 02"):
        export_predictor(run, tmp_path / "predictor")
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RunError, match="this is a file"):
        export_predictor(finished_run, file)
    with pytest.raises(RunError, match="cannot be written"):
        export_predictor(finished_run, file / "predictor")
    assert file.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "run"]
