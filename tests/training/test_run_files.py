"""Config files of runs, also of earlier versions."""

import yaml

from gamdss.config import Config
from gamdss.training.run_files import read_config


def test_what_earlier_versions_ignored_is_not_part_of_a_run(tmp_path):
    values = Config().as_dict()
    values["protocol"].update(split="split.csv", held_out="samm")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path) == Config()
    values["protocol"]["name"] = "fixed"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path).protocol.split == "split.csv"
