"""Figures and tables of an annotation's bias, from sampled shifts."""

import cv2
import numpy as np
import pytest

from gamdss.records import Clip, KeyFrames
from gamdss.report import motion_curve
from gamdss.report.motion_curve import Curve, motion_curves
from gamdss.reselection.motion.course import USUAL, strength
from gamdss.studies.bias import Grouping, join_shifts, measure_shifts, study_shifts
from gamdss.studies.bias.figures import group_biases, shift_distributions, uncertainty
from gamdss.studies.bias.report import bias_markdown, bias_summary

pytestmark = pytest.mark.slow


def shifts_of(dataset, late, fps=200, midpoint=False, clips=40):
    """Offsets labelled `late` frames late of a falling phase of 60, apexes and onsets right."""
    rng = np.random.default_rng(list(dataset.encode()))
    given, found = [], []
    for i in range(clips):
        moved = np.round(rng.normal((0, 0, -late), (3, 4, 9))).astype(int)
        keys = KeyFrames(20, 60, 120, estimated=("apex",) if midpoint else ())
        numbers = tuple(int(n) for n in np.array(keys.numbers) + moved)
        ends = tuple((n - 4, n + 4) for n in numbers)
        emotion = ("joy", "fear", "others")[i % 3]
        given.append(Clip(dataset, f"{i % 8:02d}", f"c{i}", keys, emotion))
        found.append(KeyFrames(*numbers, intervals=ends, kept=() if i % 9 else ("onset",)))
    return measure_shifts(given, found, fps)


@pytest.fixture(scope="module")
def several():
    parts = [shifts_of("cas2", 0), shifts_of("samm", 15), shifts_of("smic", 5, 0, midpoint=True)]
    shifts = join_shifts(parts)
    half = np.where(np.arange(len(shifts)) % 8 < 4, "east", "west")
    truth = shifts.annotated + np.array((0, 0, -3.0))
    cultures = [Grouping("culture", half)]
    return study_shifts("three datasets", shifts, cultures, truth, ["a note"], 100)


def test_figures_are_reproducible(several, tmp_path):
    for name, draw in (
        ("shifts", shift_distributions),
        ("uncertainty", uncertainty),
        ("emotion", lambda path, found: group_biases(path, found, "emotion")),
        ("subject", lambda path, found: group_biases(path, found, "subject")),
    ):
        paths = [tmp_path / f"{name}_{i}.png" for i in (1, 2)]
        for path in paths:
            draw(path, several)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        image = cv2.imread(str(paths[0]))
        assert image.shape[1] > 1200
        assert np.ptp(image) == 255


@pytest.mark.parametrize("widest", [100, 0])
def test_intervals_end_inside_or_in_an_arrow(tmp_path, monkeypatch, widest):
    shown = []
    monkeypatch.setattr("gamdss.studies.bias.figures._WIDEST", widest)
    monkeypatch.setattr("gamdss.studies.bias.figures.save", lambda figure, _: shown.append(figure))
    found = study_shifts("few clips", shifts_of("samm", 2, clips=32), draws=100)
    group_biases(tmp_path / "a.png", found, "subject")
    beyond = 0
    for axes in shown[0].axes:
        low, high = axes.get_xlim()
        points = [(line, np.array(line.get_xydata())) for line in axes.lines]
        arrows = {tuple(xy[0]) for line, xy in points if line.get_marker() in ("<", ">")}
        for line, xy in points:
            (first, height), (last, _) = xy[0], xy[-1]
            if line.get_linewidth() == 2 and first < last:
                assert low <= first or (low, height) in arrows
                assert last <= high or (high, height) in arrows
                beyond += (first < low) + (last > high)
    assert (beyond > 0) == (widest == 0)


def test_the_conclusions_are_sentences(several):
    text = bias_summary(several)
    assert "three datasets: 120 clips of 24 subjects" in text
    assert "by dataset: offset of cas2" in text
    assert "earlier than of samm" in text
    assert "by culture: no difference shown" in text
    assert "note: a note" in text
    assert "true bias %" in text
    full = bias_markdown(several, {"A picture": "a.png"})
    assert "![A picture](a.png)" in full
    assert "## By culture" in full
    assert "nan" not in full


