"""`gamdss tsne` and the scripts under `visual/`: from checkpoints to picture and points."""

import json
import runpy
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from workbook_edits import edit

from gamdss import demo
from gamdss.cli import main
from gamdss.report import tsne_figure
from gamdss.runs.embedding import embed
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import DataOptions, open_run
from gamdss.training.checkpoint import load_result

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "visual").glob("tsne_*.py"))
TINY = "{subjects: 3, clips_per_subject: 5, height: 32, width: 32, fps: 40, seed: 4}"
SETTINGS = "{model: {backbone: test_vit, image_size: 32}, training: {epochs: 1}, threads: 1}"


OPTIONS = DataOptions(device="cpu")


def refused(capsys, *words):
    assert main(["tsne", *map(str, words)]) == 2
    shown = capsys.readouterr().err
    assert shown.count("error: ") == 1
    return " ".join(shown[shown.index("error: ") :].split())


def test_one_run(finished_run, capsys, caplog):
    assert main(["tsne", str(finished_run)]) == 0
    shown = capsys.readouterr().out
    for suffix in (".png", ".pdf", ".csv"):
        assert str(finished_run / f"tsne{suffix}") in shown
    assert cv2.imread(str(finished_run / "tsne.png")).std() > 1
    assert (finished_run / "tsne.pdf").read_bytes().startswith(b"%PDF")
    points = pd.read_csv(finished_run / "tsne.csv", dtype={"fold": str})
    results = json.loads((finished_run / "results.json").read_text())
    recorded = [
        (fold["held_out"], row["clip"], row["true"], row["final"])
        for fold in results["folds"]
        for row in fold["predictions"]
    ]
    drawn = points[["fold", "clip", "class", "predicted"]].itertuples(index=False, name=None)
    assert sorted(drawn) == sorted(recorded)
    assert np.isfinite(points[["x", "y"]].to_numpy()).all()
    assert "differ from those of the run" not in caplog.text


def test_folds_are_compared_on_the_same_training_clips(finished_run):
    opened = open_run(read_run(finished_run), OPTIONS)
    all_of_them = embed(opened, opened.folds[:1])[0]
    assert all_of_them.training_clips == opened.folds[0].training
    some = embed(opened, opened.folds, most=6)
    chosen = {clip for fold in some for clip in fold.training_clips}
    assert len(chosen) == 6
    for fold, asked in zip(some, opened.folds, strict=True):
        assert set(fold.training_clips) == chosen & set(asked.training)
        assert fold.training.shape == (len(fold.training_clips), 1024)
        assert len(fold.held_out) == len(asked.held_out)
    rows = [all_of_them.training_clips.index(clip) for clip in some[0].training_clips]
    assert np.allclose(all_of_them.training[rows], some[0].training, atol=1e-4)


def test_two_runs_side_by_side_and_one_fold(finished_run, tmp_path, capsys):
    assert main(["tsne", str(finished_run), str(finished_run), "--output", str(tmp_path)]) == 0
    both = cv2.imread(str(tmp_path / "tsne_against_run.png"))
    assert len(pd.read_csv(tmp_path / "tsne_against_run.csv")) == 24
    words = ["--fold", "02", "--clips", "training", "--perplexity", "2", "--output", str(tmp_path)]
    assert main(["tsne", str(finished_run), *words]) == 0
    one = cv2.imread(str(tmp_path / "tsne_02_training.png"))
    assert both.shape[1] > 1.5 * one.shape[1]
    points = pd.read_csv(tmp_path / "tsne_02_training.csv")
    assert not points["clip"].str.startswith("02/").any()
    assert len(points) == 8


def test_runs_of_one_name_are_named_by_their_parents(finished_run, tmp_path, monkeypatch, capsys):
    first, second = (tmp_path / name / "run" for name in "ab")
    for run in (first, second):
        shutil.copytree(finished_run, run)
    monkeypatch.chdir(first)
    assert main(["tsne", ".", str(second)]) == 0
    shown = capsys.readouterr().out
    for name in ("a/run", "b/run"):
        assert f"reselected key frames (full): {name}:" in shown
    assert (first / "tsne_against_b_run.png").is_file()


def test_what_cannot_be_drawn_is_refused(finished_run, tmp_path, capsys):
    assert "--fold NAME" in refused(capsys, finished_run, "--clips", "training")
    assert "The folds are 01, 02, 03" in refused(capsys, finished_run, "--fold", "9")
    assert "t-SNE needs at least 5" in refused(capsys, finished_run, "--fold", "01")
    assert "below 12" in refused(capsys, finished_run, "--perplexity", "12")
    assert "Omit one" in refused(capsys, finished_run, "--demo")
    assert "no run is named Train one" in refused(capsys)
    assert "there is no such run" in refused(capsys, tmp_path / "absent")
    (tmp_path / "folds").mkdir()
    shutil.copy(finished_run / "config.yaml", tmp_path)
    assert "not finished" in refused(capsys, tmp_path)


