"""`gamdss table`: missing runs are trained, and the table names what it shows."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from workbook_edits import edit, row_of

from gamdss import demo
from gamdss.cli import main
from gamdss.data.dataset import open_dataset
from gamdss.errors import RunError
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import open_run
from gamdss.studies.tables.plan import read_plan

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
TABLE = {
    "title": "Two branches",
    "config": "base.yaml",
    "seeds": [2],
    "names": ["network"],
    "columns": ["accuracy", "uf1", "parameters", "clips"],
    "compare_to": "both",
    "rows": [
        {"name": "both"},
        {"name": "rising & alone", "set": {"model.branches": "rising"}},
        {"name": "another dataset", "set": {"dataset": "samm"}},
    ],
    "published": {"both": {"uf1": 0.5, "source": "Somebody, Table 1", "selection": "oracle"}},
}
BASE = {
    "task": "c5",
    "model": {"backbone": "test_vit", "image_size": 32},
    "training": {"epochs": 1, "batch_size": 4, "precision": "float32"},
    "reselection": {"preset": "full"},
}


@pytest.fixture
def table(tmp_path):
    """A function that writes the table with changes, and returns its file."""

    def write(**changes):
        (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE))
        file = tmp_path / "two.yaml"
        values = {name: value for name, value in {**TABLE, **changes}.items() if value is not None}
        file.write_text(yaml.safe_dump(values, sort_keys=False))
        return file

    return write


@pytest.fixture(scope="module")
def words(small_dataset, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    root = ["--data-root", f"cas2={small_dataset}", "--cache", str(cache)]
    return [*root, "--threads", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def finished_table(words, tmp_path_factory):
    """The folder of the finished table."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE))
    (folder / "two.yaml").write_text(yaml.safe_dump(TABLE, sort_keys=False))
    output = ["--output", str(folder / "out")]
    assert main(["table", str(folder / "two.yaml"), *words, *output]) == 0
    return folder / "out"


