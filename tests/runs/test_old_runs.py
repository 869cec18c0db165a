"""Runs of earlier versions: missing fields take their defaults, missing numbers are computed.

`tests/fixtures/old_run` is a run on a small synthetic CASME II without what came later: groups
and fields of its config, `weighted_f1`, intervals and `selection` of its results.
"""

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from gamdss.cli import main
from gamdss.runs.finished import read_run

pytestmark = pytest.mark.slow

OLD = Path(__file__).parents[1] / "fixtures" / "old_run"
LATER = ("training.label_smoothing", "training.precision", "features", "protocol")


def aged(run):
    """The run rewritten as an earlier version would have left it."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    for name in LATER:
        group, _, field = name.rpartition(".")
        del (config[group] if group else config)[field]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    data = json.loads((run / "data.json").read_text())
    del data["subjects"]
    (run / "data.json").write_text(json.dumps(data))
    file = run / "results.json"
    if file.exists():
        results = json.loads(file.read_text())
        del results["selection"]
        for selection in ("final", "oracle"):
            del results[selection]["weighted_f1"], results[selection]["intervals"]
        file.write_text(json.dumps(results))
    return run


@pytest.fixture
def old(tmp_path):
    return Path(shutil.copytree(OLD, tmp_path / "old"))


@pytest.fixture
def aged_run(finished_run, tmp_path):
    """A fresh run, aged: its data and checkpoints are available."""
    return aged(Path(shutil.copytree(finished_run, tmp_path / "aged")))


@pytest.fixture
def words(small_dataset, small_options):
    return ["train", "--data-root", str(small_dataset), *small_options]


def test_missing_numbers_are_those_of_a_fresh_run(finished_run, aged_run, old):
    fresh = json.loads((finished_run / "results.json").read_text())
    assert json.loads(json.dumps(read_run(aged_run).results.as_dict())) == fresh
    results = read_run(old).results
    assert results.selection == "final"
    assert results.final.weighted_f1 == pytest.approx(1 / 3)
    assert set(results.final.intervals) == {"accuracy", "uf1", "uar", "weighted_f1"}


def test_it_resumes_to_the_same_bytes(finished_run, aged_run, words):
    fresh = (finished_run / "results.json").read_bytes()
    shutil.rmtree(aged_run / "folds" / "02")
    assert main([*words, "--output", str(aged_run)]) == 0
    assert (aged_run / "results.json").read_bytes() == fresh


def test_another_value_of_a_missing_field_is_another_config(aged_run, words, capsys):
    words += ["--output", str(aged_run), "--training.label-smoothing", "0.1"]
    assert main(words) == 2
    assert "training.label_smoothing: stored 0.0, current 0.1" in capsys.readouterr().err


def test_it_is_compared(finished_run, old, aged_run, tmp_path, capsys):
    out = ["--output", str(tmp_path / "out")]
    assert main(["compare", str(finished_run), str(aged_run), *out]) == 0
    assert "they differ in: no field of the config" in capsys.readouterr().out
    words = ["--selection", "final,oracle", "--output", str(tmp_path / "old")]
    assert main(["compare", str(old), str(old), *words]) == 0
    assert "final epoch, seed 2" in capsys.readouterr().out


def test_it_is_tabled(old, tmp_path):
    base = {"model": {"image_size": 32}, "reselection": {"preset": "full"}}
    base["training"] = {"epochs": 2, "batch_size": 4}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
    columns = ["accuracy", "weighted_f1"]
    rows = [{"name": "both"}]
    table = {"title": "One", "config": "base.yaml", "seeds": [2], "columns": columns, "rows": rows}
    (tmp_path / "one.yaml").write_text(yaml.safe_dump({**table, "names": ["network"]}))
    shutil.copytree(old, tmp_path / "out" / "runs" / "both_seed2")
    words = ["table", str(tmp_path / "one.yaml"), "--output", str(tmp_path / "out")]
    assert main(words) == 0
    with (tmp_path / "out" / "one.csv").open(newline="") as lines:
        (row,) = csv.DictReader(lines)
    assert float(row["weighted_f1_final"]) == pytest.approx(1 / 3)
    assert "accuracy_final_low" not in row  # earlier versions stated intervals of any number


def test_it_is_merged_with_a_later_run(finished_run, tmp_path):
    for part, others in (("a", ["02"]), ("b", ["01", "03"])):
        shutil.copytree(finished_run, tmp_path / part)
        (tmp_path / part / "results.json").unlink()
        for fold in others:
            shutil.rmtree(tmp_path / part / "folds" / fold)
    aged(tmp_path / "b")
    for name in ("ab", "ba"):
        parts = [str(tmp_path / part) for part in name]
        assert main(["merge", *parts, "--output", str(tmp_path / name)]) == 0
        fresh = (finished_run / "results.json").read_bytes()
        assert (tmp_path / name / "results.json").read_bytes() == fresh


def test_it_is_reported(old, aged_run):
    assert main(["report", str(old), "--frames", "false"]) == 0
    assert "weighted F1" in (old / "report.html").read_text("utf-8")
    assert main(["original-report", str(old)]) == 0
    assert main(["tsne", str(aged_run)]) == 0


def test_a_field_of_a_later_version_is_named(old, capsys):
    config = yaml.safe_load((old / "config.yaml").read_text())
    config["training"]["momentum"] = 0.9
    (old / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["compare", str(old), str(old)]) == 2
    shown = capsys.readouterr().err
    assert f"{old / 'config.yaml'}: unknown field 'training.momentum'" in shown
    assert "later version" in shown
