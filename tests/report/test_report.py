"""Tables and figures of invented results: the right numbers, in every edge case."""

import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from gamdss.config import Config, TrainingConfig
from gamdss.data.truth import read_truth
from gamdss.errors import FoldError, RunError
from gamdss.records import Clip, FoldResult, KeyFrames
from gamdss.report import figures, run_page
from gamdss.report.confusion import confusion_figure
from gamdss.report.curves import learning_curves
from gamdss.report.figures import FIGURES, ClipFrames, RunFigure, write_report
from gamdss.report.film_strip import film_strip, frame_text
from gamdss.report.style import save
from gamdss.report.tables import ORACLE_NOTE, results_markdown, summary_text
from gamdss.runs.finished import read_run
from gamdss.training.scoring import results

CLASSES = ("happiness", "surprise", "others")


def fold(subject="01", epochs=4, clips=5, classes=3, seed=0):
    rng = np.random.default_rng((seed, int(subject)))
    logits = rng.standard_normal((epochs, clips, classes)).astype(np.float32)
    labels = np.arange(clips) % classes
    names = tuple(f"{subject}/EP{i:02d}" for i in range(clips))
    return FoldResult(subject, names, labels, logits, np.linspace(3, 1, epochs), np.ones(epochs))


def values(folds, classes=CLASSES):
    config = Config(training=TrainingConfig(epochs=len(folds[0].logits)))
    return results(config, "Synthetic clips", True, classes, folds, len(folds))


def strip(clips=6, moved=True):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (clips * 6, 3, 32, 32), dtype=np.uint8)
    index = np.arange(clips * 6).reshape(clips, 6)
    shift = 2 if moved else 0
    made = [
        Clip("cas2", "01", f"EP{i:02d}", KeyFrames(10, 20, 30), "happiness") for i in range(clips)
    ]
    reselected = [KeyFrames(10 + shift, 20 - shift, 30) for _ in made]
    return {
        "clips": made,
        "frames": frames,
        "annotated": index[:, :3],
        "reselected": index[:, 3:] if moved else index[:, :3],
        "reselected_keys": reselected,
    }


def read(path):
    image = cv2.imread(str(path))
    assert image is not None
    assert image.std() > 1
    return image


def test_the_summary_names_final_and_oracle():
    found = values([fold(f"0{number}") for number in (1, 2, 3, 4)])
    text = summary_text(found)
    assert "In brackets: 95% intervals over subjects." in text
    rows = {line.split()[0]: line for line in text.splitlines() if line}
    numbers = [float(x) for x in re.findall(r"\d\.\d{3}", rows["final"])]
    expected = [
        number
        for name, value in found.final.measures.items()
        for number in (value, *found.final.intervals[name])
    ]
    assert numbers == pytest.approx(expected, abs=5e-4)
    assert "chosen on the held-out subject" in rows["oracle"]
    assert ORACLE_NOTE in text


@pytest.mark.parametrize("count", [1, 3])
def test_brackets_are_explained_only_where_there_are_any(count):
    few = values([fold(f"0{number}") for number in range(count)])
    many = values([fold(f"0{number}") for number in range(4)])
    for write in (summary_text, results_markdown):
        assert "in brackets" not in write(few).lower()
        assert f"Too few subjects for intervals ({count}; it takes 4 or more)" in write(few)
        assert "in brackets" in write(many).lower()
        assert "Too few" not in write(many)


def test_markdown_has_every_number_and_figure():
    found = values([fold("01"), fold("02")])
    text = results_markdown(found, {"confusion matrix": "confusion.png"})
    assert text.startswith("# Synthetic clips, 3 classes (c5)")
    for subject in ("01", "02"):
        assert re.search(rf"^\| {subject} +\|", text, re.MULTILINE)
    for name, row in zip(CLASSES, found.final.confusion, strict=True):
        cells = r" +\| +".join(str(n) for n in row)
        assert re.search(rf"\| {name} +\| +{cells} +\|", text)
    assert "![confusion matrix](confusion.png)" in text


def test_markdown_counts_clips_with_substituted_key_frames():
    found = values([fold("01"), fold("02")])
    text = results_markdown(found, substituted=2)
    assert f"In 2 of {found.clips} clips, an annotated frame is missing and the nearest" in text
    assert "nearest" not in results_markdown(found)


