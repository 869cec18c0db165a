"""Some folds at a time, in one directory or in several that are merged: the same bytes."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from gamdss.cli import main
from gamdss.training.run_data import same_data
from gamdss.training.run_directory import threads_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def train(small_dataset, small_options):
    def run(output, *words):
        root = ["--data-root", str(small_dataset)]
        return main(["train", *root, *small_options, "--output", str(output), *words])

    return run


@pytest.fixture(scope="module")
def complete(finished_run):
    return finished_run


@pytest.fixture(scope="module")
def parts(train, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    assert train(folder / "a", "--folds", "01, 03") == 0
    assert train(folder / "b", "--folds", "02,01") == 0
    return folder


def test_some_folds_then_the_others(train, parts, complete, tmp_path, capsys):
    output = Path(shutil.copytree(parts / "a", tmp_path / "run"))
    assert train(output, "--folds", "01") == 0
    shown = capsys.readouterr().out
    assert "2 of 3 folds are finished" in shown
    assert "missing: 02" in shown
    assert not (output / "results.json").exists()
    assert train(output) == 0
    assert (output / "results.json").read_bytes() == (complete / "results.json").read_bytes()


def test_an_unknown_fold_lists_the_subjects(train, tmp_path, capsys):
    assert train(tmp_path / "run", "--folds", "02,17") == 2
    shown = capsys.readouterr().err
    assert "--folds has 17" in shown
    assert "01, 02, 03" in shown


def test_merged_runs_equal_one(parts, complete, tmp_path, capsys):
    output = tmp_path / "merged"
    assert main(["merge", str(parts / "a"), str(parts / "b"), "--output", str(output)]) == 0
    assert "final epoch" in capsys.readouterr().out
    assert (output / "results.json").read_bytes() == (complete / "results.json").read_bytes()
    assert (output / "confusion.png").is_file()
    environments = json.loads((output / "environment.json").read_text())["merged"]
    assert list(environments) == [str(parts / "a"), str(parts / "b")]


def test_a_merged_run_keeps_the_threads_of_its_folds(parts, train, tmp_path, caplog):
    runs = [Path(shutil.copytree(parts / name, tmp_path / name)) for name in "ab"]
    (runs[1] / "retention.json").write_text("[]")  # as of a GPU
    output, both = tmp_path / "merged", [str(run) for run in runs]
    assert main(["merge", *both, "--output", str(output)]) == 0
    known = json.loads((output / "environment.json").read_text())
    assert threads_of(known) == {1}
    assert threads_of({"merged": {"again": known}}) == {1}
    assert (output / "retention.json").is_file()
    assert "different threads" not in caplog.text
    other = json.loads((runs[1] / "environment.json").read_text())
    (runs[1] / "environment.json").write_text(json.dumps({**other, "threads": 2}))
    assert main(["merge", *both, "--output", str(tmp_path / "mixed")]) == 0
    assert "its folds were trained with different threads (1, 2)" in caplog.text


def test_merging_too_few_reports_the_missing_folds(parts, tmp_path, capsys):
    output = tmp_path / "merged"
    assert main(["merge", str(parts / "a"), "--output", str(output)]) == 0
    assert "missing: 02" in capsys.readouterr().out
    assert not (output / "results.json").exists()


def copy(parts, tmp_path):
    return Path(shutil.copytree(parts / "b", tmp_path / "b"))


def refused(parts, other, tmp_path, capsys):
    output = tmp_path / "merged"
    assert main(["merge", str(parts / "a"), str(other), "--output", str(output)]) == 2
    return capsys.readouterr().err


def test_other_configs_data_and_numbers_are_refused(parts, tmp_path, capsys):
    other = copy(parts, tmp_path)
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["training"]["learning_rate"] = 1.0
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    assert "training.learning_rate" in refused(parts, other, tmp_path, capsys)
    shutil.copy(parts / "a" / "config.yaml", other / "config.yaml")
    shutil.copy(
        parts / "a" / "folds/03/predictions.npz", other / "folds" / "01" / "predictions.npz"
    )
    assert "differ from those of fold" in refused(parts, other, tmp_path, capsys)
    (other / "data.json").write_text('{"clips": 1}')
    assert "other data" in refused(parts, other, tmp_path, capsys)
    (other / "data.json").unlink()
    assert "missing, incomplete or corrupt run file" in refused(parts, other, tmp_path, capsys)


def test_an_output_that_is_not_empty_is_refused(parts, complete, tmp_path, capsys):
    assert main(["merge", str(parts / "a"), "--output", str(complete)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_frames_are_not_compared_with_a_digest_of_an_earlier_version():
    now = {"dataset": "CASME II", "clips": 3, "frames": "ab", "digest": 2, "labels": "cd"}
    earlier = {name: value for name, value in now.items() if name != "digest"}
    assert same_data(now, now)
    assert same_data({**earlier, "frames": "other"}, now)
    assert not same_data({**now, "frames": "other"}, now)
    assert not same_data({**earlier, "labels": "other"}, now)
    assert not same_data(None, now)


def test_runs_of_gpus_that_are_not_here_are_merged(parts, complete, tmp_path):
    runs = []
    for name, device in (("a", "cuda:0"), ("b", "cuda:1")):
        runs.append(Path(shutil.copytree(parts / name, tmp_path / name)))
        config = yaml.safe_load((runs[-1] / "config.yaml").read_text())
        (runs[-1] / "config.yaml").write_text(yaml.safe_dump({**config, "device": device}))
    output = tmp_path / "merged"
    assert main(["merge", *map(str, runs), "--output", str(output)]) == 0
    assert (output / "results.json").read_bytes() == (complete / "results.json").read_bytes()
    assert yaml.safe_load((output / "config.yaml").read_text())["device"] == "cuda:0"
