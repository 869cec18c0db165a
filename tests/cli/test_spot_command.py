"""`gamdss spot`: key frames of clips without annotation."""

import csv
import shutil
import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
from filmed import coffee, film, halve, moved, portrait

from gamdss.cli import main
from gamdss.data.frame_sequence import FrameSequence
from gamdss.prediction import spot_clips
from gamdss.records import KeyFrames
from gamdss.reselection.motion.course import Posterior
from gamdss.reselection.motion.fit import MotionFit
from gamdss.reselection.spotting import fit_spotted
from gamdss.synthetic import SynthConfig, write_dataset

CLEAR = SynthConfig(
    **{"subjects": 1, "clips_per_subject": 2, "height": 96, "width": 80, "fps": 100, "seed": 8},
    **{"amplitude": (2.5, 2.5), "noise": 1.0, "drift": 0.1, "blink": 0.0, "margin_ms": 100},
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("spot") / "made", CLEAR, progress=False)


def rows(folder):
    with (folder / "keyframes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_tree_of_clips_is_spotted(made, tmp_path, capsys):
    assert main(["spot", "--input", str(made / "Cropped"), "--output", str(tmp_path)]) == 0
    assert str(tmp_path / "motion_curves.png") in capsys.readouterr().out
    assert {"motion_curves.png", "key_frames.png"} <= {path.name for path in tmp_path.iterdir()}
    orange = (cv2.imread(str(tmp_path / "key_frames.png")) == (0, 0x9F, 0xE6)).all(axis=2)
    assert not orange.any()  # no frame of a warning
    with (made / "ground_truth.csv").open(newline="") as file:
        true = {f"sub{row['subject']}/{row['clip']}": row for row in csv.DictReader(file)}
    found = rows(tmp_path)
    assert {row["clip"] for row in found} == set(true)
    for row in found:
        wanted = true[row["clip"]]
        off = [abs(int(row[key]) - int(wanted[key])) for key in ("onset", "apex", "offset")]
        assert np.mean(off) <= 4
        assert int(row["apex_low"]) <= int(row["apex"]) <= int(row["apex_high"])


def test_an_expression_that_is_held_has_its_apex_phase_in_table_and_terminal(
    tmp_path, monkeypatch, capsys
):
    keys = KeyFrames(3, 9, 15, intervals=((2, 4), (8, 11), (14, 16)), apex_phase=(6, 12))
    times, course = np.arange(1, 20), np.clip(4 - np.abs(np.arange(1, 20) - 9) / 2, 0, 1)
    for name in ("held", "peaks"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for number in times:
            picture = np.full((40, 40, 3), 9 * number, np.uint8)
            cv2.imwrite(str(tmp_path / "in" / name / f"{number}.png"), picture)
    fits = iter((keys, replace(keys, apex_phase=None)))
    posterior = Posterior(np.ones((1, 3)), course, np.ones(3), times)
    monkeypatch.setattr(
        spot_clips, "fit_spotted", lambda _: MotionFit(times, course, course, next(fits), posterior)
    )
    words = ("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--workers", "1")
    assert main(["spot", *words]) == 0
    held, peaks = rows(tmp_path / "out")
    assert (held["apex_phase_first"], held["apex_phase_last"], held["problem"]) == ("6", "12", "")
    assert (peaks["apex_phase_first"], peaks["apex_phase_last"]) == ("", "")
    assert (held["apex_high"], held["offset_low"], held["quality"]) == ("11", "14", "1.000")
    shown = capsys.readouterr().out
    assert "9 (8 to 11)" in shown
    assert shown.count("6 to 12") == 1


@pytest.fixture
def fitted(monkeypatch):
    """Spots quickly, with a good fit: reads all frames."""
    keys = KeyFrames(3, 5, 8, intervals=((2, 4), (4, 6), (7, 8)))
    times, course = np.arange(1, 11), np.clip(1 - np.abs(np.arange(1, 11) - 5) / 4, 0, 1)
    fit = MotionFit(times, course, course, keys, Posterior(np.ones((1, 3)), course, times, times))

    def read(images):
        assert all(images[number].size for number in images)
        return fit

    monkeypatch.setattr(spot_clips, "fit_spotted", read)


def test_cuts_and_truncated_videos_are_problems(fitted, tmp_path, capsys):
    nod = [moved(portrait(), (np.sin(n), np.cos(n))) for n in range(12)]
    for name, images in {"cut": [*nod[:6], *[coffee()] * 6], "whole": nod}.items():
        film(tmp_path / "in" / f"{name}.avi", images)
    halve(film(tmp_path / "in" / "short.avi", nod * 2))
    words = ("--input", str(tmp_path / "in"), "--output", str(tmp_path / "out"), "--workers", "1")
    assert main(["spot", *words]) == 0
    problems = {row["clip"]: row["problem"] for row in rows(tmp_path / "out")}
    assert problems["whole.avi"] == ""
    assert problems["cut.avi"] == "the picture cuts at frame 7: give a clip of one shot"
    assert "of the 24 that it states: check that it is complete" in problems["short.avi"]
    shown = capsys.readouterr().out
    assert "unreliable, since the picture cuts: cut.avi\n" in shown
    assert all(text in shown for text in problems.values())


def test_faces_keep_their_shape(fitted, tmp_path, monkeypatch):
    for name, size in {"wide": (60, 120), "high": (120, 90)}.items():
        picture = np.zeros((*size, 3), np.uint8)
        picture[20:50, 30:60] = 255  # a square
        for number in range(1, 11):
            (tmp_path / "in" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "in" / name / f"{number}.png"), picture)
    sheets = []
    monkeypatch.setattr(spot_clips, "contact_sheet", lambda *given: sheets.append(given))
    spot_clips.write_spotted(spot_clips.spot_clips(tmp_path / "in", tmp_path / "o"), tmp_path / "o")
    ((_, cells, _, shape),) = sheets
    assert shape == (3 * 160, 160)
    for cell in cells:
        tile = cell.picture()[:160]
        assert tile.shape == (160, 160, 3)
        inner = tile[:, 20:140] if cell.name == "high" else tile[40:120]
        square = inner[..., 0] > 127
        assert np.ptp(np.nonzero(square.any(0))) == pytest.approx(39, abs=1)
        assert np.ptp(np.nonzero(square.any(1))) == pytest.approx(39, abs=1)


@pytest.mark.slow
def test_processes_spot_the_same(made, tmp_path):
    for workers in ("1", "2"):
        words = ("--input", str(made / "Cropped"), "--output", str(tmp_path / workers))
        assert main(["spot", *words, "--workers", workers]) == 0
    one, two = ((tmp_path / workers / "keyframes.csv").read_bytes() for workers in "12")
    assert one == two


def test_a_clip_that_cannot_be_spotted_is_named_and_the_others_are_written(made, tmp_path, capsys):
    tree = tmp_path / "tree"
    shutil.copytree(made / "Cropped" / "sub01", tree)
    clip = next(tree.iterdir())
    film(tree / "film.avi", list(FrameSequence(clip).values()), 100)
    short = tree / "short"
    short.mkdir()
    for file in sorted(clip.iterdir())[:4]:
        shutil.copy(file, short)
    assert main(["spot", "--input", str(tree), "--output", str(tmp_path / "out")]) == 1
    by_name = {row["clip"]: row for row in rows(tmp_path / "out")}
    assert "too few" in by_name["short"]["problem"]
    assert sum(row["problem"] == "" for row in by_name.values()) == 3
    first = FrameSequence(clip).numbers[0]
    filmed, same = (int(by_name[name]["apex"]) for name in ("film.avi", clip.name))
    assert filmed == pytest.approx(same - first + 1, abs=2)
    assert "too few" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["nothing", "empty", "too little"])
