"""A synthetic dataset: native layout, true key frames, reproducible by its seed."""

import csv
import fcntl
import math
import signal
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import yaml

from gamdss import demo
from gamdss.data.annotations import read_annotations
from gamdss.data.decoding import decode
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import FOLDER, get_spec, spec_names
from gamdss.data.truth import GROUND_TRUTH, MANIFEST
from gamdss.data.workbook import find_workbook
from gamdss.errors import ConfigError, RunError
from gamdss.synthetic import TRUE_ANNOTATION, SynthConfig, dataset, write_dataset
from gamdss.synthetic.dataset import _plans
from gamdss.synthetic.settings import COURSES, FAULTS

SPEC = get_spec("cas2")
QUIET = SynthConfig(
    subjects=2,
    clips_per_subject=5,
    height=96,
    width=80,
    fps=60,
    amplitude=(2.5, 2.5),
    plateau_ms=(0, 0),
    noise=0,
    flicker=0,
    illumination=0,
    drift=0,
    blink=0,
    jpeg_quality=100,
    seed=5,
)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("quiet") / "cas2", QUIET, progress=False)


def truth(root):
    with (root / GROUND_TRUTH).open(newline="") as file:
        return list(csv.DictReader(file))


def files(root):
    return {p.relative_to(root): p.read_bytes() for p in root.rglob("*.jpg")}


def test_the_layout_is_the_native_one(quiet):
    book = openpyxl.load_workbook(quiet / "CASME2-coding-20241216.xlsx")
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0] == SPEC.header
    assert len(rows) == 11
    read = read_annotations(SPEC, quiet / "CASME2-coding-20241216.xlsx", "c5")
    finder = FrameFinder(SPEC, quiet)
    for clip, row in zip(read.clips, truth(quiet), strict=True):
        found = finder.find(clip)
        assert found.folder == quiet / "Cropped" / f"sub{clip.subject}" / clip.name
        numbers = list(found.files)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert found.files[numbers[0]].name == f"reg_img{numbers[0]}.jpg"
        assert numbers[0] < int(row["onset"]) < int(row["apex"]) < int(row["offset"]) < numbers[-1]
        assert clip.annotated.numbers == tuple(
            int(row[f"annotated_{name}"]) for name in ("onset", "apex", "offset")
        )


def test_a_perfect_annotator_writes_the_truth(quiet):
    name = f"{TRUE_ANNOTATION}/CASME2-coding-20241216.xlsx"
    read = read_annotations(SPEC, find_workbook(SPEC, quiet, Path(name)), "c5")
    annotated = read_annotations(SPEC, find_workbook(SPEC, quiet), "c5")
    assert [clip.id for clip in read.clips] == [clip.id for clip in annotated.clips]
    for clip, row in zip(read.clips, truth(quiet), strict=True):
        true = tuple(int(row[key]) for key in ("onset", "apex", "offset"))
        assert clip.annotated.numbers == true
    assert any(a.annotated != b.annotated for a, b in zip(read.clips, annotated.clips, strict=True))


def test_every_subject_shows_every_emotion(quiet):
    for subject in ("01", "02"):
        shown = [row["emotion"] for row in truth(quiet) if row["subject"] == subject]
        assert sorted(shown) == sorted(SPEC.tasks["c5"].classes)


def test_movement_peaks_at_the_true_apex_and_is_zero_outside(quiet):
    read = read_annotations(SPEC, quiet / "CASME2-coding-20241216.xlsx", "c5")
    finder = FrameFinder(SPEC, quiet)
    for clip, row in zip(read.clips, truth(quiet), strict=True):
        frames = {n: decode(p, True).astype(float) for n, p in finder.find(clip).files.items()}
        onset, apex, offset = (int(row[name]) for name in ("onset", "apex", "offset"))
        moved = {n: np.abs(frame - frames[onset]).mean() for n, frame in frames.items()}
        assert max(moved, key=moved.__getitem__) == apex
        still = [moved[n] for n in frames if n <= onset or n >= offset]
        assert max(still) == 0
        assert moved[apex] > 0.2


