"""A finished run is read from its predictions; `results.json` has what these do not say."""

import json
import logging

import pytest

from gamdss.errors import CheckpointError, GamdssError, RunError
from gamdss.runs.finished import read_run

pytestmark = pytest.mark.slow


def changed(run, folder, change):
    """A run whose `results.json` has other values; a field that becomes None is removed."""
    for name in ("config.yaml", "folds"):
        (folder / name).symlink_to(run / name)
    values = json.loads((run / "results.json").read_text()) | change
    kept = {name: value for name, value in values.items() if value is not None}
    (folder / "results.json").write_text(json.dumps(kept))
    return folder


@pytest.mark.parametrize("name", ["finished_run", "inner_flow_run"])
def test_results_are_those_that_were_written(name, request, caplog):
    run = request.getfixturevalue(name)
    written = json.loads((run / "results.json").read_text())
    assert json.loads(json.dumps(read_run(run).results.as_dict())) == written
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_edited_measures_are_not_believed(finished_run, tmp_path, caplog):
    final = read_run(finished_run).results.final
    stored = {"accuracy": final.accuracy + 1e-12, "uf1": 0.99, "uar": "high", "intervals": 5}
    found = read_run(changed(finished_run, tmp_path, {"final": stored, "oracle": 7}))
    assert found.results.final == final
    assert found.predictions("final").scores(5).uf1 == final.uf1
    (record,) = caplog.records
    assert f"{tmp_path / 'results.json'}: final.uf1 is 0.99, not {final.uf1:.6g}, final.uar is" in (
        record.getMessage()
    )


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dataset": 5}, "dataset"),
        ({"synthetic": "no"}, "synthetic"),
        ({"classes": None}, "classes"),
        ({"classes": "happiness"}, "classes"),
        ({"classes": ["a", "a", "b", "c", "d"]}, "classes"),
        ({"classes": ["a", "b"]}, "2 classes, but logits of 5"),
        ({"folds": []}, "folds"),
        ({"folds": [{"held_out": "01"}, 3]}, "folds.held_out"),
        ({"folds": [{"held_out": "01"}] * 2}, "folds.held_out"),
        ({"started_from": 5}, "started_from"),
        ({"seen": {"01": 1}}, "seen"),
    ],
)
def test_broken_results_are_reported(finished_run, tmp_path, change, named):
    with pytest.raises(RunError, match=rf"corrupt run file \({named}"):
        read_run(changed(finished_run, tmp_path, change))


def test_a_missing_fold_is_noticed(finished_run, tmp_path):
    folds = [{"held_out": name} for name in ("01", "02", "03", "04")]
    with pytest.raises(CheckpointError, match=r"04.predictions\.npz"):
        read_run(changed(finished_run, tmp_path, {"folds": folds}))


def test_a_fold_outside_of_the_run_is_refused(finished_run, tmp_path):
    with pytest.raises(GamdssError, match=r"a fold of results\.json"):
        read_run(changed(finished_run, tmp_path, {"folds": [{"held_out": "../01"}]}))
