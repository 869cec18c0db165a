"""Damaged files of a run are named and made again; a training that diverges stops at once."""

import shutil
from dataclasses import replace

import pytest
import torch

from gamdss.cli import main
from gamdss.config import Config, ModelConfig, TrainingConfig
from gamdss.config.command_line import exit_on_mistake
from gamdss.data.dataset import open_dataset
from gamdss.data.splits import make_folds
from gamdss.errors import DeviceError, RunError
from gamdss.training import checkpoint, device
from gamdss.training import fold as fold_module
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 8
    file.write_bytes(data)


@pytest.fixture
def again(finished_run, small_dataset, small_options, tmp_path):
    """Starts a copy of a finished run again; returns its status."""
    shutil.copytree(finished_run, tmp_path / "run")

    def start():
        words = ["--data-root", str(small_dataset), *small_options]
        return main(["train", *words, "--output", str(tmp_path / "run")])

    return start


@pytest.mark.slow
@pytest.mark.parametrize("name", ["checkpoint.safetensors", "predictions.npz"])
def test_a_fold_with_a_flipped_bit_is_trained_again(again, finished_run, tmp_path, caplog, name):
    file = tmp_path / "run" / "folds" / "02" / name
    flip(file)
    assert again() == 0
    assert f"{file}: missing, incomplete or corrupt" in caplog.text
    assert "the fold is trained again" in caplog.text
    for made in ("results.json", f"folds/02/{name}"):
        assert (tmp_path / "run" / made).read_bytes() == (finished_run / made).read_bytes()


@pytest.fixture(scope="module")
def trainer(small_dataset, tmp_path_factory):
    config = device.resolve(
        Config(
            data_root=str(small_dataset),
            device="cpu",
            threads=1,
            model=ModelConfig(image_size=32),
            training=TrainingConfig(epochs=3, batch_size=4, precision="float32"),
        )
    )
    dataset = open_dataset(config, tmp_path_factory.mktemp("cache"), progress=False)
    fold = make_folds(config.protocol, dataset.labelled, 0)[0]
    inputs = load_inputs(dataset.store, torch.device("cpu"))

    def build(folder, **training):
        changed = replace(config, training=replace(config.training, **training))
        return FoldTrainer(changed, fold_data(dataset, fold, inputs, changed), folder)

    return build


@pytest.mark.usefixtures("tiny_rmt")
def test_a_training_state_is_continued_unless_it_is_corrupt(trainer, tmp_path, caplog):
    whole = trainer(tmp_path / "whole").run()
    (tmp_path / "fold").mkdir()
    first = trainer(tmp_path / "fold", checkpoint_every=1)
    first.evaluate_epoch(0, *first.train_epoch(0))
    first._save_state()
    shutil.copytree(tmp_path / "fold", tmp_path / "corrupt")
    flip(tmp_path / "corrupt" / "training_state.pt")
    done = {"fold": [], "corrupt": []}
    for name, epochs in done.items():
        again = trainer(tmp_path / name).run(lambda epoch, _: epochs.append(epoch))  # noqa: B023
        assert (again.logits == whole.logits).all()
    assert done == {"fold": [2, 3], "corrupt": [1, 2, 3]}
    assert "training_state.pt: incomplete or corrupt training state" in caplog.text


@pytest.mark.usefixtures("tiny_rmt")
@pytest.mark.parametrize(
    ("every", "seconds", "expected"),
    [(None, 60, []), (None, 0, [1, 2]), (2, 0, [2]), (1, 60, [1, 2])],
)
def test_the_state_is_saved_once_a_minute_or_every_few_epochs(
    trainer, tmp_path, monkeypatch, every, seconds, expected
):
    monkeypatch.setattr(fold_module, "_SECONDS_BETWEEN_SAVES", seconds)
    saved = []
    one = trainer(tmp_path / "fold", checkpoint_every=every)
    monkeypatch.setattr(one, "_save_state", lambda: saved.append(len(one.history.loss)))
    one.run()
    assert saved == expected  # never after the last of three epochs, when the fold is finished


@pytest.mark.usefixtures("tiny_rmt")
@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_a_training_that_diverges_stops_with_fold_epoch_and_remedy(trainer, tmp_path, rate):
    with pytest.raises(RunError, match=r"in fold 01, epoch [12], (.|\n)*--training.learning-rate"):
        trainer(tmp_path, learning_rate=rate, checkpoint_every=1).run()
    assert not (tmp_path / "predictions.npz").exists()
    if (tmp_path / "training_state.pt").exists():
        state = checkpoint.load_state(tmp_path / "training_state.pt", torch.device("cpu"))
        assert torch.isfinite(state["logits"]).all()


def test_a_gpu_without_enough_memory_is_explained(trainer, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    one = trainer(tmp_path)
    monkeypatch.setattr(one.learner, "step", full)
    with pytest.raises(DeviceError, match=r"Tried to allocate 20.00 MiB(.|\n)*nvidia-smi"):
        one.run()
    with pytest.raises(SystemExit) as ended, exit_on_mistake():
        full()  # in any other work
    assert ended.value.code == 2
    assert "error: the memory of the GPU does not suffice" in capsys.readouterr().err


@pytest.mark.slow
def test_the_advice_after_a_divergence_can_be_followed(
    small_dataset, small_options, tmp_path, capsys
):
    words = ["train", "--data-root", str(small_dataset), *small_options, "--folds", "01"]
    high, low = (["--training.learning-rate", rate] for rate in ("1e30", "1e-4"))
    assert main([*words, *high, "--output", str(tmp_path / "run")]) == 2
    assert "below 1e+30 and a new --output" in capsys.readouterr().err
    assert main([*words, *low, "--output", str(tmp_path / "run")]) == 2
    assert "1e+30" in capsys.readouterr().err  # a run has one rate
    assert main([*words, *low, "--output", str(tmp_path / "new")]) == 0
