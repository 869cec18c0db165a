"""How the datasets of a composite are told apart."""

from pathlib import Path

import pytest

from gamdss.config import Config
from gamdss.data.composite import sources
from gamdss.errors import ConfigError
from gamdss.experiment import default_output


@pytest.mark.parametrize(
    "dataset", ["smic+smic", "a/lab.yaml+b/lab.yaml", "a/lab.yaml+b/lab.yml", "a/smic.yaml+smic"]
)
def test_two_datasets_of_one_name_are_refused(dataset):
    with pytest.raises(ConfigError, match="the same dataset twice"):
        sources(Config(dataset=dataset, data_root="x"))


@pytest.mark.parametrize(
    ("dataset", "folder"),
    [
        ("cas2", "cas2_c3"),
        ("smic+cas2+samm", "smic+cas2+samm_c3"),
        ("a/lab.yaml", "lab_c3"),
        ("a/x.yaml+b/y.yaml", "x+y_c3"),
        ("a/x.yaml+cas2", "x+cas2_c3"),
    ],
)
def test_a_run_directory_is_named_after_all_datasets(dataset, folder):
    assert default_output(Config(dataset=dataset, task="c3")) == Path("runs") / folder
