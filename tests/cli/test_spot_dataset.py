"""`gamdss spot --dataset`: all recordings of a long-video dataset, spotted and scored."""

import csv
import json
from dataclasses import replace

import openpyxl
import pytest

from gamdss.align.settings import AlignConfig
from gamdss.cli import main
from gamdss.data.long_videos import open_long_videos
from gamdss.prediction.long import Candidate
from gamdss.prediction.spot_dataset import FaceSource, SpottedVideo, score_videos, spot_videos
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


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        (["--input", "clips"], "--input and --dataset are both given"),
        (["--workers", "2"], "--workers and --dataset are both given"),
        (["--faces", "track", "--face", FACE], "--face has no effect"),
        (["--faces", "as-is", "--detector", "mtcnn"], "--detector has no effect"),
        (["--faces", "crop"], "--faces is 'crop'"),
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
