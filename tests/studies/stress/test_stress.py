"""The stress test: correct numbers, files that survive an interruption, tables and figure."""

import csv
import json
import re

import numpy as np
import pytest
from scipy import stats

from gamdss.cli import main
from gamdss.data import clip_pool
from gamdss.records import KEYS
from gamdss.reselection import needed_frames, spot
from gamdss.reselection.motion.annotator import usual_phases
from gamdss.reselection.motion.course import USUAL, strength
from gamdss.reselection.motion.fit import see_motion
from gamdss.reselection.motion.learned import Learned
from gamdss.reselection.spotting import fit_spotted
from gamdss.studies.stress import cells as stress
from gamdss.studies.stress import clip as stress_clip
from gamdss.studies.stress.cells import FACTORS, MIDDLE, cells, middle
from gamdss.studies.stress.clip import (
    SEED,
    WAYS,
    ClipResult,
    draw_annotation,
    finish_clips,
    known_shape_fit,
    measure_clip,
    stretched,
)
from gamdss.studies.stress.figure import stress_figure
from gamdss.studies.stress.numbers import cell_numbers, clip_errors
from gamdss.studies.stress.report import verdict, write_markdown

pytestmark = pytest.mark.slow

TINY = ("--height", "80", "--width", "96")


def options(output, *more):
    words = ("--cells", "blink", "--clips", "2", "--workers", "1", "--output", str(output))
    return ["stress", *TINY, *words, *more]


def run(words):
    """The command, on clips of few frames."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stress, "MIDDLE_FPS", 60.0)
        return main(words)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Folder of a finished test, its clips as they were measured, and the frames of each."""
    output, measured, frames = tmp_path_factory.mktemp("stress"), [], []

    def measure(config, usual, index):
        measured.append((config, usual, measure_clip(config, usual, index)))
        return measured[-1][-1]

    def spotted(images):
        frames.append(images)
        return fit_spotted(images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stress, "measure_clip", measure)
        patch.setattr(stress_clip, "fit_spotted", spotted)
        assert run(options(output)) == 0
    return output, measured, frames


@pytest.fixture(scope="module")
def finished(done):
    return done[0]


def stored(file):
    """A cell without the seconds, which no two runs share, and their checksum."""
    cell = json.loads(file.read_text("utf-8"))
    del cell["checksum"]
    for clip in cell["clips"]:
        assert clip.pop("seconds") > 0
    return cell


def result(motion, annotation=(95, 130, 170), intervals=((98, 101), (119, 121), (150, 155))):
    found = {**dict.fromkeys(WAYS, annotation), "motion": motion}
    stated = {"motion": intervals, "spotted": ((99, 100), (121, 125), (150, 160))}
    return ClipResult((100, 120, 160), found, stated, 0.5, "power")


def test_errors_are_shares_of_their_phases():
    clips = [result((101, 118, 164)), result((98, 120, 160), intervals=None)]
    assert clip_errors(clips, "motion").tolist() == [[5, 10, 10], [10, 0, 0]]
    numbers = cell_numbers(clips)
    assert [numbers.errors["annotation"][key].mean for key in KEYS] == [25, 50, 25]
    assert [numbers.errors["motion"][key].mean for key in KEYS] == [7.5, 5, 5]
    assert [numbers.gain[key].mean for key in KEYS] == [-17.5, -45, -20]
    assert numbers.errors["motion"]["onset"].interval is None  # of two clips
    assert numbers.coverage["motion"] == {"onset": 1.0, "apex": 1.0, "offset": 0.0}
    assert numbers.coverage["spotted"] == {"onset": 1.0, "apex": 0.0, "offset": 1.0}
    assert numbers.seconds == 0.5
    assert not any(numbers.fails(key) for key in KEYS)


def test_an_interval_is_students_and_of_enough_clips():
    clips = [result((100 + moved, 120, 160)) for moved in (1, 2, 3, 6)]
    onset = cell_numbers(clips).errors["motion"]["onset"]
    assert onset.mean == 15
    errors = [5.0, 10, 15, 30]
    assert onset.interval[1] == pytest.approx(stats.t.interval(0.95, 3, 15, stats.sem(errors))[1])
    assert onset.interval[0] == 0  # an error is not below 0
    assert cell_numbers(clips).gain["onset"].interval[0] < -25
    for few in (2, 3):
        numbers = cell_numbers([result((120, 121, 160), (100, 121, 161))] * few)
        assert not any(numbers.fails(key) for key in KEYS)
        (first, *rest) = verdict({"blink_no": numbers, "blink_yes": numbers}, ["blink"])
        assert (
            first
            == f"Too few clips for intervals ({few}; it takes 4 or more). Nothing is concluded."
        )
        assert not rest