def rows_of(folder):
    with (folder / "two.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_missing_runs_are_trained_and_shown(finished_table):
    both, rising, other = rows_of(finished_table)
    for name in ("both_seed2", "rising-alone_seed2"):
        assert (finished_table / "runs" / name / "results.json").exists()
    results = yaml.safe_load((finished_table / "runs" / "both_seed2" / "results.json").read_text())
    assert float(both["uf1_final"]) == results["final"]["uf1"]
    assert "accuracy_final_low" not in both  # of three subjects
    assert both["clips"] == "12.0"
    assert both["parameters"] == rising["parameters"] != ""
    assert both["published_uf1"] == "0.5"
    assert both["source"] == "Somebody, Table 1 (oracle)"
    assert both["uf1_difference_final"] == ""
    difference = float(rising["uf1_final"]) - float(both["uf1_final"])
    assert float(rising["uf1_difference_final"]) == pytest.approx(difference)
    assert other["uf1_final"] == ""
    assert other["reason"] == "no folder given for samm"
    text = (finished_table / "two.md").read_text()
    assert "Evaluated at: final epoch; seed 2" in text
    assert "UF1, final epoch" in text
    assert "- Too few subjects for intervals (3; it takes 4 or more)." in text
    assert "In brackets" not in text
    tex = (finished_table / "two.tex").read_text()
    assert r"\toprule" in tex
    assert r"rising \& alone" in tex
    assert tex.count("{") == tex.count("}")


def test_a_second_start_trains_only_broken_runs(finished_table, words, table, tmp_path, capsys):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    before = rows_of(output)
    kept = output / "runs" / "both_seed2" / "folds" / "01" / "checkpoint.safetensors"
    broken = output / "runs" / "rising-alone_seed2"
    (broken / "results.json").unlink()
    (broken / "folds" / "02" / "predictions.npz").unlink()
    times = kept.stat().st_mtime_ns, (broken / "folds/01/predictions.npz").stat().st_mtime_ns
    assert main(["table", str(table()), *words, "--output", str(output)]) == 0
    after = kept.stat().st_mtime_ns, (broken / "folds/01/predictions.npz").stat().st_mtime_ns
    assert after == times
    assert rows_of(output) == before


def test_a_failing_row_is_reported_and_the_others_continue(
    finished_table, words, table, tmp_path, capsys
):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    rows = [TABLE["rows"][0], {"name": "absent", "set": {"task": "c99"}}]
    assert main(["table", str(table(rows=rows)), *words, "--output", str(output)]) == 1
    shown = capsys.readouterr().out
    assert "row absent is empty" in shown
    assert "c99" in rows_of(output)[1]["reason"]
    changed = [{"name": "both", "set": {"training.learning_rate": 0.1}}]
    assert main(["table", str(table(rows=changed)), *words, "--output", str(output)]) == 1
    shown = capsys.readouterr().out
    assert "belongs to another config" in shown
    assert "training.learning_rate: stored 0.0008, current 0.1" in shown
    reason = rows_of(output)[0]["reason"]
    assert reason == "the run directory belongs to another config"


def test_finished_rows_need_neither_their_folder_nor_their_machine(
    finished_table, words, table, tmp_path, monkeypatch
):
    opened = []

    def counted(config, *rest):
        opened.append(config.dataset)
        return open_dataset(config, *rest)

    monkeypatch.setattr("gamdss.studies.tables.train.open_dataset", counted)
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    file = str(table(published={"both": {"uf1": 0.25, "source": "x", "selection": "final"}}))
    before = rows_of(output)
    for code, option in (
        (0, []),
        (1, ["--data-root", "samm=nowhere"]),
        (0, [*words, "--threads", "2"]),
    ):
        assert main(["table", file, *option, "--output", str(output)]) == code
        both, rising, other = rows_of(output)
        assert both["uf1_final"] == before[0]["uf1_final"]
        assert both["published_uf1"] == "0.25"
        assert rising["uf1_difference_final"] == before[1]["uf1_difference_final"] != ""
        assert other["uf1_final"] == ""
    assert opened == ["cas2"]
    # As on a machine with a GPU; what is named explicitly must still be the same.
    config = output / "runs" / "both_seed2" / "config.yaml"
    values = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**values, "device": "cuda"}))
    assert main(["table", file, *words, "--output", str(output)]) == 0
    values["training"]["precision"] = "bf16"
    config.write_text(yaml.safe_dump(values))
    auto = {**BASE, "training": {**BASE["training"], "precision": "auto"}}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(auto))
    assert main(["table", file, "--output", str(output)]) == 0
    assert "Runs differ in precision: bf16 and float32." in (output / "two.md").read_text()
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE))
    (output / "runs" / "rising-alone_seed2" / "results.json").unlink()
    absent = ["--data-root", "samm=nowhere"]
    assert main(["table", file, *absent, "--output", str(output)]) == 1
    both, rising, other = (row["reason"] for row in rows_of(output))
    assert both.startswith("no folder given for cas2; both_seed2: its config differs")
    assert "training.precision" in both
    assert "this run is not finished" in rising
    assert "there is no such folder" in other


def test_a_finished_run_is_refused_if_broken_or_on_changed_data(
    finished_table, words, table, tmp_path, data, capsys
):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    before = rows_of(output)
    lost = output / "runs" / "both_seed2" / "folds" / "01" / "predictions.npz"
    lost.unlink()
    assert main(["table", str(table()), *words, "--output", str(output)]) == 0
    assert lost.exists()
    assert rows_of(output) == before
    edit(
        data,
        2,
        "Estimated Emotion",
        "surprise" if row_of(data, 2)["Estimated Emotion"] == "happiness" else "happiness",
    )
    elsewhere = ["--data-root", f"cas2={data}", *words[2:], "--output", str(output)]
    assert main(["table", str(table()), *elsewhere]) == 1
    assert "the workbook or the frames have changed since" in capsys.readouterr().out
    assert "other data" in rows_of(output)[0]["reason"]


def test_the_best_on_the_same_clips_is_bold(finished_table, words, table, tmp_path):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    for name, right in (("both_seed2", False), ("rising-alone_seed2", True)):
        for file in (output / "runs" / name).glob("folds/*/predictions.npz"):
            with np.load(file) as arrays:
                held = dict(arrays)
            guess = held["labels"] if right else held["labels"].min() * np.ones(4, int)
            np.savez(file, **{**held, "logits": np.eye(5, dtype=np.float32)[guess][None]})
    assert main(["table", str(table()), *words, "--output", str(output)]) == 0
    lines = [line for line in (output / "two.md").read_text().splitlines() if "|" in line]
    assert not re.search(r"\*\*", lines[2])
    assert len(re.findall(r"\*\*1\.000\*\*", lines[3])) == 2
    assert r"\textbf{1.000}" in (output / "two.tex").read_text()


