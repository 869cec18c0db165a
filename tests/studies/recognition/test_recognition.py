"""The study of recognition: paired numbers, cells that resume, table and figure."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from gamdss.cli import main
from gamdss.metrics import Predictions
from gamdss.studies.recognition.clips import Clips
from gamdss.studies.recognition.numbers import estimate, level_numbers
from gamdss.studies.recognition.report import conclusions, level_table
from gamdss.studies.recognition.settings import (
    ANNOTATED,
    DRAWS,
    JITTER,
    MOTION,
    MOTION_AND_JITTER,
    TRAININGS,
    TRUE,
    WAYS,
    Cell,
    Sizes,
    cells,
)
from gamdss.studies.recognition.train import Trained

SMALL = Sizes(levels=[0, 30], people=6, clips=4, seeds=2)
# Share of right predictions by way.
RIGHT = dict(zip(WAYS, (0.5, 0.55, 0.7, 0.71, 0.73, 0.76, 0.9), strict=True))


def trained(sizes, right=None):
    rng = np.random.default_rng(0)
    count = sizes.people * sizes.clips
    labels = np.arange(count) % 3
    clips = tuple(f"{i // sizes.clips}/{i}" for i in range(count))
    luck = rng.random(count)

    def predictions(way):
        wrong = luck + 0.02 * rng.random(count) > (right or RIGHT)[way]
        predicted = np.where(wrong, (labels + 1) % 3, labels)
        return Predictions("final", clips, labels, predicted, predicted)

    return {
        cell: Trained({way: predictions(way) for way in TRAININGS[cell.training]}, 3)
        for cell in cells(sizes)
    }


def test_an_exact_annotation_is_the_truth_and_trained_once():
    found = list(cells(SMALL))
    assert len(found) == len(set(found))
    first = [cell for cell in found if cell.seed == 1]
    assert first == found[: len(first)]
    assert Cell(0, ANNOTATED, 1) not in first
    assert [cell for cell in first if cell.training == TRUE] == [Cell(0, TRUE, 1)]
    exact = level_numbers(trained(SMALL), 0)
    assert exact.uf1[ANNOTATED] == exact.uf1[TRUE]
    assert exact.against_annotated[TRUE].mean == 0
    assert exact.recovered(DRAWS) is None


def test_jitter_moves_annotated_or_reselected_key_frames():
    around = {way: SMALL.reselection(way) for way in (JITTER, MOTION_AND_JITTER)}
    assert [found.preset for found in around.values()] == ["none", "motion"]
    assert all(found.train_draws and found.jitter == SMALL.jitter for found in around.values())
    assert SMALL.reselection(DRAWS).jitter == 0


def test_differences_are_paired_and_shares_recovered():
    found = level_numbers(trained(Sizes(levels=[30], people=30, clips=8, seeds=3)), 30)
    means = {way: value.mean for way, value in found.uf1.items()}
    assert sorted(means, key=means.get) == list(WAYS)
    gain = found.against_motion[DRAWS]
    assert gain.mean == pytest.approx(means[DRAWS] - means[MOTION])
    alone = found.uf1[DRAWS]
    # The clips that both ways get right or wrong cancel out.
    assert gain.width < alone.width
    cost = means[TRUE] - means[ANNOTATED]
    assert found.recovered(MOTION) == pytest.approx((means[MOTION] - means[ANNOTATED]) / cost)
    assert found.recovered(TRUE) is None


def test_an_interval_covers_people_and_seeds():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(300):
        people = rng.normal(0, 1, 12)
        values = people + rng.normal(0, 1, (4, 1))  # an effect of the seed on everybody
        weights = rng.multinomial(12, np.full(12, 1 / 12), 400) / 12
        found = estimate(values.mean(axis=1), values @ weights.T, 12)
        inside.append(not found.shown)
    assert 0.9 < np.mean(inside) < 0.99
    alone = estimate(np.array([0.1]), np.full((1, 50), 0.1), 5)
    assert alone.interval is None  # the same in every draw
    assert alone.spread is None


def test_intervals_of_uf1_lie_within_what_it_can_be():
    found = level_numbers(trained(SMALL, dict.fromkeys(WAYS, 0.95)), 30)
    stated = [value for value in found.uf1.values() if value.interval]
    assert stated
    for value in stated:
        assert 0 <= value.interval[0] <= value.mean <= value.interval[1] <= 1


def test_conclusions_say_what_is_shown_and_how_many_people_it_takes():
    numbers = {30: level_numbers(trained(SMALL), 30)}
    lines = conclusions(numbers, SMALL)
    assert lines[0].startswith("Error of 30%: motion ")
    assert "people with as many clips and seeds each" in lines[-1]
    same = trained(SMALL, dict.fromkeys(WAYS, 0.6))
    (first, *_) = conclusions({30: level_numbers(same, 30)}, SMALL)
    assert "is not shown to differ" in first
    rows = level_table(numbers[30], 30).rows
    assert [row[0] for row in rows] == list(WAYS)


@pytest.mark.parametrize("people", [2, 3])
def test_nothing_is_concluded_from_too_few_people(people):
    few = replace(SMALL, people=people, clips=12)
    found = level_numbers(trained(few), 30)
    assert found.against_annotated[TRUE].mean > 0
    assert found.recovered(MOTION) is None
    for estimates in (found.uf1, found.against_annotated, found.against_motion):
        assert not any(one.shown or one.interval for one in estimates.values())
    (said,) = conclusions({30: found}, few)
    assert (
        said
        == f"Too few people for intervals ({people}; it takes 4 or more). Nothing is concluded."
    )


def test_bad_settings_are_explained(tmp_path, capsys):
    for words, message in (
        (("--levels", "[10,10]"), "--levels is [10, 10]"),
        (("--levels", "[120]"), "--levels is [120]"),
        (("--people", "3", "--parts", "4"), "--parts is 4"),
        (("--jitter", "0"), "--jitter is 0"),
        (("--image-size", "32"), "image_size 32 does not fit the backbone resnet10t"),
        (("--backbone", "rmt", "--image-size", "50"), "--model.image-size is 50"),
    ):
        output = ("--output", str(tmp_path / "study"), "--cache", str(tmp_path))
        assert main(["stress", "--recognition", *output, *words]) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "synthetic").exists()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Words of a tiny study, finished, and its folder."""
    output = tmp_path_factory.mktemp("study")
    words = ["stress", "--recognition", "--output", str(output / "out"), "--cache", str(output)]
    words += ["--levels", "[40]", "--people", "2", "--clips", "5", "--seeds", "1"]
    words += ["--epochs", "1", "--draws", "2", "--threads", "1", "--backbone", "test_vit"]
    assert main(words) == 0
    return words, output / "out"


