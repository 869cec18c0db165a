"""What a run was trained on, compared with what is there."""

import json

import pytest

from gamdss.errors import RunError
from gamdss.training.run_data import changed_input, require_same_data, same_data


def test_changed_folds_and_weights_are_found_where_both_runs_have_them():
    old = {"frames": "a", "labels": "b"}
    now = {**old, "folds": "c", "model_weights": "d"}
    assert same_data(old, now)
    assert not changed_input(old, now)
    assert "--protocol.split" in changed_input({**now, "folds": "x"}, now)
    assert "--model.weights" in changed_input({**now, "model_weights": "x"}, now)
    assert not changed_input({**now, "labels": "x"}, now)


@pytest.mark.parametrize("before", [{}, {"format": 1}])
def test_another_version_is_not_called_other_data(tmp_path, before):
    now = {"frames": "a", "labels": "b", "folds": "c", "format": 2}
    file = tmp_path / "data.json"
    file.write_text(json.dumps({"frames": "x", "labels": "b", "folds": "c"} | before))
    with pytest.raises(RunError, match="another version of gamdss") as caught:
        require_same_data(file, now)
    assert "environment.json" in caught.value.remedy
    file.write_text(json.dumps({**now, "frames": "x"}))
    with pytest.raises(RunError, match="on other data"):
        require_same_data(file, now)
    file.write_text(json.dumps({**now, "frames": "x", "labels": "y"} | before))
    with pytest.raises(RunError, match="on other data"):
        require_same_data(file, now)
    file.write_text(json.dumps({**now, "format": 1}))
    require_same_data(file, now)
