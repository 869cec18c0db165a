"""`gamdss spot --dataset`: all recordings of a long-video dataset, spotted and scored."""

import csv
import json
import shutil
from dataclasses import replace

import openpyxl
import pytest

from gamdss.align.settings import AlignConfig
from gamdss.cli import main
from gamdss.data.long_videos import open_long_videos
from gamdss.prediction.long import Candidate
from gamdss.prediction.spot_dataset import FaceSource, SpottedVideo, spot_videos
from gamdss.prediction.spotted_files import score_videos
from gamdss.prediction.stretches import Tracking
from gamdss.synthetic.recording_events import RecordingSettings
from gamdss.synthetic.recording_files import write_recordings

pytestmark = pytest.mark.slow

SETTINGS = RecordingSettings(
    **{"seconds": 7, "height": 116, "width": 96, "noise": 1.0, "seed": 3, "head": 0.3},
    **{"micro": (0, 0), "macro": (1, 1), "speech": 0, "blinks": 0, "turns": 0},
)
FACE = "[0.343,0.465,0.657,0.465,0.5,0.75]"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    root = tmp_path_factory.mktemp("long") / "casme2sq"
    return write_recordings(root, SETTINGS, subjects=2, layout="casme2sq")


def words(root, output):
    return ["spot", "--dataset", "casme2sq", "--data-root", str(root), "--output", str(output)]


def table(file):
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_a_dataset_is_spotted_scored_and_resumed(written, tmp_path, monkeypatch, capsys):
    given = [*words(written, tmp_path), "--faces", "as-is", "--face", FACE]
    assert main(given) == 0
    shown = capsys.readouterr().out
    assert "2 recordings (published: 98)" in shown
    assert str(tmp_path / "scores.json") in shown
    stored = json.loads((tmp_path / "scores.json").read_text())
    assert stored["rules"]["offset_zero"] == "apex"
    labels, found = table(tmp_path / "labels.csv"), table(tmp_path / "predictions.csv")
    overall = stored["scores"]["overall"]
    assert overall["tp"] + overall["fn"] == len(labels) == 2
    assert overall["tp"] + overall["fp"] == len(found)
    assert sum(row["label"] != "" for row in found) == overall["tp"] >= 1
    monkeypatch.setattr("gamdss.prediction.spot_dataset._spot", lambda *_: pytest.fail("again"))
    before = (tmp_path / "scores.json").read_bytes()
    assert main(given) == 0
    assert (tmp_path / "scores.json").read_bytes() == before
    frame = next(written.glob("rawpic/s16/*/img050.jpg"))
    frame.write_bytes(frame.read_bytes())  # written again: it may be another picture
    again = []
    monkeypatch.setattr(
        "gamdss.prediction.spot_dataset._spot",
        lambda video, *_: again.append(video.name) or SpottedVideo(video),
    )
    assert main(given) == 0
    assert again == ["s16_0101"]
    monkeypatch.setattr("gamdss.prediction.spot_dataset.__version__", "0.0")
    assert main(given) == 0
    assert again == ["s16_0101", "s15_0101", "s16_0101"]


def test_tracked_faces_give_the_datasets_frame_numbers(tmp_path):
    settings = RecordingSettings(seconds=8, micro=(0, 0), macro=(1, 1), speech=0, blinks=0)
    root = write_recordings(tmp_path / "long", settings, subjects=1, layout="casme2sq")
    folder = root / "rawpic/s15/15_0101disgustingteeth"
    for file in sorted(folder.iterdir(), reverse=True):  # frames from 1001 instead of 1
        file.rename(folder / f"img{int(file.stem[3:]) + 1000}.jpg")
    book = openpyxl.load_workbook(root / "CAS(ME)^2code_final.xlsx")
    for cell in book.worksheets[0][1][2:5]:
        cell.value += 1000
    book.save(root / "CAS(ME)^2code_final.xlsx")
    (found,) = spot_videos(open_long_videos("casme2sq", root), tmp_path / "out", FaceSource())
    assert found.seen == settings.frames
    assert score_videos([found])["macro"].counts.tp == 1


def test_every_second_frame_is_spotted_at_half_the_rate(written, tmp_path, monkeypatch):
    root, rates = tmp_path / "long", []
    shutil.copytree(written, root)
    for file in root.glob("rawpic/*/*/img*[02468].jpg"):
        file.unlink()
    monkeypatch.setattr(
        "gamdss.prediction.spot_dataset.spot_stretches", lambda _, fps, __: rates.append(fps) or {}
    )
    found = spot_videos(open_long_videos("casme2sq", root), tmp_path / "out", FaceSource(False))
    assert rates == [15, 15]
    assert "in steps of 2: they are taken as 15 images per second" in found[0].warnings[0]


