"""Errors in a table's file are reported when it is read: the file, the field, its value."""

import pytest
import yaml

from gamdss.cli import main
from gamdss.config import Config
from gamdss.studies.tables.plan import read_plan
from gamdss.studies.tables.stress import read_stress_plan

ROWS = [{"name": "both"}]
SOURCE = {"source": "Somebody, Table 1", "selection": "final"}


@pytest.fixture
def written(tmp_path):
    """A function that writes a table with these fields and the config of its rows."""

    def write(base="task: c5", **values):
        (tmp_path / "base.yaml").write_text(base)
        file = tmp_path / "two.yaml"
        file.write_text(yaml.safe_dump({"title": "Two", **values}, sort_keys=False))
        return file

    return write


def refusal(capsys, file, *words):
    assert main(["table", str(file), "--output", str(file.with_name("out")), *words]) == 2
    shown = capsys.readouterr().err
    assert not file.with_name("out").exists()
    return " ".join(shown.split())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 5}, "row 5 has no name"),
        ({"rows": [{"name": "a", "set": [1]}]}, "set of row 'a' is [1]"),
        ({"rows": [{"name": "a", "config": 5}]}, "the config of row 'a' is 5"),
        ({"rows": [{"name": "a", "set": {"seed": 7}}]}, "Set it for all rows with `seeds:`"),
        (
            {"rows": [{"name": "a", "set": {"model": 5, "model.backbone": "rmt"}}]},
            "model is 5, and model.backbone is 'rmt'",
        ),
        (
            {"rows": [{"name": "a", "set": {"training.epochs": "many"}}]},
            "'training.epochs' is 'many' It must be an integer.",
        ),
        ({"rows": [{"name": "a", "set": {"training.epochs": 0}}]}, "two.yaml: --training.epochs"),
        ({"config": 5}, "the config of row 'both' is 5"),
        ({"base": ""}, "base.yaml: the config is empty"),
        ({"base": "- 1"}, "base.yaml: the config is [1]"),
        ({"title": [1]}, "'title' is [1] It must be text."),
        ({"seeds": ["a"]}, "'seeds' is ['a'] It must be a list of integers."),
        ({"seeds": [2.5]}, "'seeds' is [2.5] It must be a list of integers."),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [2, 2]}, "seeds has 2 twice"),
        ({"seeds": [-1]}, "seeds has -1"),
        ({"selection": []}, "selection is empty"),
        ({"columns": ["uf1", "uf1"]}, "columns has 'uf1' twice"),
        ({"names": [1]}, "'names' is [1] It must be a list of texts."),
        ({"compare_to": ["both"]}, "'compare_to'"),
        ({"demo": [1]}, "demo is [1]"),
        ({"published": [1]}, "published is [1]"),
        ({"published": {"both": 0.5}}, "published of 'both' is 0.5"),
        ({"published": {"both": {**SOURCE, "uf1": "58%"}}}, "the published uf1 of 'both' is '58%'"),
        ({"published": {"both": {**SOURCE, "uf1": 58}}}, "a number between 0 and 1"),
    ],
)
def test_a_wrong_field_of_a_table_of_runs(written, changes, message, tmp_path, capsys):
    file = written(**{"config": "base.yaml", "rows": ROWS, **changes})
    shown = refusal(capsys, file, "--data-root", str(tmp_path))
    assert message in shown
    assert ".yaml: " in shown


@pytest.mark.parametrize("more", [{}, {"training": None}])
def test_a_group_of_a_config_without_fields_is_empty(written, more):
    changed = [{"name": "a", "set": {"training.epochs": 3, **more}}, {"name": "b"}]
    file = written("task: c5\ntraining:\n  # epochs: 5", config="base.yaml", rows=changed)
    epochs = [row.config.training.epochs for row in read_plan(file).rows]
    assert epochs == [3, Config().training.epochs]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": 5}, "unknown factor 5"),
        ({"factors": ["blnk"]}, "Did you mean 'blink'"),
        ({"factors": []}, "factors is empty"),
        ({"demo": [1]}, "demo is [1]"),
        ({"key_frames": ["peak"]}, "unknown key frame 'peak'"),
        ({"clips": "many"}, "'clips' is 'many' It must be an integer."),
        ({"clips": 0}, "clips is 0"),
        ({"clip": 3}, "Did you mean 'clips'"),
        ({"title": None}, "title is missing"),
    ],
)
def test_a_wrong_field_of_a_table_of_key_frames(written, changes, message, capsys):
    shown = refusal(capsys, written(**{"factors": ["blink"], **changes}), "--demo")
    assert message in shown
    assert "two.yaml: " in shown


def test_empty_fields_and_single_items(written):
    file = written(factors="blink", key_frames="apex", demo=None)
    plan = read_stress_plan(file, demo=True)
    assert (plan.factors, plan.key_frames) == (("blink",), ("apex",))
    file = written(config="base.yaml", rows=ROWS, seeds=3, published=None, demo=None)
    plan = read_plan(file)
    assert (plan.seeds, plan.published, plan.published_columns) == ((3,), {}, ("uf1",))


def test_published_figures_have_columns(written):
    figures = {"both": {**SOURCE, "uar": 0.5, "accuracy": 1}}
    plan = read_plan(written(config="base.yaml", rows=ROWS, published=figures))
    assert plan.published_columns == ("uf1", "accuracy", "uar")