def test_a_failure_is_one_beyond_the_interval():
    worse = [result((120 - i, 121, 160), annotation=(100, 121, 161)) for i in range(6)]
    numbers = cell_numbers(worse)
    assert [numbers.fails(key) for key in KEYS] == [True, False, False]
    now_and_then = [result((100, 120, 160)), result((90, 140, 190))]
    assert not any(cell_numbers(now_and_then).fails(key) for key in KEYS)


def test_no_stated_interval_no_coverage():
    assert cell_numbers([result((1, 2, 3), intervals=None)]).coverage["motion"]["apex"] is None


def test_failures_are_marked_and_described(tmp_path):
    labels = [(95, 130, 170), (94, 131, 171)] * 2
    good = cell_numbers([result((100, 120, 160), label) for label in labels])
    bad = cell_numbers([result((80 + i, 120, 160), label) for i, label in enumerate(labels)])
    numbers = {"blink_no": good, "blink_yes": bad}
    words = "\n".join(verdict(numbers, ["blink"]))
    assert "better than the annotation, by more than the interval, in 5 of 6" in words
    assert "- onset, blink yes: 92.5% against 27.5% of the annotation, worse by 65.0" in words
    write_markdown(numbers, ["blink"], "stress.png", tmp_path / "stress.md")
    text = (tmp_path / "stress.md").read_text("utf-8")
    assert "If 80% of all intervals contain the truth, " in text
    assert text.count("✗ |") == 1
    nowhere = verdict({"blink_no": good, "blink_yes": good}, ["blink"])
    assert nowhere[-1].startswith("It is nowhere worse")


@pytest.mark.parametrize(
    ("clips", "words"),
    [(4, "band or bar: 95% interval for other clips (4 a cell)"), (3, "too few clips for")],
)
def test_the_figure_says_what_its_bands_are(tmp_path, monkeypatch, clips, words):
    drawn = []
    monkeypatch.setattr("gamdss.studies.stress.figure.save", lambda figure, _: drawn.append(figure))
    cell = cell_numbers([result((100 + i, 120, 160)) for i in range(clips)])
    stress_figure({"blink_no": cell, "blink_yes": cell}, ["blink"], tmp_path / "stress.png")
    (legend,) = drawn[0].legends
    assert words in " ".join(text.get_text() for text in legend.get_texts())


def test_cells_leave_the_middle_by_one_factor():
    every = cells(list(FACTORS))
    assert every[0].name == MIDDLE
    assert len({cell.name for cell in every}) == len(every)
    for cell in every[1:]:
        changed = cell.config(340, 280)
        assert changed != middle()
        factor = cell.name.partition("_")[0]
        fields = {name.replace("annotator", "") for name in cell.settings}
        if factor != "annotator":
            assert fields == {factor}
    for factor in FACTORS.values():
        assert {name for _, name in factor.levels} <= {cell.name for cell in every}


def test_stretching_a_course_moves_its_key_frames():
    times = np.arange(0, 101)
    curve = np.interp(times, [20, 50, 90], [0, 1, 0], left=0, right=0)
    moved = stretched(np.array([[10.0, 30, 60]]), times, (20, 50, 90), (times, curve))
    assert np.allclose(moved[0], np.interp(times, [10, 30, 60], [0, 1, 0]), atol=1e-6)


def test_the_bound_finds_key_frames_whose_shape_it_knows():
    times = np.arange(1, 131)
    rng = np.random.default_rng(0)
    curve = strength(np.array([[30.0, 60, 100, *USUAL.mean]]), times)[0]
    level = 3 * curve + 0.02 * rng.standard_normal(len(times)) + 0.01 * times
    for annotated in ((24, 66, 108), (34, 54, 92), (30, 60, 100)):
        found = known_shape_fit(level, times, annotated, (30, 60, 100), (times, curve))
        assert np.abs(np.subtract(found, (30, 60, 100))).max() <= 1
    same = known_shape_fit(level, times, annotated, (30, 60, 100), (times, curve))
    assert same == found


@pytest.fixture(scope="module")
def clean():
    """Clips of one person with hardly a disturbance."""
    config = stress_clip.SynthConfig(
        **{"height": 96, "width": 80, "fps": 100.0, "margin_ms": 150.0, "course": ["power"]},
        **{"noise": 0.5, "flicker": 0.0, "illumination": 0.0, "drift": 0.0, "blink": 0.0},
    )
    usual = usual_phases([draw_annotation(config, index).numbers for index in range(4)])
    return finish_clips([measure_clip(config, usual, index) for index in range(4)])


def test_the_bound_is_not_above_motion_on_clean_clips(clean):
    bound, motion = (clip_errors(clean, way).mean() for way in ("bound", "motion"))
    assert bound <= motion + 0.5
    assert bound < 0.6 * clip_errors(clean, "annotation").mean()
    assert {clip.family for clip in clean} == {"power"}