def test_other_labels_are_not_compared_and_missing_weights_leave_a_cell_empty(
    finished_table, table, tmp_path
):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    for file in (output / "runs" / "rising-alone_seed2").glob("folds/*/predictions.npz"):
        with np.load(file) as arrays:
            held = dict(arrays)
        np.savez(file, **{**held, "labels": (held["labels"] + 1) % 5})
    for file in (output / "runs").glob("both_seed2/folds/*/checkpoint.safetensors"):
        file.unlink()
    assert main(["table", str(table()), "--output", str(output)]) == 0
    both, rising, _ = rows_of(output)
    assert (both["parameters"], rising["uf1_difference_final"]) == ("", "")
    assert "" not in (both["uf1_final"], rising["uf1_final"], rising["parameters"])


def test_rows_of_other_folds_are_not_compared(finished_table, table, tmp_path):
    output = Path(shutil.copytree(finished_table, tmp_path / "out"))
    files = [
        output / "runs" / "rising-alone_seed2" / "folds" / name / "predictions.npz"
        for name in ("01", "02")
    ]
    first, second = (dict(np.load(file)) for file in files)
    for name in ("clips", "labels"):  # two clips of each change places
        a, b = first[name], second[name]
        first[name], second[name] = np.r_[b[:2], a[2:]], np.r_[a[:2], b[2:]]
    for file, fold in zip(files, (first, second), strict=True):
        np.savez(file, **fold)
    assert main(["table", str(table()), "--output", str(output)]) == 0
    both, rising, _ = rows_of(output)
    assert rising["uf1_difference_final"] == ""
    assert "" not in (both["uf1_final"], rising["uf1_final"])
    shown = (output / "two.md").read_text()
    assert "their folds of the same clips differ: both; rising & alone." in shown
    before = (finished_table / "two.md").read_text()
    assert "folds" not in before
    assert "(in brackets)" in before
    assert main(["table", str(table(published=None)), "--output", str(output)]) == 0
    assert "brackets" not in (output / "two.md").read_text()


def test_a_finished_run_on_a_changed_split_is_refused(words, table, tmp_path, capsys):
    split, output = tmp_path / "split.csv", tmp_path / "out"
    split.write_text("subject,part\n01,train\n02,train\n03,test\n")
    row = {"name": "one", "set": {"protocol.name": "fixed", "protocol.split": str(split)}}
    file = str(table(rows=[row], compare_to=None, published=None))
    assert main(["table", file, *words, "--output", str(output)]) == 0
    run = read_run(output / "runs" / "one_seed2")
    open_run(run, progress=False)
    split.write_text("subject,part\n01,train\n02,\n03,test\n")
    assert main(["table", file, *words, "--output", str(output)]) == 1
    assert "the folds, such as those of the file that --protocol.split" in capsys.readouterr().out
    with pytest.raises(RunError, match=r"the folds.* have changed since the run was started"):
        open_run(run, progress=False)


def test_rows_with_and_without_action_units_are_found_finished(words, table, tmp_path, capsys):
    rows = [{"name": "one"}, {"name": "units", "set": {"training.au_weight": 0.5}}]
    given = [str(table(rows=rows, compare_to=None, published=None)), *words]
    given += ["--output", str(tmp_path / "out")]
    assert main(["table", *given]) == 0
    assert main(["table", *given]) == 0, capsys.readouterr().out


