"""All folds of a run as one classifier: the run's own logits, temperature, spread, errors."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from gamdss.data.dataset import read_clips
from gamdss.data.specs import get_spec
from gamdss.errors import RunError
from gamdss.metrics import chosen_logits
from gamdss.prediction.ensemble import NOT_SURE, Ensemble, fit_temperature
from gamdss.runs.finished import read_run
from gamdss.runs.trained import load_trained
from gamdss.training.checkpoint import load_weights, save_weights

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["finished_run", "inner_flow_run"])
def test_the_networks_give_a_clip_the_logits_of_the_run(name, request, small_dataset):
    run = read_run(request.getfixturevalue(name))
    ensemble = Ensemble(run, "cpu")
    _, items = read_clips(run.config, get_spec(run.config.dataset), small_dataset, False)
    item = items[0]
    images = ensemble._reader.images(item)
    keys = ensemble._reader.reselect(item, images).numbers
    logits = ensemble._logits(images, [keys[:2]])[:, 0]
    fold = next(f for f in run.folds if item.clip.id in f.clips)
    expected = chosen_logits(fold, run.selection)[fold.clips.index(item.clip.id)]
    draws = ensemble._reader.draw(item, images)[1][: run.config.reselection.test_draws] or [keys]
    drawn = ensemble._logits(images, [draw[:2] for draw in draws])
    averaged = softmax(drawn[ensemble.folds.index(fold.name)], axis=1).mean(axis=0)
    np.testing.assert_allclose(averaged, softmax(expected), atol=1e-4)
    found = ensemble.predict(images, [keys])
    by_fold = softmax(logits / ensemble.temperature, axis=1)
    np.testing.assert_allclose(found.chances, by_fold.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.spread, by_fold.std(axis=0), atol=1e-6)
    assert found.draw_spread.max() == 0
    assert found.label(0.0) == ensemble.classes[found.chances.argmax()]
    assert found.label(1.0) == NOT_SURE
    two = ensemble.predict(images, [keys, (keys[0], keys[0], keys[2])])
    assert two.draw_spread.max() > 0
    assert two.chances.sum() == pytest.approx(1)


def test_only_networks_that_have_not_seen_a_person_classify(finished_run):
    run = read_run(finished_run)
    ensemble = Ensemble(run, "cpu")
    for other in ("cas2/4", "samm/1"):  # in no fold, or of another dataset
        assert ensemble.unseen(other).folds == ("01", "02", "03")
        assert ensemble.unseen(other).temperature == ensemble.temperature
    chosen = ensemble.unseen("cas2/2")
    assert chosen.folds == ("02",)
    assert ensemble.unseen("csv/2").folds == ("02",)  # a custom table may have anybody
    assert ensemble.folds == ("01", "02", "03")
    others = [fold for fold in run.folds if fold.name != "02"]
    logits = np.concatenate([chosen_logits(fold, run.selection) for fold in others])
    labels = np.concatenate([fold.labels for fold in others])
    assert chosen.temperature == fit_temperature(logits, labels)
    rng = np.random.default_rng(0)
    images = {n: rng.integers(0, 255, (40, 40, 3), np.uint8) for n in (1, 2, 3)}
    keys = [(1, 2, 3)]
    expected = ensemble._logits(images, [(1, 2)])[1] / chosen.temperature
    np.testing.assert_allclose(
        chosen.predict(images, keys).chances, softmax(expected[0]), atol=1e-6
    )
    assert ensemble.predict(images, keys).fold_spread.max() > 0


def test_networks_of_earlier_versions_have_seen_all_but_the_held_out(finished_run, tmp_path):
    copy = Path(shutil.copytree(finished_run, tmp_path / "run"))
    run = read_run(copy)
    net = load_trained(copy, "01").net
    for name in ("01", "02", "03"):
        file = copy / "folds" / name / "checkpoint.safetensors"
        about = load_weights(file, net)
        del about["people"]
        save_weights(file, net, about)
    assert Ensemble(run, "cpu").unseen("cas2/3").folds == ("03",)
    (copy / "annotations.csv").unlink()  # whom they have seen is then unknown
    assert Ensemble(run, "cpu").unseen("cas2/3").folds == ()


def test_the_temperature_undoes_a_factor():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3))
    labels = np.array([rng.choice(3, p=row) for row in softmax(logits, axis=1)])
    assert fit_temperature(logits * 3, labels) == pytest.approx(3, rel=0.1)


def test_a_missing_checkpoint_is_named(finished_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished_run, copy)
    run = read_run(copy)
    (copy / "folds" / run.folds[1].name / "checkpoint.safetensors").unlink()
    with pytest.raises(RunError, match=f"1 of the 3 folds have no checkpoint: {run.folds[1].name}"):
        Ensemble(run, "cpu")
