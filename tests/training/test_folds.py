"""Folds: the same numbers in any order, nothing learnt from the held-out subject."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gamdss.config import Config, ModelConfig, ProtocolConfig, ReselectionConfig, TrainingConfig
from gamdss.data.dataset import open_dataset
from gamdss.data.splits import make_folds
from gamdss.errors import ConfigError, DeviceError, RunError
from gamdss.metrics import MEASURES, predictions
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.folds import RunFolds, train
from gamdss.training.ranks import OneProcess

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def config(small_dataset):
    return device.resolve(
        Config(
            data_root=str(small_dataset),
            device="cpu",
            threads=1,
            model=ModelConfig("test_vit", image_size=32),
            reselection=ReselectionConfig(preset="full", ratio=0.4),
            training=TrainingConfig(epochs=3, batch_size=4, precision="float32"),
        )
    )


@pytest.fixture(scope="module")
def dataset(config, tmp_path_factory):
    return open_dataset(config, tmp_path_factory.mktemp("cache"), progress=False)


def folds_of(dataset):
    return make_folds(ProtocolConfig(), dataset.labelled, 0)


def data_of(dataset, fold, config):
    return fold_data(dataset, fold, load_inputs(dataset.store, CPU), config)


def run_fold(dataset, fold, config, folder, change=None):
    data = data_of(dataset, fold, config)
    if change is not None:
        data = replace(data, **change(data))
    return FoldTrainer(config, data, folder).run()


@pytest.fixture(scope="module")
def first(dataset, config, tmp_path_factory):
    return run_fold(dataset, folds_of(dataset)[0], config, tmp_path_factory.mktemp("first"))


@pytest.mark.slow
def test_a_fold_alone_equals_the_fold_in_a_run(first, config, tmp_path):
    run = train(replace(config, cache=str(tmp_path / "cache")), tmp_path / "run", progress=False)
    assert np.array_equal(run.folds[0].logits, first.logits)
    assert np.array_equal(run.folds[0].train_loss, first.train_loss)
    values = run.results.as_dict()
    for name in ("final", "oracle"):
        found, expected = values[name], predictions(run.folds, 5, name).scores(5)
        assert {measure: found[measure] for measure in MEASURES}.items() <= vars(expected).items()
        by_class = zip(values["classes"], map(vars, expected.per_class), strict=True)
        assert found["per_class"] == dict(by_class)
        assert found["confusion"] == expected.confusion.tolist()
        assert set(found["intervals"].values()) == {None}  # of three subjects
    assert [f.final.epoch for f in run.results.folds] == [3, 3, 3]


def test_a_warning_about_the_split_is_shown_once(config, dataset, tmp_path, caplog):
    split = tmp_path / "split.csv"
    split.write_text("subject,part\n01,train\n02,test\n03,\n")
    protocol = ProtocolConfig("fixed", split=str(split))
    with RunFolds(replace(config, protocol=protocol), tmp_path / "run", [], False) as job:
        assert list(job.folds(dataset)) == []
        assert job.finish(dataset).missing == ("test",)
    assert [text for text in caplog.messages if "are in no part" in text] == [
        f"{split}: 4 of 12 clip(s) are in no part, and not used"
    ]
    with RunFolds(replace(config, protocol=protocol), tmp_path / "other", [], False) as job:
        job.ranks = OneProcess(rank=1)  # the first rank has shown it
        assert len(job.all_folds(dataset)) == 1
    assert len(caplog.messages) == 1
    assert logging.getLogger("gamdss").level == logging.NOTSET


@pytest.mark.slow
def test_options_against_unequal_classes_change_the_training(first, dataset, config, tmp_path):
    # Two clips of three are of one class, so that weights differ.
    plain = run_fold(dataset, folds_of(dataset)[0], config, tmp_path / "plain", _unequal)
    for option in (
        {"class_weights": "balanced"},
        {"sampling": "balanced"},
        {"label_smoothing": 0.2},
    ):
        changed = replace(config, training=replace(config.training, **option))
        fold = run_fold(dataset, folds_of(dataset)[0], changed, tmp_path / str(option), _unequal)
        assert not np.array_equal(fold.train_loss, plain.train_loss), option
        assert np.isfinite(fold.logits).all()


def _unequal(data):
    keep = torch.cat((torch.arange(4), torch.tensor([5])))
    labels = torch.tensor([0, 0, 0, 1, 1])
    return {"training": data.training[keep], "training_labels": labels}


@pytest.mark.slow
def test_held_out_labels_do_not_affect_training(first, dataset, config, tmp_path):
    def swap(data):
        return {"held_out_labels": torch.flip(data.held_out_labels, [0])}

    swapped = run_fold(dataset, folds_of(dataset)[0], config, tmp_path, swap)
    assert np.array_equal(swapped.logits, first.logits)


@pytest.mark.slow
def test_held_out_frames_are_never_trained_on(first, dataset, config, tmp_path):
    def blank(data):
        frames = data.frames.clone()
        frames[data.held_out.flatten()] = 0
        return {"frames": frames}

    blanked = run_fold(dataset, folds_of(dataset)[0], config, tmp_path, blank)
    assert np.array_equal(blanked.train_loss, first.train_loss)
    assert not np.array_equal(blanked.logits, first.logits)


@pytest.mark.slow
def test_another_seed_gives_another_training(first, dataset, config, tmp_path):
    other = run_fold(dataset, folds_of(dataset)[0], replace(config, seed=5), tmp_path / "seed")
    assert not np.array_equal(other.train_loss, first.train_loss)


def test_which_frames_held_out_clips_use(dataset, config):
    fold = folds_of(dataset)[0]
    assert not np.array_equal(dataset.store.annotated, dataset.store.reselected)
    everywhere = data_of(dataset, fold, config)
    release = replace(config, reselection=ReselectionConfig(preset="full", clips="training"))
    training_only = data_of(dataset, fold, release)
    assert torch.equal(everywhere.training, training_only.training)
    held_out = list(fold.held_out)
    assert np.array_equal(everywhere.held_out.numpy(), dataset.store.reselected[held_out])
    assert np.array_equal(training_only.held_out.numpy(), dataset.store.annotated[held_out])


@pytest.mark.parametrize("branches", ["rising", "falling"])
def test_one_branch_alone_trains(dataset, config, tmp_path, branches):
    model = ModelConfig(image_size=32, branches=branches)
    short = replace(config, model=model, training=replace(config.training, epochs=1))
    result = run_fold(dataset, folds_of(dataset)[0], short, tmp_path)
    assert result.logits.shape == (1, 4, 5)
    assert np.isfinite(result.logits).all()


@pytest.mark.slow
def test_the_learning_rate_decays_as_in_the_paper(dataset, config, tmp_path):
    training = replace(config.training, epochs=5, lr_decay=0.5, lr_decay_epochs=3)
    fast = replace(config, training=training)
    trainer = FoldTrainer(fast, data_of(dataset, folds_of(dataset)[0], fast), tmp_path)
    rates = []
    trainer.run(lambda *_: rates.append(trainer.optimizer.param_groups[0]["lr"]))
    assert rates == pytest.approx([8e-4, 4e-4, 2e-4, 1e-4, 1e-4])


@pytest.mark.parametrize("epoch", [-1, 1.0, None])
def test_an_epoch_that_cannot_be_is_refused(dataset, config, tmp_path, epoch):
    trainer = FoldTrainer(config, data_of(dataset, folds_of(dataset)[0], config), tmp_path)
    with pytest.raises(ConfigError, match=rf"epoch is {epoch}\nGive an integer from 0 on"):
        trainer.train_epoch(epoch)


@pytest.mark.slow
def test_bf16_learns_like_float32(first, dataset, config, tmp_path):
    half = replace(config, training=replace(config.training, precision="bf16"))
    result = run_fold(dataset, folds_of(dataset)[0], half, tmp_path)
    assert result.logits.dtype == np.float32
    assert result.train_loss == pytest.approx(first.train_loss, rel=0.25)


class Recorder(TorchDispatchMode):
    """Names of the operations that PyTorch runs."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.names.append(function.overloadpacket.__name__)
        return function(*arguments, **(options or {}))


