"""Phase features other than the difference: stored, trained on, reproducible to the byte."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open

from gamdss.cli import main
from gamdss.config import Config, ModelConfig, ReselectionConfig, TrainingConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.composite import sources
from gamdss.data.dataset import open_dataset
from gamdss.data.decoding import decode
from gamdss.data.frames import FrameFinder
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.specs import get_spec
from gamdss.data.splits import make_folds
from gamdss.data.store import join_stores
from gamdss.errors import FrameError
from gamdss.features import FEATURES, dense_flow, flow_feature, resize_flow, scale
from gamdss.training import device
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import fold_data, load_inputs

CPU = torch.device("cpu")
SIZE = 32


@pytest.fixture(scope="module")
def plain(small_dataset):
    return device.resolve(
        Config(
            data_root=str(small_dataset),
            device="cpu",
            threads=1,
            model=ModelConfig("test_vit", image_size=SIZE),
            reselection=ReselectionConfig(preset="full", ratio=0.4),
            training=TrainingConfig(epochs=2, batch_size=4, precision="float32"),
        )
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def of(plain, **features):
    return replace(plain, features=FeaturesConfig(**features))


def opened(config, cache):
    return open_dataset(config, cache, progress=False)


def trainer(config, dataset, folder):
    fold = make_folds(config.protocol, dataset.labelled, config.seed)[0]
    data = fold_data(dataset, fold, load_inputs(dataset.store, CPU), config)
    return FoldTrainer(config, data, folder)


def test_the_store_holds_the_flow_of_the_frames_as_delivered(plain, small_dataset, cache):
    dataset = opened(of(plain, name="flow-strain"), cache)
    store = dataset.store
    assert store.phase_features.dtype == np.float16
    assert isinstance(store.phase_features, np.memmap)
    spec = get_spec("cas2")
    for i in (0, 7):
        item = FrameFinder(spec, small_dataset).find(dataset.annotations.clips[i])
        for which in ("annotated", "reselected"):
            keys = getattr(store, f"{which}_keys")[i]
            for phase, start in enumerate((keys.onset, keys.offset)):
                flow = dense_flow(*(decode(item.files[n], True) for n in (start, keys.apex)))
                expected = flow_feature(resize_flow(flow, (SIZE, SIZE)), "strain")
                stored = store.phase_features[getattr(store, f"{which}_index")[i, 3 + phase]]
                assert stored == pytest.approx(expected, rel=1e-3, abs=1e-6)
    # A phase that reselection leaves alone is stored once.
    used = {*store.annotated_index[:, 3:].flat, *store.reselected_index[:, 3:].flat}
    assert len(store.phase_features) == len(used)


def test_each_setting_has_its_store_and_the_plain_difference_needs_no_features(plain, tmp_path):
    assert opened(plain, tmp_path).store.phase_features is None
    settings = (
        {"name": "flow-dis"},
        {"name": "flow-dis", "limit": 9.0},  # changes nothing without magnification
        {"name": "flow-dis", "magnification": 2.0},
        {"name": "flow-dis", "magnification": 2.0, "limit": 9.0},
        {"magnification": 2.0},
        {"name": "grey-difference"},
    )
    stores = [opened(of(plain, **setting), tmp_path).store for setting in settings]
    folders = [p for p in (tmp_path / "store").iterdir() if p.is_dir()]
    assert len(folders) == 1 + len(settings) - 1
    assert len({store.digest for store in stores}) == 5
    assert np.array_equal(stores[0].frames, stores[2].frames)
    largest = [np.abs(stores[i].phase_features[:, 2].astype(float)).mean() for i in (0, 2)]
    assert largest[1] > 1.4 * largest[0]


def test_features_do_not_depend_on_the_number_of_processes(plain, tmp_path):
    config = of(plain, name="flow-strain", magnification=3.0)
    one, two = (
        opened(replace(config, frames=replace(config.frames, workers=n)), tmp_path / str(n)).store
        for n in (1, 2)
    )
    assert one.digest == two.digest
    assert np.array_equal(one.phase_features, two.phase_features)


@pytest.mark.slow
def test_the_network_sees_the_difference_from_the_weak_end_to_the_apex(plain, cache, tmp_path):
    """With negligible magnification the stored difference equals that of the frames."""
    config = of(plain, magnification=1.0000001)
    stored = trainer(config, opened(config, cache), tmp_path / "a")
    direct = trainer(plain, opened(plain, cache), tmp_path / "b")
    onset, apex, offset, nothing = direct.data.batch(direct.data.held_out)
    assert nothing is None
    expected = torch.stack((apex - onset, apex - offset), dim=1)
    seen = stored.data.batch(stored.data.held_out).phase_features
    torch.testing.assert_close(seen, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(stored.held_out_logits(), direct.held_out_logits())
    losses = []
    for made in (stored, direct):
        torch.manual_seed(0)  # the same draws of augmentation
        losses.append(made.learner.step(*made.inputs(torch.arange(4)))[0].item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grey-difference", "flow-dis", "flow-strain"])
def test_what_the_network_sees_is_scaled_as_stated(plain, cache, tmp_path, name):
    config = of(plain, name=name)
    dataset = opened(config, cache)
    data = trainer(config, dataset, tmp_path).data
    seen = data.batch(data.training).phase_features.numpy()
    assert seen.shape == (8, 2, 3, SIZE, SIZE)
    assert seen.dtype == np.float32
    values = dataset.store.phase_features[data.training[:, 3:].numpy()].astype(np.float32)
    factors = scale(name, SIZE)
    for channel in range(3):
        there = min(channel, len(factors) - 1)  # grey is the same three times
        assert seen[:, :, channel] == pytest.approx(values[:, :, there] * factors[there])
    assert data.is_vector == name.startswith("flow")
    assert 0.01 < np.abs(seen).mean() < 3


def test_held_out_clips_use_annotated_features_where_they_use_annotated_frames(plain, cache):
    config = of(plain, name="flow-dis")
    dataset = opened(config, cache)
    release = replace(config, reselection=replace(config.reselection, clips="training"))
    fold = make_folds(config.protocol, dataset.labelled, 0)[0]
    inputs = load_inputs(dataset.store, CPU)
    held_out = list(fold.held_out)
    for which, chosen in (("reselected", config), ("annotated", release)):
        data = fold_data(dataset, fold, inputs, chosen)
        expected = getattr(dataset.store, f"{which}_index")[held_out]
        assert np.array_equal(data.held_out.numpy(), expected)


@pytest.mark.slow
def test_an_interrupted_fold_ends_like_an_uninterrupted_one(plain, cache, tmp_path):
    config = of(plain, name="flow-strain")
    config = replace(config, training=replace(config.training, checkpoint_every=1))
    dataset = opened(config, cache)
    alone = trainer(config, dataset, tmp_path / "alone").run()

    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        trainer(config, dataset, tmp_path / "again").run(stop)
    assert (tmp_path / "again" / "training_state.pt").exists()
    trainer(config, dataset, tmp_path / "again").run()
    for file in ("predictions.npz", "checkpoint.safetensors"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes()
    other = trainer(plain, opened(plain, cache), tmp_path / "plain").run()
    assert not np.array_equal(alone.logits, other.logits)


def test_stores_are_joined_and_divided_with_their_features(plain, cache):
    store = opened(of(plain, name="flow-dis"), cache).store
    joined = join_stores([store, store.subset([3, 5])])
    for which in ("annotated", "reselected"):
        joint, own = (getattr(s, f"{which}_index") for s in (joined, store))
        assert np.array_equal(joined.frames[joint[-1, :3]], store.frames[own[5, :3]])
        features = joined.phase_features[joint[-1, 3:]]
        assert np.array_equal(features, store.phase_features[own[5, 3:]])
    plainly = opened(plain, cache).store
    assert join_stores([plainly, plainly]).phase_features is None


def test_a_composite_has_the_features_of_its_parts(plain, made, cache):
    roots = f"cas2={made('cas2')},samm={made('samm')}"
    config = replace(
        of(plain, name="flow-strain"), dataset="cas2+samm", task="megc2019", data_root=roots
    )
    whole = opened(config, cache).store
    last = [opened(part, cache).store for part in sources(config)][-1]
    here = whole.phase_features[whole.reselected_index[-1, 4]]
    assert np.array_equal(here, last.phase_features[last.reselected_index[-1, 4]])


@pytest.mark.slow
def test_the_command_trains_on_flow_and_strain(small_dataset, small_options, tmp_path, capsys):
    words = ["train", "--data-root", str(small_dataset), *small_options]
    words += ["--folds", "01", "--training.epochs", "1", "--features.name", "flow-strain"]
    for name in ("one", "two"):
        assert main([*words, "--output", str(tmp_path / name)]) == 0
    for file in ("predictions.npz", "checkpoint.safetensors"):
        one, two = (tmp_path / name / "folds" / "01" / file for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    config = yaml.safe_load((tmp_path / "one" / "config.yaml").read_text())
    assert config["features"]["name"] == "flow-strain"
    with safe_open(tmp_path / "one/folds/01/checkpoint.safetensors", "np") as weights:
        assert "flow-strain" in str(weights.metadata())
    capsys.readouterr()
    words[-1] = "flow-dis"
    assert main([*words, "--output", str(tmp_path / "one")]) == 2
    assert "features.name: stored 'flow-strain', current 'flow-dis'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--features.name", "flow"], "flow-dis"),
        (["--features.magnification", "0.5"], "--features.magnification is 0.5"),
        (["--features.limit", "0"], "--features.limit is 0"),
        (["--features.window", "-1"], "--features.window is -1"),
    ],
)
def test_a_wrong_feature_is_refused(refused, data, words, message):
    assert message in refused(data, *words)


def test_the_error_for_frames_too_small_for_flow_names_the_clip(plain, small_dataset, cache):
    features = FeaturesConfig(name="flow-dis")
    reader = KeyFrameReader(True, SIZE, plain.frames, plain.reselection, features)
    clip = opened(plain, cache).annotations.clips[0]
    item = FrameFinder(get_spec("cas2"), small_dataset).find(clip)
    tiny = {n: np.zeros((8, 8, 3), np.uint8) for n in item.files}
    with pytest.raises(FrameError, match=rf"clip {item.clip.id} \(row 2 of the workbook\).*8x8"):
        reader.phase_features(item, tiny, [(item.clip.annotated.onset, item.clip.annotated.apex)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_on_cuda_batches_do_not_synchronise_and_a_fold_is_reproducible(plain, cache, tmp_path):
    config = device.resolve(replace(of(plain, name="flow-strain"), device="cuda"))
    target = device.set_up(config)
    dataset = opened(config, cache)
    fold = make_folds(config.protocol, dataset.labelled, 0)[0]
    data = fold_data(dataset, fold, load_inputs(dataset.store, target), config)
    one = FoldTrainer(config, data, tmp_path / "one").run()
    two = FoldTrainer(config, data, tmp_path / "two").run()
    assert np.array_equal(one.logits, two.logits)
    torch.cuda.set_sync_debug_mode("error")
    try:
        data.batch(data.training[:4], config.augmentation)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_every_feature_has_as_many_channels_as_the_network_or_one():
    assert {len(feature.channels) for feature in FEATURES.values()} == {1, 3}
