"""Config files of runs, also of earlier versions."""

import yaml

from gamdss.config import Config
from gamdss.training.run_files import changed_input, read_config, same_data


def test_what_earlier_versions_ignored_is_not_part_of_a_run(tmp_path):
    values = Config().as_dict()
    values["protocol"].update(split="split.csv", held_out="samm")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path) == Config()
    values["protocol"]["name"] = "fixed"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path).protocol.split == "split.csv"


def test_changed_folds_and_weights_are_found_where_both_runs_have_them():
    old = {"frames": "a", "labels": "b"}
    now = {**old, "folds": "c", "model_weights": "d"}
    assert same_data(old, now)
    assert not changed_input(old, now)
    assert "--protocol.split" in changed_input({**now, "folds": "x"}, now)
    assert "--model.weights" in changed_input({**now, "model_weights": "x"}, now)
    assert not changed_input({**now, "labels": "x"}, now)
