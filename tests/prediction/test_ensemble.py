"""All folds of a run as one classifier: the run's own logits, temperature, spread, errors."""

import shutil

import numpy as np
import pytest
from scipy.special import softmax

from gamdss.data.dataset import read_clips
from gamdss.data.specs import get_spec
from gamdss.errors import RunError
from gamdss.metrics import chosen_logits
from gamdss.prediction.ensemble import NOT_SURE, Ensemble, fit_temperature
from gamdss.runs.finished import read_run

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