@pytest.mark.slow
def test_the_study_resumes_and_refuses_other_settings(study, capsys):
    words, output = study
    table = (output / "recognition.csv").read_bytes()
    rows = list(csv.DictReader(table.decode().splitlines()))
    assert {row["way"] for row in rows if row["kind"] == "uf1"} == set(WAYS)
    assert {row["low"] + row["high"] for row in rows} == {""}
    assert (output / "recognition.png").stat().st_size > 10_000
    text = (output / "recognition.md").read_text("utf-8")
    assert "| motion, tested on draws" in text
    assert "Too few people for intervals (2" in text
    assert "In brackets" not in text
    file = output / "cells" / f"{Cell(40, JITTER, 1).name}.json"
    stored = file.read_bytes()
    file.unlink()
    (output / "recognition.csv").unlink()
    assert main(words) == 0
    assert file.read_bytes() == stored
    assert (output / "recognition.csv").read_bytes() == table
    capsys.readouterr()
    assert main([*words, "--epochs", "2"]) == 2
    assert "the cell has other settings (settings." in capsys.readouterr().err
    values = json.loads(stored)
    values["labels"][0] = 1 - values["labels"][0]
    file.write_text(json.dumps(values), "utf-8")
    assert main(words) == 2
    assert "incomplete or corrupt cell" in capsys.readouterr().err
    file.write_bytes(stored)


def test_cells_of_a_gpu_are_others_and_those_of_a_cpu_are_as_they_were():
    cell = Cell(30, TRUE, 1)
    plain = cell.about(SMALL, "bf16")
    assert cell.about(SMALL, "float32") != plain
    assert "device" not in plain["settings"]
    assert cell.about(replace(SMALL, threads=3), "bf16") == plain
    first, second = (cell.about(replace(SMALL, device=name), "bf16") for name in ("cuda", "cuda:1"))
    assert first == second != plain
    assert SMALL.config(1, SMALL.reselection(TRUE)).device == "cpu"
    assert replace(SMALL, device="cuda:1").config(1, SMALL.reselection(TRUE)).device == "cuda:1"


@pytest.mark.slow
def test_larger_errors_are_smaller_ones_scaled(study, tmp_path):
    _, output = study
    sizes = Sizes(levels=[40], people=2, clips=5, seeds=1, draws=2)
    clips = Clips(sizes, output.parent, progress=False)

    def keys(level):
        opened = clips.open(level, sizes.reselection(TRUE))
        return np.array([clip.annotated.numbers for clip in opened.annotations.clips])

    shift = {level: keys(level) - keys(0) for level in (10, 20)}
    assert np.abs(shift[20] - 2 * shift[10]).max() <= 2  # rounding to frames
    assert np.abs(shift[20]).max() > 3