def test_motion_is_measured_as_in_training(done):
    _, measured, frames = done
    config, usual, clip = measured[1]
    images = frames[1]
    keys = draw_annotation(config, 1)
    span = needed_frames(*keys.numbers, "motion")
    seen = see_motion({n: images[n] for n in span if n in images}, keys, usual)
    (found,) = finish_clips([clip])
    assert found.found["annotation"] == keys.numbers
    assert found.found["motion"] == seen.under(Learned()).keys.numbers  # one clip teaches nothing
    assert found.intervals["motion"] == seen.under(Learned()).keys.intervals
    assert found.intervals["spotted"] == spot(images).intervals
    assert ClipResult.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_another_seed_gives_other_people_and_clips():
    cell = stress.cells(["noise"])[0]
    usual, other = (stress.StressSizes(clips_seed=seed).config(cell) for seed in (SEED, 5))
    assert usual == stress.StressSizes().config(cell)
    assert draw_annotation(usual, 0) != draw_annotation(other, 0)


def test_tables_and_figure_are_written(finished):
    with (finished / "stress.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["level"] for row in rows} == {"no", "yes"}
    derived = {"motion minus annotation", "motion, intervals held", "spotted, intervals held"}
    assert {row["way"] for row in rows} >= set(WAYS) | derived
    for row in rows:
        if row["low"]:
            assert float(row["low"]) <= float(row["error"]) <= float(row["high"])
    text = (finished / "stress.md").read_text("utf-8")
    assert "2 cells of 2 synthetic clips each" in text
    assert "Too few clips for intervals" in text
    assert " to " not in text.partition("## How to read")[0].partition("## Onset")[2]
    assert "| blink    | yes" in text
    assert (finished / "stress.png").read_bytes()[:4] == b"\x89PNG"


def test_an_interrupted_run_resumes_with_the_same_result(done, tmp_path, monkeypatch, capsys):
    finished, measured, _ = done
    known = iter(measured[:3])

    def until_the_third(_config, _usual, _index):
        if (clip := next(known, None)) is None:
            raise KeyboardInterrupt
        return clip[-1]

    with monkeypatch.context() as patch:
        patch.setattr(stress, "measure_clip", until_the_third)
        assert run(options(tmp_path)) == 130
    assert "the same command resumes" in capsys.readouterr().err
    first, second = (tmp_path / "cells" / f"blink_{level}.json" for level in ("no", "yes"))
    assert not second.exists()
    before = first.read_bytes()
    # The second cell is measured by other processes, one for each clip.
    made, pool = [], clip_pool.ProcessPoolExecutor
    with monkeypatch.context() as patch:
        patch.setattr(stress, "CLIPS_PER_PERSON", 1)
        patch.setattr(
            clip_pool, "ProcessPoolExecutor", lambda *n, **how: made.append(n) or pool(*n, **how)
        )
        assert run(options(tmp_path, "--workers", "2")) == 0
    assert made == [(2,)]
    assert first.read_bytes() == before
    assert stored(second) == stored(finished / "cells" / second.name)
    for name in ("stress.csv", "stress.png"):
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()
    text = (tmp_path / "stress.md").read_bytes()
    assert run(options(tmp_path)) == 0
    assert (tmp_path / "stress.md").read_bytes() == text


def test_cells_of_other_tests_are_refused(finished, tmp_path, monkeypatch, capsys):
    assert run(options(finished, "--clips", "3")) == 2
    assert (
        "the cell has other settings (number_of_clips: 2 stored, 3 current)"
        in capsys.readouterr().err
    )
    assert run(options(finished, "--between-frames", "false")) == 2
    assert "(settings.between_frames: True stored, False current)" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr(stress, "METHOD", stress.METHOD + 1)
        assert run(options(finished)) == 2
    assert f"method: {stress.METHOD} stored" in capsys.readouterr().err
    broken = tmp_path / "cells" / "blink_no.json"
    broken.parent.mkdir()
    cell = (finished / "cells" / broken.name).read_text("utf-8")
    for text in ("{}", "[1]", cell[:-9], re.sub(r'("true": \[\s*)', r"\g<1>1", cell)):
        broken.write_text(text)
        assert run(options(tmp_path)) == 2
        assert "incomplete or corrupt cell" in capsys.readouterr().err


def test_a_folder_of_other_files_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("")
    assert run(options(tmp_path)) == 2
    assert "contains thesis.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cells", "nois"), "Did you mean 'noise'"),
        (("--clips", "1"), "--clips is 1\nIt must be 2 or more"),
        (("--workers", "-1"), "--workers is -1"),
        (("--width", "10"), "--width is 10"),
    ],
)
def test_errors_name_the_mistake(tmp_path, capsys, words, message):
    assert run(options(tmp_path, *words)) == 2
    assert message in capsys.readouterr().err