def with_statistics(config):
    """The config with a backbone of timm, after a norm over the batch and phase."""
    return replace(config, model=ModelConfig("resnet18", image_size=64))


def test_a_step_neither_reads_from_the_device_nor_copies_constants_to_it(dataset, config, tmp_path):
    """Both would synchronise a GPU."""
    net = with_statistics(config)
    data = data_of(dataset, folds_of(dataset)[0], net)
    trainer = FoldTrainer(net, replace(data, frames=larger(data.frames)), tmp_path)
    batch = torch.arange(4)
    trainer.learner.step(*trainer.inputs(batch))
    with Recorder() as ran:
        trainer.learner.step(*trainer.inputs(batch))
    assert ran.names.count("native_batch_norm") + ran.names.count("_native_batch_norm_legit") > 20
    assert not {"_local_scalar_dense", "lift_fresh"} & set(ran.names)


def larger(frames):
    """Frames of 64 pixels from those of 32."""
    return frames.repeat_interleave(2, -1).repeat_interleave(2, -2)


def test_a_run_keeps_the_number_of_threads_that_it_was_started_with(config, tmp_path, caplog):
    free, before = replace(config, threads=0), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with RunFolds(free, tmp_path, only=[]) as run:
            list(run.folds(run.open_dataset()))
        torch.set_num_threads(2)  # as on another machine, or beside torchrun's ranks
        RunFolds(free, tmp_path)
        assert torch.get_num_threads() == 1
        assert "threads: 1, with which the run was started" in caplog.text
        RunFolds(free, tmp_path / "another")  # in the same process
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_report_of_another_config_is_refused_without_folds(config, tmp_path):
    with RunFolds(config, tmp_path) as run:
        dataset = run.open_dataset()
        assert run.finish(dataset).missing == ("01", "02", "03")
        assert len([fold.name for fold in run.folds(dataset)]) == 3  # the directory is held already
        assert len(list(run.folds(run.open_dataset()))) == 3
    other = replace(config, training=replace(config.training, epochs=50))
    with RunFolds(other, tmp_path) as run, pytest.raises(RunError, match=r"training\.epochs"):
        run.finish(run.open_dataset())
    with RunFolds(config, tmp_path) as first, RunFolds(config, tmp_path) as second:
        first.finish(dataset)
        with pytest.raises(RunError, match="another process is working"):
            second.finish(dataset)
    with first:  # held anew
        first.finish(dataset)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is available")
def test_cuda_that_is_not_available_is_refused(config):
    with pytest.raises(DeviceError, match="no CUDA device"):
        device.resolve(replace(config, device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_a_fold_on_cuda_is_the_same_each_time(dataset, config, tmp_path):
    cuda = device.resolve(replace(config, device="cuda"))
    target = device.set_up(cuda)
    data = fold_data(dataset, folds_of(dataset)[0], load_inputs(dataset.store, target), cuda)
    one = FoldTrainer(cuda, data, tmp_path / "one").run()
    two = FoldTrainer(cuda, data, tmp_path / "two").run()
    assert np.array_equal(one.logits, two.logits)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_steps_on_cuda_do_not_synchronise(dataset, config, tmp_path):
    cuda = device.resolve(replace(with_statistics(config), device="cuda"))
    target = device.set_up(cuda)
    data = fold_data(dataset, folds_of(dataset)[0], load_inputs(dataset.store, target), cuda)
    trainer = FoldTrainer(cuda, replace(data, frames=larger(data.frames)), tmp_path)
    batch = torch.arange(4, device=target)
    trainer.learner.step(*trainer.inputs(batch))
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.learner.step(*trainer.inputs(batch))
    finally:
        torch.cuda.set_sync_debug_mode("default")