def test_emotions_move_different_regions(quiet):
    read = read_annotations(SPEC, quiet / "CASME2-coding-20241216.xlsx", "c5")
    finder = FrameFinder(SPEC, quiet)
    upper = {}
    for clip, row in zip(read.clips, truth(quiet), strict=True):
        found = finder.find(clip).files
        a, b = (decode(found[int(row[k])], True).astype(float) for k in ("onset", "apex"))
        energy = ((a - b) ** 2).sum(axis=(1, 2))
        upper.setdefault(clip.emotion, []).append(energy[:46].sum() / energy.sum())
    assert min(upper["others"]) > 0.8
    assert min(upper["surprise"]) > 0.5
    assert max(upper["repression"]) < 0.2


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files_with_any_number_of_threads(quiet, tmp_path):
    one = write_dataset(tmp_path / "one", replace(QUIET, workers=1), progress=False)
    assert files(one) == files(quiet)
    assert (one / GROUND_TRUTH).read_bytes() == (quiet / GROUND_TRUTH).read_bytes()
    other = write_dataset(tmp_path / "other", replace(QUIET, seed=6), progress=False)
    assert files(other).keys() != files(quiet).keys()


@pytest.mark.slow
def test_disturbances_change_frames_but_neither_truth_nor_people(quiet, tmp_path):
    noisy = replace(QUIET, noise=3, flicker=2, illumination=3, drift=1, blink=1, jpeg_quality=80)
    root = write_dataset(tmp_path / "noisy", noisy, progress=False)
    assert (root / GROUND_TRUTH).read_bytes() == (quiet / GROUND_TRUTH).read_bytes()
    before, after = files(quiet), files(root)
    assert before.keys() == after.keys()
    assert all(before[name] != after[name] for name in before)


@pytest.mark.slow
def test_the_annotator_has_the_requested_bias_and_jitter(tmp_path):
    config = SynthConfig(
        subjects=1,
        clips_per_subject=40,
        height=32,
        width=32,
        fps=100,
        onset_bias=0.1,
        apex_bias=-0.2,
        offset_bias=0.2,
        margin_ms=200,
        seed=1,
    )
    rows = truth(write_dataset(tmp_path / "biased", config, progress=False))
    number = {k: np.array([int(row[k]) for row in rows]) for k in rows[0] if k.endswith("set")}
    number |= {k: np.array([int(row[k]) for row in rows]) for k in ("apex", "annotated_apex")}
    rise, fall = number["apex"] - number["onset"], number["offset"] - number["apex"]
    for name, phase, bias, jitter in (
        ("onset", rise, 0.1, 0.09),
        ("apex", rise, -0.2, 0.12),
        ("offset", fall, 0.2, 0.15),
    ):
        error = (number[f"annotated_{name}"] - number[name]) / phase
        assert abs(error.mean() - bias) < 0.06, name
        assert abs(error.std() - jitter) < 0.05, name


def test_an_existing_dataset_is_kept_and_other_files_are_refused(quiet, tmp_path):
    stamp = (quiet / GROUND_TRUTH).stat().st_mtime_ns
    assert write_dataset(quiet, QUIET, progress=False) == quiet
    assert (quiet / GROUND_TRUTH).stat().st_mtime_ns == stamp
    with pytest.raises(RunError, match=r"other settings \(seed: \d+ stored, 9 current\)"):
        write_dataset(quiet, replace(QUIET, seed=9), progress=False)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="something else"):
        write_dataset(tmp_path, QUIET, progress=False)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_dataset_of_an_earlier_version_is_kept(tmp_path):
    root = tmp_path / "old"
    root.mkdir()
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(QUIET).items()}
    del values["workers"], values["between_frames"]  # a setting that it did not have
    (root / MANIFEST).write_text(yaml.safe_dump(values))
    assert write_dataset(root, QUIET, progress=False) == root
    with pytest.raises(RunError, match="other settings"):
        write_dataset(root, replace(QUIET, between_frames=True), progress=False)
    for text in ("", "[1, 2]", "seed: [", "\xff"):
        (root / MANIFEST).write_text(text, encoding="latin-1")
        with pytest.raises(RunError, match="other settings"):
            write_dataset(root, QUIET, progress=False)


def test_clips_of_another_generator_are_others(tmp_path, monkeypatch):
    root = write_dataset(tmp_path / "made", QUIET, progress=False)
    small = tmp_path / "small.yaml"
    small.write_text("{subjects: 1, clips_per_subject: 1, height: 32, width: 32, fps: 50}")
    demo_root = demo.dataset(tmp_path, "smic", ["positive"], small, progress=False)
    monkeypatch.setattr(dataset, "GENERATOR", 99)
    monkeypatch.setattr(demo, "GENERATOR", 99)
    with pytest.raises(RunError, match="generator: 1 stored, 99 current"):
        write_dataset(root, QUIET, progress=False)
    assert demo.dataset(tmp_path, "smic", ["positive"], small, progress=False) != demo_root


