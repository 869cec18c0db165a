"""Training from other weights: refused if they saw a held-out subject; frozen; resumed."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
import yaml

from gamdss.cli import main
from gamdss.config import Config, ModelConfig
from gamdss.config.load import checked
from gamdss.data.dataset import open_dataset
from gamdss.data.people import person, person_of_run, shared
from gamdss.data.splits import make_folds
from gamdss.errors import CheckpointError, ConfigError
from gamdss.models.two_branch import TwoBranchNet
from gamdss.report.page_warnings import warnings
from gamdss.runs.finished import read_run
from gamdss.training.checkpoint import load_weights, read_about, read_weights, save_weights
from gamdss.training.initial import find_start, freeze, people_of_fold


@pytest.mark.parametrize(
    "subject", ["1", "01", "001", "sub01", "Sub 01", "ｓ０１", "s\u200b01", "cas2-01", "spNO.1"]
)
def test_spellings_of_a_subject_are_one_person(subject):
    assert person("cas2", subject) == "cas2/1"


def test_other_names_are_other_people():
    assert len({person("cas2", name) for name in ("1", "10", "bob", "bob2", "p", "spring")}) == 6


def test_shared_people():
    assert shared(["cas2/1", "cas2/2"], ["cas2/2", "samm/1"]) == ["cas2/2"]
    # A table of clips may have the people of any dataset.
    assert shared(["cas2/1"], ["csv/1"]) == ["cas2/1"]
    assert shared(["csv/1"], ["samm/1"]) == ["csv/1"]


def test_a_run_names_the_people_of_its_datasets():
    def found(dataset, subject):
        return person_of_run(Config(dataset=dataset, data_root=None), subject)

    assert found("samm", "006") == "samm/6"
    assert found("smic+samm", "samm-006") == "samm/6"
    assert found("specs/own.yaml", "s1") == "own/1"


def small(classes):
    """A network as that of the finished run."""
    return TwoBranchNet(classes, 32, backbone="test_vit")


@pytest.fixture(scope="module")
def config(finished_run):
    file = finished_run / "config.yaml"
    return checked(Config, yaml.safe_load(file.read_text()), file)


@pytest.fixture(scope="module")
def exported(finished_run, tmp_path_factory):
    """The network of fold 01 as a folder."""
    folder = tmp_path_factory.mktemp("exported") / "01"
    words = ["export", str(finished_run), "--fold", "01", "--format", "pretrained"]
    assert main([*words, "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def task(config, tmp_path_factory):
    dataset = open_dataset(config, tmp_path_factory.mktemp("cache"), progress=False)
    return make_folds(config.protocol, dataset.labelled, config.seed), dataset.labelled


@pytest.mark.slow
def test_a_fold_may_start_from_the_fold_that_holds_the_same_subject_out(finished_run, config, task):
    start = find_start(replace(config, init_from=str(finished_run)))
    start.check(*task)
    assert start.seen(*task) == {}
    assert start.source("02").file == finished_run / "folds" / "02" / "checkpoint.safetensors"
    with pytest.raises(ConfigError, match=r"no finished fold 'part1'(.|\n)*01, 02, 03"):
        start.source("part1")


@pytest.mark.slow
def test_weights_that_saw_a_held_out_subject_are_refused(exported, config, task):
    start = find_start(replace(config, init_from=str(exported)))
    with pytest.raises(ConfigError, match=r"seen cas2/2, held out by fold 02; so in 2 of 3 folds"):
        start.check(*task)
    start = find_start(replace(config, init_from=str(exported), init_from_seen=True))
    start.check(*task)
    assert start.seen(*task) == {"02": ["cas2/2"], "03": ["cas2/3"]}
    with pytest.raises(ConfigError, match="--init-from-seen is True"):
        Config(init_from_seen=True)


@pytest.mark.slow
def test_a_run_of_an_earlier_version_has_seen_all_but_the_held_out(finished_run, tmp_path):
    run = shutil.copytree(finished_run, tmp_path / "run")
    file = run / "folds" / "01" / "checkpoint.safetensors"
    net = small(5)
    about = load_weights(file, net)
    assert people_of_fold(run, "01") == ("cas2/2", "cas2/3") == tuple(about.pop("people"))
    save_weights(file, net, about)
    assert people_of_fold(run, "01") == ("cas2/2", "cas2/3")
    (run / "annotations.csv").unlink()
    assert people_of_fold(run, "01") is None


@pytest.mark.slow
def test_weights_of_unknown_people_are_refused(tmp_path, config, task):
    small(2).save_pretrained(tmp_path / "w")
    start = find_start(replace(config, init_from=str(tmp_path / "w")))
    with pytest.raises(ConfigError, match=r"may have seen cas2/1, .* in 3 of 3 folds"):
        start.check(*task)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            ModelConfig("test_vit", image_size=48),
            r"image_size 32 and not 48(.|\n)*--model.image-size 32",
        ),
        (ModelConfig("release_resnet", image_size=32), "backbone 'test_vit' and not"),
    ],
)
def test_weights_of_another_network_are_refused_before_data_is_read(
    exported, config, model, message
):
    with pytest.raises(ConfigError, match=message):
        find_start(replace(config, init_from=str(exported), model=model))


@pytest.mark.slow
def test_what_is_no_run_and_no_folder_of_weights(tmp_path, config):
    with pytest.raises(ConfigError, match="neither a run nor a folder of weights"):
        find_start(replace(config, init_from=str(tmp_path)))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="broken config of a network"):
        find_start(replace(config, init_from=str(tmp_path)))
    assert find_start(config) is None


def test_frozen_parameters_and_their_statistics_stay():
    torch.manual_seed(0)
    net = TwoBranchNet(2, 32, drop_path=0.0)
    for _ in range(2):  # by two folds in turn
        freeze(net, "temporal.*, spatial.blocks.0.*")
    assert max(len(module._forward_pre_hooks) for module in net.modules()) == 1
    before = {name: values.clone() for name, values in net.state_dict().items()}
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.5, fused=True)
    rising, falling = net.train()(torch.randn(2, 3, 3, 32, 32))
    (rising.sum() + falling.sum()).backward()
    optimizer.step()
    same = {name for name, values in net.state_dict().items() if torch.equal(values, before[name])}
    assert same == {name for name in before if name.startswith(("temporal.", "spatial.blocks.0."))}


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ("temporal.*,temporel.*", r"'temporel\.\*' matches no parameter(.|\n)*temporal\.stem"),
        ("*", "freezes all parameters"),
    ],
)
def test_patterns_that_freeze_nothing_or_all_are_refused(patterns, message):
    with pytest.raises(ConfigError, match=message):
        freeze(TwoBranchNet(2, 32), patterns)


@pytest.mark.slow
def test_a_run_from_another_one(finished_run, small_dataset, small_options, tmp_path, capsys):
    """It starts from the weights, freezes, resumes, and refuses other weights in their place."""
    source = shutil.copytree(finished_run, tmp_path / "source")
    words = ["train", "--data-root", str(small_dataset), *small_options, "--device", "cpu"]
    words += ["--training.epochs", "1", "--init-from", str(source)]
    words += ["--training.freeze", "temporal.*", "--output"]
    run = tmp_path / "run"
    assert main([*words, str(run), "--folds", "02"]) == 0
    assert main([*words, str(run)]) == 0
    results = json.loads((run / "results.json").read_text())
    assert (results["started_from"], results["seen"]) == (source.name, [])
    assert "trust" not in results
    about, tensors = read_weights(run / "folds/02/checkpoint.safetensors")
    first = read_weights(source / "folds/02/checkpoint.safetensors")[1]
    same = {name for name in tensors if torch.equal(tensors[name], first[name])}
    assert {name for name in tensors if name.startswith("temporal.")} <= same != set(tensors)
    assert about["people"] == ["cas2/1", "cas2/3"]
    # The same run from other weights under the same path.
    net, file = small(5), source / "folds/02/checkpoint.safetensors"
    about = load_weights(file, net)
    net.reset_classifier(5)
    save_weights(file, net, about)
    assert main([*words, str(run)]) == 2
    assert "weights that --init-from names have changed" in capsys.readouterr().err


@pytest.mark.slow
def test_the_results_of_a_run_whose_weights_saw_held_out_subjects_say_so(
    exported, finished_run, small_dataset, small_options, tmp_path, capsys
):
    words = ["train", "--data-root", str(small_dataset), *small_options, "--training.epochs", "1"]
    words += ["--init-from", str(exported), "--output", str(tmp_path / "run")]
    assert main(words) == 2
    assert "so in 2 of 3 folds" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*words, "--init-from-seen", "true"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "These scores cannot be trusted" in shown
    assert "held-out subjects of 2 of 3 folds (02, 03)" in shown
    for name in ("results.json", "results.md"):
        assert "These scores cannot be trusted" in (tmp_path / "run" / name).read_text()
    run = read_run(tmp_path / "run")
    assert "had seen" in warnings(run.results, run.config, [], [], [])[0].title
    words = ["compare", str(tmp_path / "run"), str(finished_run), "--output", str(tmp_path / "c")]
    assert main(words) == 0
    assert f"{run.path}: These scores cannot be trusted" in capsys.readouterr().out
    seen = read_about(tmp_path / "run/folds/02/checkpoint.safetensors")["people"]
    assert seen == ["cas2/1", "cas2/2", "cas2/3"]
    words = ["export", str(tmp_path / "run"), "--fold", "02", "--format", "pretrained"]
    assert main(words) == 0
    card = (tmp_path / "run/export/02/README.md").read_text()
    assert "The score cannot be trusted" in card