def test_recordings_without_labels_count(written):
    first, second = open_long_videos("casme2sq", written).videos
    event = first.events[0]
    hit = Candidate("macro", event.onset, event.apex, event.offset, 2.0, ("brows",))
    found = [SpottedVideo(video, 1, (hit,)) for video in (first, replace(second, events=()))]
    counts = score_videos(found)["macro"].counts
    assert (counts.tp, counts.fp, counts.fn) == (1, 1, 0)


def test_a_recording_without_a_face_has_no_prediction(written, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "gamdss.prediction.spot_dataset.track",
        lambda recording, *_, **__: Tracking(recording, 30.0, (96, 116), 210, 1),
    )
    monkeypatch.setattr("gamdss.prediction.spot_dataset.load_detector", lambda _: None)
    data = open_long_videos("casme2sq", written)
    found = spot_videos(data, tmp_path, FaceSource(True, AlignConfig()))
    assert [(item.seen, item.candidates) for item in found] == [(0, ())] * 2


def test_a_broken_frame_fails_its_recording_only(written, tmp_path, capsys):
    root = tmp_path / "long"
    shutil.copytree(written, root)
    broken = next(root.glob("rawpic/s16/*/img050.jpg"))
    broken.write_bytes(b"no image")
    given = [*words(root, tmp_path / "out"), "--faces", "as-is", "--face", FACE]
    assert main(given) == 1
    assert "warning: s16_0101 could not be spotted: img050.jpg" in capsys.readouterr().out
    rows = table(tmp_path / "out" / "recordings.csv")
    assert [row["status"] for row in rows] == ["spotted", "failed"]
    stored = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert list(stored["recordings_failed"]) == ["s16_0101"]
    overall = stored["scores"]["overall"]
    assert overall["tp"] + overall["fn"] == 2  # its label is missed
    assert "could not be spotted" in (tmp_path / "out" / "spotting.html").read_text()
    shutil.copy(broken.with_name("img049.jpg"), broken)
    assert main(given) == 0
    broken.write_bytes(b"no image")
    next(root.glob("rawpic/s15/*/img050.jpg")).write_bytes(b"no image")
    shutil.rmtree(tmp_path / "out")
    assert main(given) == 2
    assert "no recording could be spotted" in capsys.readouterr().err
    for folder in root.glob("rawpic/s*/*"):
        shutil.copy(folder / "img049.jpg", folder / "img050.jpg")
    assert main([*given[:-1], "[0.4,0.4,0.5,0.4,0.4,0.6]"]) == 2
    assert "use larger crops" in capsys.readouterr().err