def test_a_film_strip_says_which_key_frames_are_substituted():
    annotated = KeyFrames(10, 20, 30, substituted=("apex",))
    truth = KeyFrames(10, 23, 30)
    caption = partial(frame_text, annotated=annotated, truth=truth)
    assert caption(annotated, which=1) == ("frame 20, substituted\ntrue 23: 3 early", False)
    assert caption(annotated, which=0)[0] == "frame 10\ntrue 10: exact"
    assert caption(KeyFrames(10, 22, 30), which=1)[0] == "frame 22 (+2)\ntrue 23: 1 early"


@pytest.mark.parametrize("classes", [2, 8])
def test_confusion_of_few_and_many_classes(tmp_path, classes):
    names = [f"class {i}" for i in range(classes)]
    found = values([fold("01", classes=classes, clips=3)], names)
    confusion_figure(found, tmp_path / "c.png")
    assert min(read(tmp_path / "c.png").shape[:2]) > 400


@pytest.mark.slow
@pytest.mark.parametrize(("folds", "epochs"), [(1, 1), (3, 12), (94, 2)])
def test_curves_of_any_length_and_number(tmp_path, folds, epochs):
    learning_curves([fold(f"{i:02d}", epochs) for i in range(folds)], tmp_path / "c.png")
    height, width = read(tmp_path / "c.png").shape[:2]
    assert height < width < 3000


def test_dots_of_one_epoch_lie_inside_the_axes(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("gamdss.report.curves.save", lambda figure, _: drawn.append(figure))
    folds = [replace(fold(f"{i:02d}", 1), train_loss=np.array([3 + 0.01 * i])) for i in range(4)]
    learning_curves(folds, tmp_path / "c.png")
    (figure,) = drawn
    figure.draw_without_rendering()
    for axes in figure.axes:
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert dots
        for line in dots:
            (x, y), radius = (
                line.get_transform().transform(line.get_xydata())[0],
                3 * figure.dpi / 72,
            )
            assert axes.bbox.x0 < x - radius < x + radius < axes.bbox.x1
            assert axes.bbox.y0 < y - radius < y + radius < axes.bbox.y1


def test_curves_of_folds_that_do_not_fit(tmp_path):
    with pytest.raises(FoldError):
        learning_curves([fold("01", 2), fold("02", 3)], tmp_path / "c.png")
    with pytest.raises(FoldError):
        learning_curves([], tmp_path / "c.png")


@pytest.mark.slow
@pytest.mark.parametrize(("clips", "moved"), [(1, False), (6, True)])
def test_film_strip(tmp_path, clips, moved):
    made = strip(clips, moved)
    truth = {made["clips"][0].id: KeyFrames(11, 21, 29)}
    film_strip(tmp_path / "f.png", **made, truth=truth)
    tall = read(tmp_path / "f.png").shape[0]
    assert tall > 400 * min(clips, 4)


@pytest.mark.slow
def test_a_report_writes_everything_and_a_figure_is_added_in_one_place(
    tmp_path, finished_run, monkeypatch
):
    def draw(results, folds, path):
        confusion_figure(results, path)

    added = RunFigure("added", "an added figure", "Added at the {epoch}.", draw)
    every = (*FIGURES, added)
    monkeypatch.setattr(figures, "FIGURES", every)
    folds = [fold("01"), fold("02")]
    shown = write_report(tmp_path, values(folds), folds, ClipFrames(**strip()))
    drawn = {figure.title: figure.file for figure in every if not figure.command}
    assert not (tmp_path / drawn.pop("action units")).exists()  # of another task
    for name, file in {**drawn, "tables": "results.md"}.items():
        assert re.search(rf"{name} +{re.escape(str(tmp_path / file))}", shown)
        assert (tmp_path / file).stat().st_size > 0
    text = (tmp_path / "results.md").read_text("utf-8")
    assert all(f"![{name}]({file})" in text for name, file in drawn.items())
    assert drawn["an added figure"] == "added.png"
    run = Path(shutil.copytree(finished_run, tmp_path / "run"))
    page = run_page.run_page(read_run(run), {}, {})
    assert page.figures[-1][0].caption == "Added at the final epoch."


def test_figures_are_the_same_bytes_each_time(tmp_path):
    for name in ("a.png", "b.png"):
        confusion_figure(values([fold()]), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_figure_of_unknown_format(tmp_path):
    with pytest.raises(RunError, match=r"\.png"):
        save(None, tmp_path / "figure.bmp")


def test_truth_is_read_where_there_is_one(tmp_path, small_dataset):
    assert read_truth(tmp_path / "absent.csv") is None
    truth = read_truth(small_dataset / "ground_truth.csv")
    assert len(truth) == 12
    assert all(k.onset < k.apex < k.offset for k in truth.values())