def test_few_subjects_are_named_and_nothing_is_concluded():
    clips = [Clip("cas2", f"{i % 3}", f"c{i}", KeyFrames(20, 60, 120), "joy") for i in range(24)]
    rng = np.random.default_rng(0)
    found = [KeyFrames(20, 60, 100 + int(n)) for n in rng.integers(0, 9, 24)]
    parts = Grouping("coder", np.where(np.arange(24) % 2, "A", "B"))
    study = study_shifts("few", measure_shifts(clips, found, 200), [parts], draws=50)
    text = bias_summary(study)
    assert "Too few subjects for intervals (3; it takes 4 or more)." in text
    assert "[" not in text
    assert "cas2: too few subjects to compare offsets with other key frames" in text
    assert "by coder: too few subjects to compare groups" in text
    assert "Fewer than two groups have enough subjects." in bias_markdown(study, {})


def test_groups_that_are_not_compared_are_named():
    shifts = join_shifts([shifts_of("cas2", 0), shifts_of("samm", 15)])
    people = np.array([int(person) for person in shifts.subject])
    coder = np.where(shifts.dataset == "cas2", "A", np.where(people < 5, "B", "C"))
    study = study_shifts("few", shifts, [Grouping("coder", coder)], draws=50)
    named = "not compared, too few subjects: C (onset, apex, offset)"
    assert named in bias_summary(study)
    assert named in bias_markdown(study, {})
    assert {(d.a, d.b) for d in study.differences if d.grouping == "coder"} == {("A", "B")}


def test_a_midpoint_does_not_count_as_annotation(several):
    keys = {(b.group, b.key) for b in several.of("dataset")}
    assert ("smic", "offset") in keys
    assert ("smic", "apex") not in keys
    smic = next(b for b in several.of("dataset") if (b.group, b.key) == ("smic", "offset"))
    assert np.isnan(smic.pooled["ms"].mean)
    assert smic.pooled["percent"].mean == pytest.approx(100 * 5 / 60, abs=5)
    assert {t.unit for t in several.offsets if t.dataset == "smic"} == {"frames", "percent"}


def test_plain_values_have_no_nan(several):
    values = several.as_dict()
    assert values["clips"] == 120
    assert "NaN" not in str(values)
    assert "nan" not in str(values)


def test_motion_curves(tmp_path):
    times = np.arange(1, 100)
    course = strength(np.array([[20, 50, 90, *USUAL.mean]]), times)[0]
    level = 3 * course + np.random.default_rng(0).normal(0, 0.1, 99) - 1
    annotated = KeyFrames(20, 56, 80)
    found = KeyFrames(20, 50, 88, (), ((18, 23), (48, 52), (84, 93)))
    curves = [
        Curve("with intervals", times, level, course, annotated, found, KeyFrames(20, 50, 90)),
        Curve("without", times, level, course, annotated, KeyFrames(20, 56, 80)),
    ]
    paths = tmp_path / "a.png", tmp_path / "b.png"
    motion_curves(paths[0], curves)
    motion_curves(paths[1], curves[:1])
    both, one = (cv2.imread(str(path)).shape for path in paths)
    assert both[1] == one[1]
    assert both[0] > 1.5 * one[0]


def test_motion_curves_show_apex_phases(tmp_path, monkeypatch):
    figures, times = [], np.arange(1, 100)
    monkeypatch.setattr(motion_curve, "save", lambda figure, _: figures.append(figure))
    course = strength(np.array([[20, 50, 90, *USUAL.mean]]), times)[0]
    for phase in ((38, 61), None):
        keys = KeyFrames(20, 50, 90, apex_phase=phase)
        motion_curves(tmp_path / "a.png", [Curve("a", times, course, course, None, keys)])
        (panel,), (legend,) = figures[-1].axes, figures[-1].legends
        lines = [line for line in panel.lines if tuple(line.get_xdata()) == (38, 61)]
        assert len(lines) == (phase is not None)
        named = [text.get_text() for text in legend.get_texts()]
        assert ("apex phase" in named) == (phase is not None)
