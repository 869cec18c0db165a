"""Runs on a plain table: what they record, and how they are found again after a move."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gamdss.cli import main
from gamdss.data.annotations import read_annotations
from gamdss.data.specs import FOLDER, get_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, ConfigError, DataRootError, GamdssError, RunError
from gamdss.files import write_csv
from gamdss.prediction.trained_on import trained_on
from gamdss.runs.alike import differing
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import DataOptions, open_run

PATTERN = ("--frames.pattern", "Cropped/sub{subject}/{clip}/reg_img{frame}.jpg")


def write_table(file, root, **changes):
    """The clips of a made CASME II as a plain table, with other cells in its first row."""
    spec = get_spec("cas2")
    clips = read_annotations(spec, find_workbook(spec, root), "c5").clips
    header = ("subject", "clip", "onset", "apex", "offset", "emotion", "fps")
    rows = [(c.subject, c.name, *c.annotated.numbers, c.emotion, 60) for c in clips]
    first = [changes.get(name, cell) for name, cell in zip(header, rows[0], strict=True)]
    write_csv(file, [header, first, *rows[1:]])
    return file


def words(root, table, options):
    where = ("--data-root", str(root), "--annotations", str(table), *PATTERN)
    what = ("--dataset", "csv", "--task", "c2", "--device", "cpu", "--training.epochs", "1")
    return ["train", *options, *what, *where]


@pytest.fixture(scope="module")
def trained(once, small_dataset, small_options, tmp_path_factory):
    """A run on a table that is no longer where it was."""

    def write(folder):
        table = write_table(folder / "first" / "lab.csv", small_dataset)
        command = words(small_dataset, table, small_options)
        assert main([*command, "--output", str(folder / "run")]) == 0
        shutil.move(table, folder / "lab.csv")

    return Path(shutil.copytree(once("csv", write), tmp_path_factory.mktemp("csv") / "moved"))


def test_a_run_whose_table_has_moved_is_merged(trained, tmp_path, capsys):
    command = ["merge", str(trained / "run"), "--output", str(tmp_path / "merged")]
    assert main(command) == 2
    assert "--annotations" in capsys.readouterr().err
    for option in ("--split", "--weights", "--init-from"):
        assert main([*command, option, "x"]) == 2
        assert f"{option} is 'x', but the run was trained without" in capsys.readouterr().err
    assert main([*command, "--annotations", str(trained / "lab.csv")]) == 0
    now, before = (place / "results.json" for place in (tmp_path / "merged", trained / "run"))
    assert now.read_bytes() == before.read_bytes()


def test_a_run_whose_table_has_moved_is_opened(trained, tmp_path):
    run = read_run(trained / "run")
    with pytest.raises((AnnotationError, DataRootError), match=r"lab\.csv"):
        open_run(run, DataOptions(device="cpu"), progress=False)
    table = str(trained / "lab.csv")
    opened = open_run(run, DataOptions(device="cpu", annotations=table), progress=False)
    assert opened.config.annotations == table
    assert [fold.name for fold in opened.folds] == ["01", "02", "03"]
    with pytest.raises(ConfigError, match="--annotators is 'x', but the run was trained without"):
        open_run(run, DataOptions(annotations=table, annotators="x"), progress=False)
    other = write_table(tmp_path / "lab.csv", Path(run.config.data_root), emotion="happiness")
    with pytest.raises(RunError, match="--annotations"):
        open_run(run, DataOptions(device="cpu", annotations=str(other)), progress=False)


def test_moved_annotators_are_named(trained):
    config = read_run(trained / "run").config
    config.reselection.preset, config.reselection.annotators = "motion", "before.csv"
    placed = DataOptions(annotators="now.csv").placed(config)
    assert placed.reselection.annotators == "now.csv"
    assert DataOptions().placed(config).reselection.annotators == "before.csv"


def test_a_run_whose_spec_split_and_list_have_moved_is_opened_and_resumed(
    small_dataset, small_options, tmp_path, capsys
):
    first, now = tmp_path / "first", tmp_path / "now"
    first.mkdir()
    shutil.copy(FOLDER / "cas2.yaml", first / "lab.yaml")
    rest = [("02", "train"), ("03", "a")]
    write_csv(first / "split.csv", [("subject", "part"), ("01", "train"), *rest])
    spec = get_spec("cas2")
    clips = read_annotations(spec, find_workbook(spec, small_dataset), "c5").clips
    rows = [("lab", c.subject, c.name, c.emotion) for c in clips if c.name != "EP01_01"]
    write_csv(first / "list.csv", [("dataset", "subject", "clip", "class"), *rows])
    files = ("--protocol.split", str(first / "split.csv"), "--clip-list", str(first / "list.csv"))
    command = ["train", *small_options, "--dataset", str(first / "lab.yaml"), *files]
    command += ["--data-root", str(small_dataset), "--protocol.name", "fixed", "--device", "cpu"]
    assert main([*command, "--training.epochs", "1", "--output", str(tmp_path / "run")]) == 0
    first.rename(now)
    run = read_run(tmp_path / "run")
    moved = {"spec": "lab.yaml", "split": "split.csv", "clip_list": "list.csv"}
    moved = {option: str(now / name) for option, name in moved.items()}
    for option in moved:
        others = {name: file for name, file in moved.items() if name != option}
        remedy = rf"first[\s\S]*Check --{option.replace('_', '-')}\."
        with pytest.raises(GamdssError, match=remedy):
            open_run(run, DataOptions(device="cpu", **others), progress=False)
    opened = open_run(run, DataOptions(device="cpu", **moved), progress=False)
    assert [fold.name for fold in opened.folds] == ["a"]
    (tmp_path / "run" / "results.json").unlink()
    again = [word.replace(str(first), str(now)) for word in command]
    again += ["--training.epochs", "1", "--output", str(tmp_path / "run")]
    assert main(again) == 0
    assert read_run(tmp_path / "run").results == run.results
    write_csv(now / "split.csv", [("subject", "part"), ("01", "a"), *rest])
    assert main(again) == 2
    assert "--protocol.split" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"have changed since[\s\S]*--split or another"):
        open_run(run, DataOptions(device="cpu", **moved), progress=False)
    several = replace(run.config, dataset=f"{first}/lab.yaml+cas2")
    assert DataOptions(spec="now/lab.yaml+cas2").placed(several).dataset == "now/lab.yaml+cas2"
    with pytest.raises(ConfigError, match="--annotators is 'x', but the run was trained without"):
        DataOptions(annotators="x").placed(run.config)


def test_predictions_follow_the_frames_and_rates_of_a_plain_table(trained, tmp_path):
    found = trained_on(read_run(trained / "run"))
    assert (found.grey, found.rates) == (False, (60.0,))
    run = Path(shutil.copytree(trained / "run", tmp_path / "run"))
    data = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps(data | {"grey": True, "fps": [25.0, 50.0]}))
    found = trained_on(read_run(run))
    assert (found.grey, found.rates) == (True, (25.0, 50.0))
    assert differing(read_run(trained / "run"), read_run(run)) == {}
    del data["grey"], data["fps"]
    (run / "data.json").write_text(json.dumps(data))
    found = trained_on(read_run(run))  # as an earlier version left it; the table has moved
    assert (found.grey, found.rates) == (False, ())


def test_a_run_whose_table_is_renamed_resumes(trained, small_dataset, small_options, tmp_path):
    run = Path(shutil.copytree(trained / "run", tmp_path / "run"))
    (run / "results.json").unlink()
    table = write_table(tmp_path / "renamed.csv", small_dataset)
    again = [*words(small_dataset, table, small_options), "--output", str(run)]
    assert main(again) == 0
    assert "renamed" in read_run(run).results.dataset
    assert main(["compare", str(trained / "run"), str(run), "--output", str(tmp_path / "c")]) == 0
    assert json.loads((tmp_path / "c" / "compare.json").read_text())["varied"] == {}
    assert differing(read_run(trained / "run"), read_run(run)) == {}
    write_table(table, small_dataset, emotion="happiness")
    assert main(again) == 2


@pytest.mark.slow
def test_the_page_of_a_run_shows_faces_from_a_moved_table(trained, tmp_path):
    command = ["report", str(trained / "run"), "--output", str(tmp_path / "page.html")]
    assert main([*command, "--evidence", "false"]) == 2
    table = ["--annotations", str(trained / "lab.csv")]
    assert main([*command, "--evidence", "false", *table]) == 0
    assert "data:image" in (tmp_path / "page.html").read_text("utf-8")
