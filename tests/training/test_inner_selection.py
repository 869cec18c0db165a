"""The inner selection: independent of the held-out subject, and stable under interruptions."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from gamdss.cli import main
from gamdss.config import Config, ModelConfig, ProtocolConfig, TrainingConfig
from gamdss.data.dataset import open_dataset
from gamdss.data.splits import make_folds
from gamdss.metrics import inner_epoch
from gamdss.report.tables import summary_text
from gamdss.runs.finished import read_run
from gamdss.training import device
from gamdss.training.checkpoint import load_result, load_weights
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs

pytestmark = pytest.mark.slow

EPOCHS = 3


@pytest.fixture(scope="module")
def config(small_dataset):
    training = TrainingConfig(
        epochs=EPOCHS, batch_size=4, precision="float32", selection="inner", checkpoint_every=1
    )
    root = str(small_dataset)
    model = ModelConfig("test_vit", image_size=32)
    return device.resolve(
        Config(data_root=root, device="cpu", threads=1, model=model, training=training)
    )


@pytest.fixture(scope="module")
def data(config, tmp_path_factory):
    """The first fold."""
    dataset = open_dataset(config, tmp_path_factory.mktemp("cache"), progress=False)
    fold = make_folds(ProtocolConfig(), dataset.labelled, 0)[0]
    return fold_data(dataset, fold, load_inputs(dataset.store, torch.device("cpu")), config)


@pytest.fixture(scope="module")
def plain(config, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    return FoldTrainer(config, data, folder).run(), folder


def chosen(result):
    return inner_epoch(result.inner_logits, result.inner_labels)


def test_the_held_out_subject_does_not_affect_the_choice(config, data, plain, tmp_path):
    """With other labels and frames of that subject: same epoch, same weights."""
    frames = data.frames.clone()
    frames[data.held_out.flatten()] = 255
    leak = replace(data, frames=frames, held_out_labels=torch.zeros_like(data.held_out_labels))
    result = FoldTrainer(config, leak, tmp_path).run()
    assert np.array_equal(result.inner_logits, plain[0].inner_logits)
    assert chosen(result) == chosen(plain[0])
    weights = "checkpoint.safetensors"
    assert (tmp_path / weights).read_bytes() == (plain[1] / weights).read_bytes()
    assert not np.array_equal(result.logits, plain[0].logits)


def test_inner_subjects_are_evaluated_and_never_trained_on(config, data, plain, tmp_path):
    assert data.name not in {clip.split("/")[0] for clip in data.inner_clips}
    assert len(data.training) + len(data.inner) + len(data.held_out) == 12
    frames = data.frames.clone()
    frames[data.inner.flatten()] = 0
    result = FoldTrainer(config, replace(data, frames=frames), tmp_path).run()
    assert np.array_equal(result.train_loss, plain[0].train_loss)
    assert np.array_equal(result.logits, plain[0].logits)
    assert not np.array_equal(result.inner_logits, plain[0].inner_logits)


def test_the_checkpoint_is_the_chosen_network(config, data, plain, tmp_path):
    result, folder = plain
    trainer = FoldTrainer(config, data, tmp_path)
    load_weights(folder / "checkpoint.safetensors", trainer.net)
    assert np.array_equal(trainer.held_out_logits().numpy(), result.logits[chosen(result)])
    read = load_result(folder / "predictions.npz")
    assert np.array_equal(read.inner_logits, result.inner_logits)
    assert read.inner_clips == data.inner_clips


@pytest.mark.parametrize("stop", [1, EPOCHS - 1])
def test_an_interrupted_fold_chooses_the_same(config, data, plain, tmp_path, stop):
    def interrupt(done, loss):
        if done == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FoldTrainer(config, data, tmp_path).run(interrupt)
    assert (tmp_path / "training_state.pt").exists()
    result = FoldTrainer(config, data, tmp_path).run()
    assert np.array_equal(result.inner_logits, plain[0].inner_logits)
    assert np.array_equal(result.logits, plain[0].logits)
    for file in ("checkpoint.safetensors", "predictions.npz"):
        assert (tmp_path / file).read_bytes() == (plain[1] / file).read_bytes()


def test_results_and_tables_name_it(inner_flow_run, tmp_path, capsys):
    output = inner_flow_run
    results = json.loads((output / "results.json").read_text())
    assert results["selection"] == "inner"
    predicted = [p for fold in results["folds"] for p in fold["predictions"]]
    right = np.mean([p["inner"] == p["true"] for p in predicted])
    assert results["inner"]["accuracy"] == pytest.approx(right)
    for fold in results["folds"]:
        assert 1 <= fold["inner"]["epoch"] <= 2
        assert fold["held_out"] not in fold["inner"]["subjects"]
    text = (output / "results.md").read_text()
    assert "## Confusion (inner (epoch chosen on training subjects set aside))" in text
    assert "inner epoch" in text
    assert "inner (epoch chosen on" in summary_text(read_run(output).results)
    words = ["--selection", "inner,final", "--output", str(tmp_path / "c")]
    assert main(["compare", str(output), str(output), *words]) == 0
    assert "inner (epoch chosen on" in capsys.readouterr().out