def test_another_spec_in_the_same_file_is_another_dataset(tmp_path):
    file = tmp_path / "lab.yaml"
    values = yaml.safe_load((FOLDER / "smic.yaml").read_text("utf-8"))
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    config = replace(QUIET, dataset=str(file), emotions=None)
    root = write_dataset(tmp_path / "made", config, progress=False)
    assert write_dataset(root, config, progress=False) == root
    file.write_text(yaml.safe_dump({**values, "fps": 50}), encoding="utf-8")
    with pytest.raises(RunError, match=r"other settings \(spec: '\w+' stored, '\w+' current\)"):
        write_dataset(root, config, progress=False)


@pytest.mark.parametrize(
    "change",
    [
        {"layouts": {"raw": {"folders": ["../../{clip}"], "file": "{frame}.jpg"}}},
        {"layouts": {"raw": {"folders": ["{clip}"], "file": "../../{frame}.jpg"}}},
        {"workbooks": ["../../book.xlsx"]},
        {"writing": {"clip": "../../../{n}"}},
    ],
)
def test_a_spec_cannot_write_outside_the_output(tmp_path, change):
    spec = yaml.safe_load((FOLDER / "cas2.yaml").read_text("utf-8")) | change
    own = tmp_path / "own.yaml"
    own.write_text(yaml.safe_dump(spec), encoding="utf-8")
    sizes = {"subjects": 1, "clips_per_subject": 1, "height": 32, "width": 32}
    with pytest.raises(ConfigError, match=r"plain name|path in the dataset's folder"):
        write_dataset(
            tmp_path / "a" / "b" / "out", replace(QUIET, dataset=str(own), **sizes), progress=False
        )
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} <= {"own.yaml", ".out.lock"}


@pytest.mark.parametrize(
    ("spec", "layout", "most"),
    [
        ("cas3", "videos", 78),
        ("cas3", "clips", 78),
        ("casme2sq", "raw", 200),
        ("cas3c", "cut", 1000),
    ],
)
def test_more_clips_than_names_are_refused(tmp_path, spec, layout, most):
    config = SynthConfig(dataset=spec, layout=layout, subjects=1, clips_per_subject=most)
    list(_plans(get_spec(spec), config))
    with pytest.raises(ConfigError, match=f"names for {most} clips"):
        write_dataset(tmp_path / "many", replace(config, clips_per_subject=most + 1), False)
    assert not (tmp_path / "many").exists()


@pytest.mark.slow
def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def broken(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset, "write_workbook", broken)
    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "cas2", QUIET, progress=False)
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_interrupting_a_waiting_process_leaves_what_another_one_writes(tmp_path):
    written = tmp_path / ".cas2.partial" / "frame.jpg"
    written.parent.mkdir()
    written.write_text("of the other process")

    def interrupt(*args):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with (tmp_path / ".cas2.lock").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(KeyboardInterrupt):
                write_dataset(tmp_path / "cas2", QUIET, progress=False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert written.is_file()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"subjects": 0}, "--subjects is 0"),
        ({"height": 8}, "--height is 8"),
        ({"amplitude": (3, 1)}, r"--amplitude is \[3.0, 1.0\]"),
        ({"rise_ms": (-1, 1)}, "--rise-ms"),
        ({"rise_ms": (1, math.inf)}, "--rise-ms"),
        ({"noise": -1}, "--noise is -1"),
        ({"margin_ms": math.inf}, "--margin-ms is inf"),
        ({"dataset": "csv"}, "a plain table has none"),
        ({"blink": 1.5}, "--blink is 1.5"),
        ({"jpeg_quality": 0}, "--jpeg-quality is 0"),
        ({"onset_bias": 2.0}, "--onset-bias is 2.0"),
        ({"emotions": ["boredom"]}, "--emotions is .*boredom"),
        ({"emotions": []}, "--emotions"),
        ({"dataset": "cas9"}, "cas9"),
        ({"fps": 0.0}, "--fps is 0.0"),
    ],
)
def test_an_invalid_setting_is_reported(values, message):
    with pytest.raises(ConfigError, match=message):
        SynthConfig(**values)


def test_the_readme_lists_all_options_families_faults_and_layouts():
    readme = Path(dataset.__file__).with_name("README.md").read_text("utf-8")
    for field in fields(SynthConfig):
        assert f"`--{field.name.replace('_', '-')}`" in readme
    for name in (*COURSES, *FAULTS):
        assert f"| `{name}` |" in readme
    for name in spec_names():
        layouts = ", ".join(f"`{layout}`" for layout in get_spec(name).layouts)
        assert f"| `{name}` | {layouts} |" in readme
