"""`gamdss bias` on synthetic clips: it finds the planted bias, and writes its files."""

import csv
import json
import os
import re

import cv2
import numpy as np
import pytest

from gamdss.cli import main
from gamdss.config import Config, ReselectionConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.studies.bias.moved_clips import motion_curve
from gamdss.studies.bias.shifts import measure_shifts
from gamdss.studies.bias.sources import open_sources
from gamdss.synthetic import GROUPS, SynthConfig, write_dataset

pytestmark = pytest.mark.slow

LATE = 25  # percent of the falling phase
SETTINGS = SynthConfig(
    subjects=8,  # four in each group
    clips_per_subject=3,
    emotions=["happiness", "surprise"],
    height=72,
    width=64,
    fps=100,
    amplitude=(2.0, 2.5),
    noise=1.0,
    drift=0.1,
    blink=0.0,
    offset_jitter=0.08,
    late_group=LATE / 100,
    seed=5,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("late") / "cas2", SETTINGS, progress=False)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def done(root, cache, tmp_path_factory):
    output = tmp_path_factory.mktemp("bias") / "out"
    words = ["bias", "--data-root", str(root), "--groups", str(root / GROUPS)]
    words += ["--cache", str(cache), "--output", str(output)]
    before = {path: path.read_bytes() for path in root.glob("*.xlsx")}
    assert main(words) == 0
    assert {path: path.read_bytes() for path in root.glob("*.xlsx")} == before
    return output


def framed(picture):
    """Whether pictures of the sheet have the frame of a warning."""
    return (cv2.imread(str(picture)) == (0, 0x9F, 0xE6)).all(axis=2).sum() > 100


def found(output):
    groups = json.loads((output / "bias.json").read_text())["groups"]
    return {(g["grouping"], g["group"], g["key"]): g for g in groups}


def test_the_planted_bias_is_found_within_its_interval(done):
    by = found(done)
    early, late = (by["group", name, "offset"] for name in "AB")
    # A late annotation makes the annotated phase longer, of which percents are taken.
    for group, planted in ((early, 0), (late, 100 * LATE / (100 + LATE))):
        low, high = group["estimate"]["percent"]["mean_interval"]
        assert low <= planted <= high
        assert low <= group["true"]["percent"]["mean"] <= high
        assert high - low < 30
    assert late["estimate"]["percent"]["mean_interval"][0] > 0
    for key in ("onset", "apex"):
        for name in "AB":
            group = by["group", name, key]
            low, high = group["estimate"]["percent"]["mean_interval"]
            assert low <= group["true"]["percent"]["mean"] <= high
    ms = late["estimate"]["ms"]["mean"]
    assert ms == pytest.approx(10 * late["estimate"]["frames"]["mean"])


@pytest.mark.parametrize("prior", ["fixed", "dataset"])
def test_the_prior_that_is_taken_out_is_the_one_of_reselection(root, cache, done, prior):
    config = Config(data_root=str(root), task="all", reselection=ReselectionConfig(prior=prior))
    joined = open_sources(config, cache)
    (source,) = joined.sources
    fixed = measure_shifts(source.clips, source.keys, source.rates)
    as_fixed = np.array_equal(source.shifts.expected_width, fixed.expected_width)
    assert as_fixed == (prior == "fixed")
    curve = motion_curve(joined, 0)
    assert curve.reselected.quality == round(curve.quality, 4)  # the course that gave these frames


def test_groups_differ_only_where_a_difference_was_planted(done):
    differences = json.loads((done / "bias.json").read_text())["differences"]
    by = {(d["grouping"], d["key"]): d for d in differences}
    assert by["group", "offset"]["bias_interval"][1] < 0
    assert not by["group", "onset"]["differs"]
    assert not by["group", "apex"]["differs"]


def test_the_corrected_workbook_matches_keyframes_csv(done, root):
    spec = get_spec("cas2")
    original = find_workbook(spec, root)
    again = read_annotations(spec, done / f"{original.stem}_reselected.xlsx", "c7")
    with (done / "keyframes.csv").open(newline="") as lines:
        rows = {f"{row['subject']}/{row['clip']}": row for row in csv.DictReader(lines)}
    assert len(again.clips) == len(rows) == 24
    for clip in again.clips:
        row = rows[clip.id]
        numbers = tuple(int(row[f"reselected_{key}"]) for key in ("onset", "apex", "offset"))
        assert clip.annotated.numbers == numbers


