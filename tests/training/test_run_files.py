"""Config files of runs, also of earlier versions."""

from dataclasses import replace

import pytest
import yaml

from gamdss.config import Config, FramesConfig
from gamdss.training.run_files import differences, read_config


def test_what_earlier_versions_ignored_is_not_part_of_a_run(tmp_path):
    values = Config().as_dict()
    values["protocol"].update(split="split.csv", held_out="samm")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path) == Config()
    values["protocol"]["name"] = "fixed"
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path).protocol.split == "split.csv"
    values["frames"].update(layout="raw", pattern="{clip}/{frame}.png")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(values))
    assert read_config(tmp_path).frames == FramesConfig(pattern="{clip}/{frame}.png")


@pytest.mark.parametrize(
    ("name", "before", "now", "content"),
    [
        ("dataset", "a/lab.yaml+cas2", "b/lab.yaml+cas2", "classes"),
        ("clip_list", "a.csv", "b.csv", "labels"),
        ("init_from", "a", "b", "initial_weights"),
    ],
)
def test_a_file_may_move_where_its_content_is_known(name, before, now, content):
    first, second = replace(Config(), **{name: before}), replace(Config(), **{name: now})
    assert differences(first, second) == {name: (before, now)}
    assert differences(first, second, identified={content}) == {}
    assert set(differences(first, Config(), identified={content})) == {name}


def test_another_dataset_is_not_a_moved_spec():
    first, second = Config(dataset="a/lab.yaml+cas2"), Config(dataset="b/lab.yaml+samm")
    assert set(differences(first, second, identified={"classes"})) == {"dataset"}
