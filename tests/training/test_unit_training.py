"""Action units as targets and as auxiliary loss, from the command to the page."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from gamdss.cli import main
from gamdss.config import AugmentationConfig, Config, ModelConfig, ReselectionConfig, TrainingConfig
from gamdss.data.dataset import open_dataset
from gamdss.data.splits import make_folds
from gamdss.losses import two_phase_loss
from gamdss.records import UNIT_NAMES, UNITS
from gamdss.report.tables import summary_text
from gamdss.runs.finished import read_run
from gamdss.runs.trained import load_trained
from gamdss.training import device
from gamdss.training.checkpoint import load_result
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs, stream

SMALL = ("--model.backbone", "test_vit")


@pytest.fixture(scope="module")
def run(train_once):
    words = ("--task", "au", "--training.selection", "inner", "--training.epochs", "3")
    return train_once("units", *SMALL, *words)


@pytest.fixture(scope="module")
def config(small_dataset):
    training = TrainingConfig(epochs=3, batch_size=4, precision="float32", checkpoint_every=1)
    return device.resolve(
        Config(
            task="au",
            data_root=str(small_dataset),
            device="cpu",
            model=ModelConfig("test_vit", image_size=32),
            reselection=ReselectionConfig("none"),
            training=training,
        )
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def trainer(cache, tmp_path):
    def make(config, name="fold"):
        dataset = open_dataset(config, cache, progress=False)
        fold = make_folds(config.protocol, dataset.labelled, config.seed)[0]
        inputs = load_inputs(dataset.store, torch.device("cpu"))
        return FoldTrainer(config, fold_data(dataset, fold, inputs, config), tmp_path / name)

    return make


def emotions(config, **training):
    return replace(config, task="c3", training=replace(config.training, **training))


def test_results_are_f1_of_each_unit_and_its_mean(run):
    results = json.loads((run / "results.json").read_text())
    assert results["classes"] == list(UNIT_NAMES)
    assert json.loads(json.dumps(read_run(run).results.as_dict())) == results
    folds = [load_result(run / "folds" / name / "predictions.npz") for name in ("01", "02", "03")]
    truth = np.concatenate([fold.labels for fold in folds])
    above = np.concatenate([fold.logits[-1] for fold in folds]) > 0
    final = results["final"]
    scored = []
    for place, (name, by) in enumerate(final["per_class"].items()):
        shown_by = [fold.name for fold in folds if fold.labels[:, place].any()]
        assert by["support"] == truth[:, place].sum()
        if len(shown_by) < 2:  # nobody to train on, or nobody to evaluate
            assert by["f1"] is by["precision"] is by["recall"] is None
            assert name not in final["intervals"]
        else:
            assert by["f1"] == pytest.approx(f1_score(truth[:, place], above[:, place]))
            assert final["intervals"][name] is None  # of three subjects
            scored.append(by["f1"])
    assert 2 <= len(scored) < len(UNITS)
    assert final["uf1"] == pytest.approx(np.mean(scored))
    clip = results["folds"][0]["predictions"][0]
    assert set(clip) == {"clip", "true", "final", "inner", "oracle_accuracy", "oracle_f1"}
    moving = [n for n, moves in zip(UNIT_NAMES, folds[0].labels[0], strict=True) if moves]
    assert clip["true"] == "+".join(moving)


def test_units_without_f1_are_named(run):
    found = read_run(run)
    text = summary_text(found.results)
    assert "undefined" in text
    assert "Undefined, and in no mean: " in text
    assert re.search(r"Predicting every unit in every clip has a mean F1 of 0\.\d{3}", text)
    assert "AU5: no clip shows it" in text
    markdown = (run / "results.md").read_text()
    assert "12 action units (au)" in markdown
    assert "arXiv 2211.11425" in markdown
    assert (run / "units.png").is_file()
    assert not (run / "confusion.png").exists()


@pytest.mark.slow
def test_the_page_shows_units(run):
    assert main(["report", str(run)]) == 0
    text = (run / "report.html").read_text("utf-8")
    assert "action unit(s) have no F1 and are in no mean" in text
    assert "F1 of each action unit at the inner epoch" in text
    assert "best mean F1 on training subjects" in text
    assert "most frequent class" not in text


@pytest.mark.parametrize(
    "words",
    [
        ("tsne",),
        ("original-report",),
        ("predict", "--input", "x.mp4", "--output", "out"),
    ],
)
def test_what_needs_one_class_for_each_clip_is_refused(run, capsys, words):
    assert main([words[0], str(run), *words[1:]]) == 2
    shown = capsys.readouterr().err
    assert "one class for each clip, but this run is of action units" in shown
    assert "Traceback" not in shown


def test_a_run_is_compared_by_its_units(run, tmp_path, capsys):
    words = ["--selection", "final,oracle", "--output", str(tmp_path)]
    assert main(["compare", str(run), str(run), *words]) == 0
    shown = capsys.readouterr().out
    assert "mean F1" in shown
    assert "UF1" not in shown


@pytest.mark.slow
def test_folds_are_merged(run, tmp_path, capsys):
    parts = [shutil.copytree(run, tmp_path / name) for name in "ab"]
    for part, names in zip(parts, (("01",), ("02", "03")), strict=True):
        for name in names:
            shutil.rmtree(part / "folds" / name)
    output = tmp_path / "merged"
    assert main(["merge", *map(str, parts), "--output", str(output)]) == 0
    assert (output / "results.json").read_bytes() == (run / "results.json").read_bytes()


@pytest.mark.slow
def test_an_exported_network_gives_a_logit_for_each_unit(run, tmp_path, capsys):
    file = tmp_path / "net.pt"
    words = ["--fold", "01", "--format", "torchscript", "--output", str(file)]
    assert main(["export", str(run), *words]) == 0
    assert "a unit moves where its logit is above 0" in capsys.readouterr().out
    assert load_trained(run, "01").net.num_classes == len(UNITS)


@pytest.mark.parametrize("task", ["au", "emotions"])
def test_an_interrupted_fold_ends_like_an_uninterrupted_one(config, trainer, tmp_path, task):
    config = config if task == "au" else emotions(config, au_weight=0.5)
    alone = trainer(config, "alone").run()

    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        trainer(config, "again").run(stop)
    assert np.array_equal(trainer(config, "again").run().logits, alone.logits)
    for file in ("predictions.npz", "checkpoint.safetensors"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()


def test_the_auxiliary_layer_is_trained_and_not_kept(config, trainer):
    plain = trainer(emotions(config), "plain")
    helped = trainer(emotions(config, au_weight=0.5), "helped")
    assert plain.units is None
    first = helped.units.layer.weight.clone()
    start = {name: values.clone() for name, values in helped.net.state_dict().items()}
    for name, values in plain.net.state_dict().items():
        assert torch.equal(values, start[name])  # the same start
    results = [each.run() for each in (plain, helped)]
    assert not torch.equal(helped.units.layer.weight, first)
    assert not np.array_equal(results[0].logits, results[1].logits)
    assert results[1].training_positives is None
    assert plain.net.state_dict().keys() == helped.net.state_dict().keys()


@pytest.mark.parametrize("one_pass", [False, True])
def test_the_auxiliary_loss_is_that_of_both_phases(config, trainer, one_pass):
    made = trainer(emotions(config, au_weight=2.0, auxiliary_weight=0.5))
    net, layer, data = made.net.eval(), made.units.layer, made.data
    net.one_pass = one_pass
    batch, units = data.batch(data.training), data.training_units
    rising, falling = net(*batch)
    seen = net.forward_head(net.forward_features(*batch), pre_logits=True)
    expected = two_phase_loss(rising, falling, data.training_labels, 0.5)
    expected = expected + 2.0 * two_phase_loss(layer(seen[0]), layer(seen[1]), units, 0.5)
    weights = torch.ones(len(data.classes))
    for given in ((units,), (weights, units)):
        loss, right = made.learner._loss(batch, data.training_labels, *given)
        torch.testing.assert_close(loss, expected)
    assert right == (rising.argmax(1) == data.training_labels).sum()


def test_probabilities_of_units_are_averaged_over_draws(config, trainer):
    made = trainer(config)
    index = made.data.training
    draws = torch.stack((index[:2], index[2:4]), dim=1)  # two clips with two draws each
    found = made.averaged_logits(index[:2], draws).sigmoid()
    expected = (made.logits(index[:2]).sigmoid() + made.logits(index[2:4]).sigmoid()) / 2
    torch.testing.assert_close(found, expected)


def test_a_learner_starts_again_with_the_same_layer(config, trainer):
    made = trainer(emotions(config, au_weight=0.5))
    first = made.units.layer.weight.clone()
    made.train_epoch(0)
    made.learner.restart(stream(config.seed, made.data.name, "weights"))
    assert torch.equal(made.units.layer.weight, first)


def test_balanced_weights_are_those_of_rare_units(config, trainer):
    data = trainer(config).data
    positives = data.training_labels.sum(0)
    weights = data.class_weights()
    assert (weights[positives == 0] == 1).all()
    there = positives > 0
    expected = (len(data.training) - positives[there]) / positives[there]
    torch.testing.assert_close(weights[there], expected)


@pytest.mark.slow
def test_a_network_learns_which_units_move(config, trainer):
    """Known answer: trained without augmentation, it finds the units of its training clips."""
    config = replace(
        config,
        augmentation=AugmentationConfig(0, 0, 0),
        training=replace(config.training, epochs=30, weight_decay=0.0, learning_rate=2e-3),
    )
    made = trainer(config)
    for epoch in range(30):
        made.train_epoch(epoch)
    truth = made.data.training_labels.numpy()
    predicted = made.logits(made.data.training).numpy() > 0
    shown = truth.any(0)
    assert f1_score(truth[:, shown], predicted[:, shown], average="macro") > 0.9


@pytest.mark.slow
def test_a_dataset_is_left_out(made, small_options, tmp_path, capsys):
    """Mean F1 of each dataset and over the pooled clips of all, as MEB's protocol has it."""
    roots = ",".join(f"{name}={made(name)}" for name in ("cas2", "samm"))
    words = ["--dataset", "cas2+samm", "--task", "au", "--data-root", roots, *small_options, *SMALL]
    words += ["--protocol.name", "leave-one-dataset-out", "--output", str(tmp_path / "run")]
    assert main(["train", *words]) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [fold["held_out"] for fold in results["folds"]] == ["cas2", "samm"]
    for shown in results["folds"]:
        fold = load_result(tmp_path / "run" / "folds" / shown["held_out"] / "predictions.npz")
        scored = fold.labels.any(0) & (fold.training_positives > 0)
        pairs = fold.labels[:, scored], fold.logits[-1][:, scored] > 0
        expected = f1_score(*pairs, average="macro", zero_division=0)
        assert shown["final"]["mean_f1"] == pytest.approx(expected)