def test_two_files_of_one_number_fail_their_recording(written, tmp_path, capsys):
    root = tmp_path / "long"
    shutil.copytree(written, root)
    frame = next(root.glob("rawpic/s16/*/img050.jpg"))
    shutil.copy(frame, frame.with_name("img050 - Copy 50.jpg"))
    given = [*words(root, tmp_path / "out"), "--faces", "as-is", "--face", FACE]
    assert main(given) == 1
    assert "img050.jpg are both frame 50" in capsys.readouterr().out
    frame.with_name("img050 - Copy 50.jpg").unlink()
    for number in range(50, 110, 2):
        frame.with_name(f"img{number:03d}.jpg").unlink()
    assert main(given) == 0
    (row,) = [r for r in table(tmp_path / "out" / "recordings.csv") if r["warnings"]]
    assert row["recording"] == "s16_0101"
    assert f"warning: s16_0101: {row['warnings']}" in capsys.readouterr().out


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Recordings with one micro-expression of each of three subjects: s15, s16 and s19."""
    root = tmp_path_factory.mktemp("calm") / "casme2sq"
    shown = {"micro": (1, 1), "macro": (0, 0), "seconds": 5, "noise": 0.5, "head": 0.1, "seed": 5}
    return write_recordings(root, replace(SETTINGS, **shown), subjects=3, layout="casme2sq")


def test_networks_of_other_people_classify_micro_expressions(tmp_path, finished_run, calm, capsys):
    given = [*words(calm, tmp_path / "out"), "--faces", "as-is", "--face", FACE]
    assert main([*given, "--run", str(finished_run)]) == 0
    shown = capsys.readouterr().out
    assert "STRS of micro-expressions" in shown
    assert "not trained on the subject: 3 of 3 for 3 subjects" in shown
    assert "Its classes mean nothing on real faces" in shown
    stored = json.loads((tmp_path / "out" / "scores.json").read_text())
    score = stored["strs"]
    assert score["value"] == pytest.approx(score["spotting_f1"] * score["analysis_f1"])
    micro = [row for row in table(tmp_path / "out" / "predictions.csv") if row["type"] == "micro"]
    assert micro
    for row in micro:
        assert row["class"] in score["classes"]
        shares = [float(row[f"probability_{name}"]) for name in score["classes"]]
        assert sum(shares) == pytest.approx(1, abs=1e-3)
    assert score["networks_by_subject"] == {"s15": 3, "s16": 3, "s19": 3}
    assert {row["folds"] for row in table(tmp_path / "out" / "recordings.csv")} == {"all"}
    assert "STRS" in (tmp_path / "out" / "spotting.html").read_text()


def relabelled(calm, folder, emotion):
    """The option of a workbook in which the micro-expression of s19 has another emotion."""
    book = openpyxl.load_workbook(calm / "CAS(ME)^2code_final.xlsx")
    book.worksheets[0].cell(3, 7, emotion)
    book.save(folder / "book.xlsx")
    return "--annotations", str(folder / "book.xlsx")


def train_on(calm, small_options, output, *protocol):
    """A run on the micro-expressions of the recordings."""
    words = ["train", "--dataset", "casme2sq", "--task", "c3", "--data-root", str(calm)]
    words += [*small_options, "--training.epochs", "1", *protocol, "--output", str(output)]
    assert main(words) == 0


def test_a_network_does_not_classify_people_that_it_was_trained_on(
    calm, small_options, tmp_path, capsys
):
    split = tmp_path / "split.csv"
    split.write_text("subject,part\ns15,train\ns16,train\ns19,test\n")
    labels = relabelled(calm, tmp_path, "negative")  # as those of s15 and s16
    fixed = ("--protocol.name", "fixed", "--protocol.split", str(split))
    train_on(calm, small_options, tmp_path / "run", *fixed, *labels)
    given = [*words(calm, tmp_path / "out"), *labels, "--faces", "as-is", "--face", FACE]
    assert main([*given, "--run", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "1 of 1 for 1 subject\n" in shown
    assert "trained on 2 of 3 subjects (s15, s16): their micro-expressions are not" in shown
    assert "trained on 2 of 3 subjects" in (tmp_path / "out" / "spotting.html").read_text()
    rows = table(tmp_path / "out" / "recordings.csv")
    assert [row["folds"] for row in rows] == ["", "", "all"]
    micro = [row for row in table(tmp_path / "out" / "predictions.csv") if row["type"] == "micro"]
    assert {row["subject"] for row in micro} >= {"s15", "s19"}
    assert all((row["class"] != "") == (row["subject"] == "s19") for row in micro)
    stored = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert stored["strs"]["subjects_left_out"] == ["s15", "s16"]
    assert stored["strs"]["interval"] is None  # one subject is scored
    assert stored["subjects"] == 3


def test_a_run_trained_on_everybody_who_is_scored_is_refused(calm, small_options, tmp_path, capsys):
    # It has not seen s19, whose label has none of the classes of `c3`.
    labels = relabelled(calm, tmp_path, "others")
    train_on(calm, small_options, tmp_path / "run", "--protocol.name", "all", *labels)
    given = [*words(calm, tmp_path / "out"), *labels, "--faces", "as-is", "--face", FACE]
    assert main([*given, "--run", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "every network of --run was, or may have been, trained on the subjects" in error
    assert "--protocol.name loso" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        (["--emotions", "x.xlsx"], "--emotions has no effect without --run"),
        (["--input", "clips"], "--input and --dataset are both given"),
        (["--workers", "2"], "--workers and --dataset are both given"),
        (["--faces", "track", "--face", FACE], "--face has no effect"),
        (["--faces", "as-is", "--detector", "mtcnn"], "--detector has no effect"),
        (["--faces", "crop"], "--faces is 'crop'"),
        (["--faces", "as-is", "--face", "[40,90,120,90,80,150]"], "from 0 to 1, not pixels"),
        (["--rules.offset-zero", "guess"], "--rules.offset-zero is 'guess'"),
        (["--layout", "other"], "--layout is 'other'"),
        (["--annotations", "none.xlsx"], "there is no such workbook"),
    ],
)
def test_wrong_options_are_refused(written, tmp_path, capsys, more, shown):
    assert main([*words(written, tmp_path / "out"), *more]) == 2
    error = capsys.readouterr().err
    assert shown in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], "--input is missing"),
        (["--dataset", "sammlv"], "--data-root is missing"),
        (["--data-root", "here"], "--dataset is missing"),
        (["--input", "clips", "--rules.beyond", "drop"], "--input and --rules are both given"),
    ],
)
def test_incomplete_options_are_refused(tmp_path, capsys, given, shown):
    assert main(["spot", "--output", str(tmp_path / "out"), *given]) == 2
    assert shown in capsys.readouterr().err


def test_an_unknown_dataset_is_refused_with_the_known_ones(written, tmp_path, capsys):
    given = ["--dataset", "samlv", "--data-root", str(written), "--output", str(tmp_path)]
    assert main(["spot", *given]) == 2
    assert "'sammlv'" in capsys.readouterr().err
