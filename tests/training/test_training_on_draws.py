"""Training on draws of key frames: another one each epoch, averaged in tests, resumed alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gamdss.config import Config, ModelConfig, ReselectionConfig, TrainingConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.dataset import open_dataset
from gamdss.data.draws import draw_of_epoch
from gamdss.data.splits import make_folds
from gamdss.data.store import join_stores
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs
from gamdss.training.folds import train

DRAWS = 4
CPU = torch.device("cpu")
RESELECTION = ReselectionConfig("none", draws=DRAWS, test_draws=3, jitter=0.4)


@pytest.fixture(scope="module")
def config(small_dataset, tmp_path_factory):
    return device.resolve(
        Config(
            data_root=str(small_dataset),
            cache=str(tmp_path_factory.mktemp("cache")),
            device="cpu",
            threads=1,
            model=ModelConfig("test_vit", image_size=32),
            reselection=RESELECTION,
            training=TrainingConfig(
                epochs=2, batch_size=8, precision="float32", checkpoint_every=1
            ),
        )
    )


@pytest.fixture(scope="module")
def dataset(config):
    return open_dataset(config, Path(config.cache), progress=False)


def data_of(dataset, config):
    (fold, *_) = make_folds(config.protocol, dataset.labelled, config.seed)
    return fold, fold_data(dataset, fold, load_inputs(dataset.store, CPU), config)


def test_a_clip_shows_all_its_draws_before_it_repeats_one():
    shown = np.array([draw_of_epoch(50, DRAWS, epoch, 9) for epoch in range(2 * DRAWS)])
    for cycle in (shown[:DRAWS], shown[DRAWS:]):
        assert (np.sort(cycle, axis=0) == np.arange(DRAWS)[:, None]).all()
    assert not np.array_equal(shown[:DRAWS], shown[DRAWS:])
    assert len({tuple(clip) for clip in shown.T}) > 20
    assert np.array_equal(draw_of_epoch(50, DRAWS, 6, 9), shown[6])
    assert not np.array_equal(draw_of_epoch(50, DRAWS, 6, 8), shown[6])


def test_an_epoch_takes_draws_of_its_clips_and_no_random_number(dataset, config):
    fold, data = data_of(dataset, config)
    before = torch.get_rng_state()
    first, second = data.of_epoch(0, config.seed), data.of_epoch(1, config.seed)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, second)
    for index in (first, second):
        for row, clip in zip(index.numpy(), fold.training, strict=True):
            assert (dataset.store.draws_index[clip] == row).all(axis=1).any()
    assert torch.equal(first, data_of(dataset, config)[1].of_epoch(0, config.seed))
    assert not torch.equal(first, data.of_epoch(0, config.seed + 1))


def test_draws_can_be_for_tests_only(dataset, config):
    tested = replace(config, reselection=replace(RESELECTION, train_draws=False))
    data = data_of(dataset, tested)[1]
    assert torch.equal(data.of_epoch(0, config.seed), data.training)
    assert data.held_out_draws.shape[1] == 3


def test_only_the_first_draws_are_evaluated(dataset, config):
    fold, data = data_of(dataset, config)
    expected = dataset.store.draws_index[list(fold.held_out), :3]
    assert np.array_equal(data.held_out_draws.numpy(), expected)
    plain = replace(config, reselection=replace(RESELECTION, test_draws=0))
    assert data_of(dataset, plain)[1].held_out_draws is None


def test_logits_over_draws_are_the_logarithms_of_mean_probabilities(dataset, config, tmp_path):
    _, data = data_of(dataset, config)
    trainer = FoldTrainer(config, data, tmp_path)
    averaged = trainer.held_out_logits()
    each = [trainer.logits(data.held_out_draws[:, draw]).softmax(1) for draw in range(3)]
    expected = torch.stack(each).mean(0)
    torch.testing.assert_close(averaged.exp(), expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(averaged.softmax(1), trainer.logits(data.held_out).softmax(1))


def test_draws_train_other_networks_of_the_same_size_and_resume_alike(config, tmp_path):
    whole = train(config, tmp_path / "whole", ["01"], progress=False)
    assert whole is not None
    (tmp_path / "whole" / "folds" / "01" / "predictions.npz").unlink()
    (drawn,) = whole.folds
    dataset = whole.dataset
    _, data = data_of(dataset, config)
    stopped = FoldTrainer(config, data, tmp_path / "stopped")
    stopped.folder.mkdir()
    stopped.evaluate_epoch(0, *stopped.train_epoch(0))
    stopped._save_state()
    resumed = FoldTrainer(config, data, tmp_path / "stopped").run()
    assert np.array_equal(resumed.logits, drawn.logits)
    assert np.array_equal(resumed.train_loss, drawn.train_loss)
    plain = FoldTrainer(config, replace(data, training_draws=None), tmp_path / "plain")
    same = (sum(p.numel() for p in t.net.parameters()) for t in (plain, stopped))
    assert len(set(same)) == 1
    assert plain.train_epoch(0)[0] != pytest.approx(drawn.train_loss[0], abs=1e-6)


def test_phase_features_are_drawn_with_their_frames(small_dataset, config, dataset):
    flow = replace(config, features=FeaturesConfig("flow-dis"))
    opened = open_dataset(flow, Path(config.cache), progress=False)
    index = opened.store.draws_index
    assert index.shape == (12, DRAWS, 5)
    assert np.array_equal(index[..., :3], dataset.store.draws_index)
    assert index[..., 3:].max() < len(opened.store.phase_features)
    # One phase of two draws is stored once.
    phases = {}
    for clip in index:
        for onset, apex, offset, rising, falling in clip:
            assert phases.setdefault((onset, apex), rising) == rising
            assert phases.setdefault((offset, apex), falling) == falling
    both = join_stores([opened.store, opened.store])
    second = both.draws_index[12:]
    for name, part in (("frames", slice(3)), ("phase_features", slice(3, 5))):
        here, there = getattr(both, name), getattr(opened.store, name)
        assert np.array_equal(here[second[..., part]], there[index[..., part]])
    assert np.array_equal(opened.store.subset([4]).draws_index[0], index[4])