def test_an_input_without_clips_is_refused(kind, made, tmp_path, capsys):
    place = tmp_path / "place"
    if kind != "nothing":
        place.mkdir()
    if kind == "too little":
        for file in sorted(next(made.glob("Cropped/sub01/*")).iterdir())[:4]:
            shutil.copy(file, place)
    assert main(["spot", "--input", str(place), "--output", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    assert str(place) in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("inside", ["", "spotted", "sub01/EP01"])
def test_an_output_inside_the_input_is_refused(inside, made, tmp_path, capsys):
    tree = tmp_path / "tree"
    shutil.copytree(made / "Cropped", tree)
    before = sorted(tree.rglob("*"))
    assert main(["spot", "--input", str(tree), "--output", str(tree / inside)]) == 2
    assert "is inside --input" in capsys.readouterr().err
    assert sorted(tree.rglob("*")) == before


def test_an_unwritable_output_is_refused_before_the_work(made, tmp_path, monkeypatch, capsys):
    (tmp_path / "taken").write_text("a file")
    spot = "gamdss.prediction.spot_clips._spot"
    monkeypatch.setattr(spot, lambda *_: pytest.fail("a clip was spotted"))
    output = str(tmp_path / "taken" / "out")
    assert main(["spot", "--input", str(made / "Cropped"), "--output", output]) == 2
    assert output in capsys.readouterr().err


@pytest.fixture(scope="module")
def faulty(made, tmp_path_factory):
    """A tree with a clip in its root, and one that has each fault."""
    tree = tmp_path_factory.mktemp("faulty") / "tree"
    clip = next(made.glob("Cropped/sub01/*"))
    for name in (".", "mixed", "corrupt"):
        shutil.copytree(clip, tree / name, dirs_exist_ok=True)
    files = {name: sorted((tree / name).glob("*.jpg")) for name in ("mixed", "corrupt")}
    cv2.imwrite(str(files["mixed"][4]), cv2.imread(str(files["mixed"][4]))[:50])
    files["corrupt"][6].write_bytes(b"no image")
    (tree / "notes.txt").write_text("not a frame")
    (tree / "wide").mkdir()
    rng = np.random.default_rng(0)
    for i in range(10):
        cv2.imwrite(str(tree / "wide" / f"{i}.png"), rng.integers(0, 255, (40, 1500), np.uint8))
    return tree


@pytest.mark.slow
def test_faulty_clips_are_named_with_their_problem(faulty, tmp_path):
    assert main(["spot", "--input", str(faulty), "--output", str(tmp_path)]) == 1
    found = {row["clip"]: row for row in rows(tmp_path)}
    assert set(found) == {"tree", "mixed", "corrupt", "wide"}
    assert "frame" in found["mixed"]["problem"]
    assert "(50, 80, 3)" in found["mixed"]["problem"]
    assert sorted((faulty / "corrupt").glob("*.jpg"))[6].name in found["corrupt"]["problem"]
    assert found["tree"]["problem"] == ""
    assert "the picture cuts" in found["wide"]["problem"]  # it is noise
    for name in ("tree", "wide"):
        assert int(found[name]["onset"]) < int(found[name]["offset"])


def test_a_text_file_is_refused_as_a_video(faulty, tmp_path, capsys):
    words = ["--input", str(faulty / "notes.txt"), "--output", str(tmp_path)]
    assert main(["spot", *words]) == 2
    shown = capsys.readouterr().err
    assert "not a video that can be decoded" in shown
    assert "Traceback" not in shown


def test_a_long_clip_is_refused_before_it_is_read(made, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gamdss.reselection.spotting.MOST_FRAMES", 20)
    monkeypatch.setattr("gamdss.data.frame_sequence.decode", lambda *_: pytest.fail("was read"))
    assert main(["spot", "--input", str(made / "Cropped"), "--output", str(tmp_path)]) == 2
    assert "frames are too many" in capsys.readouterr().err
    assert "too many" in rows(tmp_path)[0]["problem"]


@pytest.mark.slow
def test_frames_are_not_kept_in_full_size(made, monkeypatch):
    frames, alive = FrameSequence(next(made.glob("Cropped/sub01/*"))), []

    def watched(sequence, number):
        image = decoded(sequence, number)
        alive.append(weakref.ref(image))
        assert sum(held() is not None for held in alive) <= 3
        return image

    decoded = FrameSequence.__getitem__
    monkeypatch.setattr(FrameSequence, "__getitem__", watched)
    fit_spotted(frames)
    assert len(alive) == len(frames)