def test_a_row_is_refused_after_the_weights_that_it_started_from_have_changed(
    words, table, tmp_path, capsys
):
    rows = [{"name": "one", "set": {"init_from": str(tmp_path / "start")}}]
    start = ["train", "--config", str(table().parent / "base.yaml"), "--dataset", "cas2"]
    start += ["--data-root", words[1].removeprefix("cas2="), "--output", str(tmp_path / "start")]
    given = [str(table(rows=rows, compare_to=None, published=None)), *words]
    given += ["--output", str(tmp_path / "out")]
    assert main([*start, "--seed", "1"]) == 0
    assert main(["table", *given]) == 0
    shutil.rmtree(tmp_path / "start")
    assert main([*start, "--seed", "5"]) == 0
    assert main(["table", *given]) == 1
    assert "the weights that --init-from names" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"selection": ["finale"]}, "Did you mean 'final'"),
        ({"columns": ["f1"]}, "Did you mean 'uf1'"),
        ({"compare_to": "bath"}, "Did you mean 'both'"),
        ({"colums": ["uf1"]}, "Did you mean 'columns'"),
        ({"title": None}, "title is missing"),
        ({"config": None}, "Add `config:`"),
        ({"rows": [{"name": "a"}, {"name": "A"}]}, "occurs twice"),
        ({"rows": [{"name": "a", "set": {"model.branch": "both"}}]}, "'model.branches'"),
        ({"rows": [{"name": "a", "selection": "oracle"}]}, "unknown field of row 'a'"),
        (
            {"rows": [{"name": "both", "set": {"training.selection": "inner"}}]},
            "is trained for the selection inner, the table has final",
        ),
        ({"published": {"both": {"uf1": 0.5}}}, "lack source or selection"),
    ],
)
def test_a_wrong_table_is_refused_before_training(table, words, tmp_path, changes, message, capsys):
    out = ["--output", str(tmp_path / "out")]
    assert main(["table", str(table(**changes)), *words, *out]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_listing_runs_trains_nothing(finished_table, table, capsys):
    listed = ["table", str(table()), "--list", "--output"]
    assert main([*listed, str(finished_table), "--step-ms", "1.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counts = [re.split(r"  +", line)[:3] for line in lines[2:5]]
    assert counts == [
        ["both", "1", "1"],
        ["rising & alone", "1", "1"],
        ["another dataset", "1", "0"],
    ]
    assert lines[-1].startswith("Missing runs: 1, of 3,808 sample-steps")
    assert main([*listed, str(finished_table), "--step-ms", "0"]) == 2
    assert "It must be above 0" in capsys.readouterr().err
    assert main([*listed, str(finished_table), "--demo"]) == 2
    assert "Leave out --demo" in capsys.readouterr().err


def test_options_without_effect_are_refused(table, tmp_path, capsys):
    runs, keys = str(table()), str(ROOT / "configs" / "tables" / "key_frames.yaml")
    for file, words, shown in (
        (runs, ["--stress", "stress.csv"], "--stress has no effect on a table of runs"),
        (runs, ["--list", "--stress", "stress.csv"], "--stress has no effect on a table of runs"),
        (runs, ["--step-ms", "1"], "--step-ms has no effect without --list"),
        (keys, ["--data-root", "x"], "--data-root has no effect on a table of key frames"),
        (keys, ["--threads", "1"], "--threads has no effect on a table of key frames"),
    ):
        out = tmp_path / "out"
        assert main(["table", file, *words, "--output", str(out)]) == 2
        assert shown in capsys.readouterr().err
        assert not out.exists()


def test_folders_of_datasets(table, tmp_path, capsys):
    file, out = str(table()), ["--output", str(tmp_path / "out")]
    assert main(["table", file, "--data-root", str(tmp_path), *out]) == 2
    assert "Give each its folder: cas2=/data/CAS2,samm=/data/SAMM" in capsys.readouterr().err
    assert main(["table", file, "--data-root", "smic=x", *out]) == 2
    assert "name each once" in capsys.readouterr().err
    assert main(["table", file, *out]) == 2
    assert "add --demo" in capsys.readouterr().err
    (tmp_path / "out" / "runs").mkdir(parents=True)
    assert main(["table", file, *out]) == 2
    assert "add --demo" in capsys.readouterr().err
    assert not (tmp_path / "out" / "two.md").exists()


def test_the_tiny_version_of_a_table(table):
    file = table(demo={"model.image_size": 64}, seeds=[4, 5])
    plan = read_plan(file, demo.TABLE)
    assert plan.seeds == (4,)
    assert [row.config.training.epochs for row in plan.rows] == [6, 6, 6]
    assert [row.config.model.image_size for row in plan.rows] == [64, 64, 64]
    assert read_plan(file).rows[0].config.model.image_size == 32
