"""`gamdss compare` and `gamdss original-report` on small real runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from gamdss.cli import main

pytestmark = pytest.mark.slow


def copied(run, target, fields, change=None):
    """A copy of a run with other values in its config, and other predictions."""
    shutil.copytree(run, target)
    config = yaml.safe_load((target / "config.yaml").read_text())
    for field, value in fields.items():
        group, _, last = field.rpartition(".")
        (config[group] if group else config)[last] = value
    (target / "config.yaml").write_text(yaml.safe_dump(config))
    for file in sorted(target.glob("folds/*/predictions.npz")):
        with np.load(file) as arrays:
            values = dict(arrays)
        if change is not None:
            np.savez(file, **{**values, **change(values)})
    return str(target)


@pytest.fixture(scope="module")
def runs(finished_run, tmp_path_factory):
    """Two finished runs of different seeds and predictions: `first` and `second`."""
    folder = tmp_path_factory.mktemp("runs")
    copied(finished_run, folder / "first", {})
    copied(finished_run, folder / "second", {"seed": 3}, lambda v: {"logits": -v["logits"]})
    return folder


@pytest.fixture
def changed(runs, tmp_path):
    """A copy of the first run whose config and predictions a test may change."""

    def copy(name, fields, change=None):
        return copied(runs / "first", tmp_path / name, fields, change)

    return copy


def test_two_runs_are_compared_and_written(runs, changed, tmp_path, monkeypatch, capsys):
    def perfect(values):
        return {"logits": np.eye(5, dtype=np.float32)[values["labels"]][None]}

    better = changed("better", {"reselection.preset": "none", "seed": 9}, perfect)
    words = ["compare", str(runs / "first"), better, "--output", str(tmp_path / "out")]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "12 clips of 3 subjects" in shown
    assert "they differ in: reselection.preset full / none" in shown
    assert "final epoch, seed 2" in shown
    assert "Too few subjects for intervals (3; it takes 4 or more). Nothing is concluded." in shown
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    results = json.loads((runs / "first" / "results.json").read_text())
    assert found["a"]["accuracy"]["mean"] == results["final"]["accuracy"]
    assert found["b"]["accuracy"]["mean"] == 1
    by = found["differences"]["accuracy"]
    assert by["value"] == pytest.approx(1 - results["final"]["accuracy"])
    assert found["mcnemar"][0]["only_b"] == round(12 * by["value"])
    monkeypatch.setattr("gamdss.metrics.bootstrap.FEWEST", 3)

    def half(values):
        """Right in two clips of four of each subject, whichever subjects are drawn."""
        right = perfect(values)["logits"]
        right[:, ::2] = 1 - right[:, ::2]
        return {"logits": right}

    words = ["compare", changed("half", {"seed": 9}, half), better]
    assert main([*words, "--output", str(tmp_path / "half_out")]) == 0
    by = json.loads((tmp_path / "half_out" / "compare.json").read_text())["differences"]["accuracy"]
    assert (by["value"], by["interval"], by["p"]) == (0.5, None, None)
    assert "gives no interval of accuracy" in capsys.readouterr().out

    def uneven(values):
        right = perfect(values)["logits"]
        return {"logits": right if values["name"] == "01" else np.roll(right, 1, axis=2)}

    words = ["compare", str(runs / "first"), changed("uneven", {"seed": 9}, uneven)]
    output = tmp_path / "uneven_out"
    assert main([*words, "--output", str(output)]) == 0
    by = json.loads((output / "compare.json").read_text())["differences"]["accuracy"]
    text = (output / "compare.md").read_text()
    assert f"{by['value']:+.3f} ({by['interval'][0]:+.3f} to " in text


def test_seeds_are_joined_and_selections_named(runs, changed, tmp_path, capsys):
    both = f"{runs / 'first'},{runs / 'second'}"
    other = changed("other", {"training.epochs": 7})
    out = ["--output", str(tmp_path / "out")]
    assert main(["compare", both, other, "--selection", "final,oracle", *out]) == 0
    shown = capsys.readouterr().out
    assert "final epoch, seeds 2, 3" in shown
    assert "B: " + other + ", oracle (epoch chosen on the held-out subject)" in shown
    assert "The oracle is not a result" in shown
    assert "different selections" in shown
    assert " ± " in shown


def test_another_comparison_is_not_overwritten(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["compare", str(runs / "first"), str(runs / "second")]
    assert main(words) == 0
    folder = tmp_path / "runs" / "compare_first_second"
    before = (folder / "compare.json").read_bytes()
    assert main([*words, "--selection", "oracle"]) == 0  # a folder of its own
    assert main([*words, "--selection", "final,oracle"]) == 0
    for name in ("oracle", "final_oracle"):
        found = json.loads(
            (tmp_path / f"runs/compare_first_second_{name}/compare.json").read_text()
        )
        assert (found["b"]["selection"], found["b"]["seeds"]) == ("oracle", [3])
    shown = refused(capsys, *words, "--selection", "oracle", "--output", str(folder))
    assert f"has another comparison, of {words[1]} (final) and {words[2]} (final)" in shown
    assert "Choose another folder with --output" in shown
    assert "another comparison" in refused(capsys, words[0], *words[:0:-1], "--output", str(folder))
    assert (folder / "compare.json").read_bytes() == before
    monkeypatch.chdir(runs)  # the same runs, named otherwise, are the same comparison
    assert main(["compare", "./first", "second", "--output", str(folder)]) == 0
    (folder / "compare.json").write_text('{"a": {"accuracy": 1}, "b": 2}')
    assert "of an earlier version" in refused(capsys, *words, "--output", str(folder))
    (folder / "compare.json").write_text("{")
    assert main([*words, "--output", str(folder)]) == 0


def refused(capsys, *words):
    assert main(list(words)) == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_run_is_not_compared_with_itself(runs, tmp_path, capsys):
    first, out = str(runs / "first"), ["--output", str(tmp_path / "out")]
    shown = refused(capsys, "compare", first, f"{runs / 'second'},{first}")
    assert "first is compared with itself" in shown
    assert main(["compare", first, first, "--selection", "final,oracle", *out]) == 0


def test_runs_that_cannot_be_compared_are_refused(runs, changed, tmp_path, capsys):
    first = str(runs / "first")

    def set_aside(values):
        return {f"inner_{name}": values[name] for name in ("clips", "logits", "labels")}

    inner = changed("inner", {"training.selection": "inner"}, set_aside)
    assert "Name one for both" in refused(capsys, "compare", first, inner)
    assert "final, inner, oracle" in refused(capsys, "compare", first, first, "--selection", "best")
    no_inner = refused(capsys, "compare", first, first, "--selection", "inner")
    assert "set no inner subjects aside" in no_inner
    lr = changed("lr", {"training.learning_rate": 0.5})
    assert "training.learning_rate 0.0008" in refused(capsys, "compare", f"{first},{lr}", first)
    assert "its seed is 2" in refused(capsys, "compare", f"{first},{first}", first)

    def renamed(values):
        return {"clips": np.char.replace(values["clips"], "EP01", "EP99")}

    other = changed("clips", {}, renamed)
    shown = refused(capsys, "compare", first, other)
    assert "clip(s) are only in the first run: 01/EP01" in shown
    fewer = Path(changed("task", {"task": "c3"}))
    assert "its task is c3, that of" in refused(capsys, "compare", first, str(fewer))
    (fewer / "results.json").unlink()
    assert "not finished" in refused(capsys, "compare", first, str(fewer))
    assert "there is no such run" in refused(capsys, "compare", first, str(tmp_path / "absent"))


def test_runs_on_other_data_are_named(runs, changed, tmp_path, capsys):
    first, other = str(runs / "first"), Path(changed("other", {"seed": 9}))
    data = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps({**data, "frames": "0123"}))
    shown = refused(capsys, "compare", f"{first},{other}", first)
    assert f"has data (frames or labels) 'frames {data['frames']}', this run 'frames 0123'" in shown
    out = ["--output", str(tmp_path / "out")]
    assert main(["compare", first, str(other), *out]) == 0
    assert "they differ in: data (frames or labels) frames" in capsys.readouterr().out
    # Another preset takes other frames of the same clips.
    config = other / "config.yaml"
    values = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**values, "reselection": {"preset": "none"}}))
    assert main(["compare", first, str(other), *out]) == 0
    assert "they differ in: reselection.preset full / none\n" in capsys.readouterr().out
    (other / "data.json").write_text(json.dumps({**data, "labels": "0123"}))
    assert main(["compare", first, str(other), *out]) == 0
    assert "data (frames or labels) labels" in capsys.readouterr().out


def test_what_the_release_would_have_printed(runs, changed, capsys):
    assert main(["original-report", str(runs / "first")]) == 0
    shown = capsys.readouterr().out
    oracle = json.loads((runs / "first" / "results.json").read_text())["oracle"]
    assert f"accuracy    {oracle['accuracy']:.4f}" in shown
    assert "actually the mean precision" in shown
    assert "do not print it" in shown
    for name, dataset in (("samm", "samm"), ("several", "samm+specs/cas2.yaml")):
        assert main(["original-report", changed(name, {"dataset": dataset})]) == 0
        assert "do not print it" not in capsys.readouterr().out


def test_corrupt_results_and_configs_are_named(runs, changed, capsys):
    first = str(runs / "first")
    broken = Path(changed("broken", {}))
    file = broken / "results.json"
    complete = json.loads(file.read_text())
    for name in ("dataset", "classes", "folds"):
        file.write_text(json.dumps({k: v for k, v in complete.items() if k != name}))
        assert f"({name} is missing or broken)" in refused(capsys, "compare", first, str(broken))
    file.write_text("[1]")
    assert "everything is missing" in refused(capsys, "original-report", str(broken))
    for values, message in (
        ({"training": 5}, "'training' is a group of fields"),
        ({"training": {"epochs": "many"}}, "'training.epochs' is 'many' It must be an integer."),
    ):
        config = broken / "config.yaml"
        config.write_text(yaml.safe_dump(values))
        for words in (("original-report", str(broken)), ("tsne", "--experiment", str(config))):
            shown = refused(capsys, *words)
            assert f"{config}: " in shown
            assert message in shown