def test_a_run_of_chosen_epochs_that_sees_flow(inner_flow_run, tmp_path, monkeypatch, caplog):
    """The points are what the networks of the inner epoch predict from the reselected frames."""
    said = []
    real = tsne_figure.tsne_figure
    monkeypatch.setattr("gamdss.tsne.tsne_figure", lambda *args: said.append(args) or real(*args))
    assert main(["tsne", str(inner_flow_run), "--output", str(tmp_path)]) == 0
    assert "differ from those of the run" not in caplog.text
    points = pd.read_csv(tmp_path / "tsne.csv")
    opened, expected = open_run(read_run(inner_flow_run), OPTIONS), {}
    for fold in opened.folds:
        trainer = opened.trained(fold)
        places = trainer.logits(trainer.data.held_out).argmax(1).tolist()
        names = [opened.dataset.annotations.classes[place] for place in places]
        expected.update(zip(trainer.data.held_out_clips, names, strict=True))
    assert dict(zip(points["clip"], points["predicted"], strict=True)) == expected
    headline = said[0][3]
    assert "c5, leaving one subject out\n" in headline
    assert "networks of the inner epoch" in headline
    assert "final" not in headline


def test_training_clips_keep_their_order_where_some_are_set_aside(inner_flow_run):
    opened = open_run(read_run(inner_flow_run), OPTIONS)
    data = opened.trained(opened.folds[0]).data
    clips = opened.training_clips(opened.folds[0], data)
    assert sorted(clips) == sorted(opened.folds[0].training)
    index = opened.dataset.store.reselected_index[list(clips)]
    assert np.array_equal(index, np.concatenate((data.training, data.inner)))


def test_missing_or_changed_data_is_refused(finished_run, data, tmp_path, capsys):
    assert "error" in refused(capsys, finished_run, "--data-root", tmp_path / "absent")
    assert main(["tsne", str(finished_run), "--data-root", str(data)]) == 0  # moved, the same
    for row in (2, 3):
        edit(data, row, "Estimated Emotion", "disgust")
    shown = refused(capsys, finished_run, "--data-root", data)
    assert "the run was started on other data" in shown
    assert "--data-root" in shown


def test_a_truncated_checkpoint_is_named(finished_run, tmp_path, capsys):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    file = run / "folds" / "03" / "checkpoint.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert f"{file}: missing, incomplete or corrupt weights" in refused(capsys, run)


def test_predictions_that_differ_from_the_run_are_reported(finished_run, tmp_path, capsys, caplog):
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    file = run / "folds" / "01" / "predictions.npz"
    arrays = dict(np.load(file))
    arrays["logits"] = -arrays["logits"]
    np.savez_compressed(file, **arrays)
    assert load_result(file).name == "01"
    assert main(["tsne", str(run), "--output", str(tmp_path)]) == 0
    assert "fold 01: predictions of 4 of 4 held-out clips differ" in caplog.text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_say_how_to_get_a_run(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(script), run_name="__main__")
    name = script.stem.removeprefix("tsne_")
    shown = capsys.readouterr().err
    config = (ROOT / "configs" / f"{name}.yaml").resolve()
    assert f"gamdss train --config {config} --data-root" in shown
    assert f"runs/{name}: the run does not exist" in shown
    assert "--demo" in shown
    asked = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text())
    assert f"{asked['dataset']}_{asked['task']}" == name
    (tmp_path / "own").mkdir()
    shutil.copy(config, tmp_path / "own")
    for file in (f"own/{name}.yaml", tmp_path / "own" / f"{name}.yaml"):
        assert f"gamdss train --config own/{name}.yaml --data-root" in refused(
            capsys, "--experiment", file
        )


def test_a_script_refuses_a_run_of_another_dataset(finished_run, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tsne_samm_c5.py", str(finished_run)])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_path(str(ROOT / "visual" / "tsne_samm_c5.py"), run_name="__main__")
    assert "this run is of cas2 c5, samm_c5.yaml of samm c5" in capsys.readouterr().err


def test_the_demo_trains_a_run_once(tmp_path, monkeypatch, capsys):
    for name, text in (("DATASET", TINY), ("SETTINGS", SETTINGS)):
        (tmp_path / f"{name}.yaml").write_text(text)
        monkeypatch.setattr(demo, name, tmp_path / f"{name}.yaml")
    monkeypatch.chdir(tmp_path)
    words = ["tsne", "--experiment", str(ROOT / "configs" / "cas2_c5.yaml"), "--demo"]
    assert main([*words, "--cache", str(tmp_path / "cache")]) == 0
    assert "final epoch" in capsys.readouterr().out  # of the training
    run = tmp_path / "runs" / "demo_cas2_c5"
    assert (run / "tsne.png").exists()
    assert main([*words, "--cache", str(tmp_path / "cache")]) == 0
    assert "final epoch" not in capsys.readouterr().out
    other = ["tsne", "--experiment", str(ROOT / "configs" / "original" / "cas2_c5.yaml"), "--demo"]
    assert main([*other, "--cache", str(tmp_path / "cache")]) == 2
    shown = capsys.readouterr().err
    assert "demo_cas2_c5: the demo's run is of another config" in shown
    assert "reselection.preset: stored 'motion', current 'original-full'" in shown