def test_tables_and_figures_are_written(done):
    text = (done / "bias.md").read_text()
    assert "Above 0 the annotation is late" in text
    for name in ("By dataset", "By emotion", "By subject", "By group", "Are offsets less certain?"):
        assert f"## {name}" in text
    pictures = sorted(path.name for path in done.glob("*.png"))
    assert pictures == [
        *("bias_emotion.png", "bias_group.png", "bias_subject.png", "film_strip.png"),
        *("motion_curves.png", "review.png", "shifts.png", "uncertainty.png"),
    ]
    for name in pictures:
        assert f"({name})" in text
        image = cv2.imread(str(done / name))
        assert min(image.shape[:2]) > 300
        assert np.ptp(image) > 200
    assert not framed(done / "review.png")
    with (done / "shifts.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 24 * 3
    for row in rows:
        assert float(row["shift_frames"]) == int(row["reselected"]) - int(row["annotated"])
        assert float(row["shift_ms"]) == 10 * float(row["shift_frames"])
        assert float(row["low"]) <= float(row["high"])


@pytest.mark.parametrize("name", ["clips", "draws", "train-draws", "test_draws", "jitter"])
def test_an_option_without_effect_is_refused(name, capsys):
    assert main(["bias", "--data-root", "x", f"--reselection.{name}", "1"]) == 2
    assert f"--reselection.{name.replace('_', '-')} has no effect" in capsys.readouterr().err


def test_errors_name_the_mistake(done, root, cache, tmp_path, capsys):
    words = ["bias", "--data-root", str(root), "--cache", str(cache)]
    words += ["--output", str(tmp_path)]
    groups = tmp_path / "groups.csv"
    for text, message in (
        ("person,group\n01,A\n", "row 1: the columns are person, group"),
        ("subject,coder\n1,A\n2,B\n", "18 clip(s) have no coder: of cas2/03, cas2/04"),
        ("subject,coder\n1,A\n01,B\n", "row 3: 01 is in 'B', but in 'A' in an earlier row"),
        ("dataset,subject,coder\nother,1,A\n", "have no coder"),
    ):
        groups.write_text(text)
        assert main([*words, "--groups", str(groups)]) == 2
        assert message in capsys.readouterr().err
    # The file is read before anything is measured.
    assert main(["bias", "--data-root", "x", "--groups", str(tmp_path / "none.csv")]) == 2
    assert "Check --groups." in capsys.readouterr().err
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert main([*words, "--groups", str(tmp_path / "pipe")]) == 2
        assert "a pipe or a device" in capsys.readouterr().err
    assert main([*words, "--fps", "-1"]) == 2
    assert "--fps is -1.0" in capsys.readouterr().err
    assert main(["bias", "--output", str(tmp_path)]) == 2
    assert "--data-root" in capsys.readouterr().err


def test_annotators_are_learned_apart(root, cache, tmp_path, monkeypatch):
    monkeypatch.setattr("gamdss.reselection.motion.learned.LEAST_CLIPS", 4)
    words = ["bias", "--data-root", str(root), "--cache", str(cache), "--output", str(tmp_path)]
    words += ["--reselection.prior", "dataset", "--reselection.annotators", str(root / GROUPS)]
    assert main(words) == 0
    text = (tmp_path / "bias.md").read_text()
    late, spread = {}, {}
    for name, of in (("both", ""), ("A", ", A"), ("B", ", B")):
        found = re.search(rf"prior dataset\){of}: .*, offset ([+-][\d.]+) ± ([\d.]+)%", text)
        late[name], spread[name] = map(float, found.groups())
    # What both have in common is small here, and taken for nothing; it shows in their spread.
    assert late["A"] <= late["both"] < late["B"]
    assert spread["both"] > max(spread["A"], spread["B"])
    assert late["B"] > LATE / 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,clip,coder\n1,a,A\n", "annotators are needed by subject in one column"),
        ("subject,coder,site\n1,A,x\n", "annotators are needed by subject in one column"),
        ("subject,coder\n1,A\n2,B\n", "18 clip(s) have no coder: of cas2/03, cas2/04"),
    ],
)
def test_a_list_of_annotators_must_name_one_for_each_subject(
    text, message, root, cache, tmp_path, capsys
):
    file = tmp_path / "coders.csv"
    file.write_text(text)
    words = ["bias", "--data-root", str(root), "--cache", str(cache), "--output", str(tmp_path)]
    assert main([*words, "--reselection.annotators", str(file)]) == 2
    assert "It must be omitted, or with" in capsys.readouterr().err  # the prior is fixed here
    words += ["--reselection.prior", "dataset"]
    assert main([*words, "--reselection.annotators", str(file)]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "coders.csv" in said
    assert main([*words, "--reselection.annotators", str(tmp_path / "none.csv")]) == 2
    assert "Check --reselection.annotators" in capsys.readouterr().err
