"""`gamdss predict` on synthetic and real video, through the real path."""

import csv
import json
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from filmed import film

import gamdss
from gamdss.cli import main
from gamdss.prediction.predictor import PredictConfig
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

pytestmark = pytest.mark.slow

FPS = 30.0
EXPRESSION = RecordingSettings(
    **{"seconds": 5.0, "fps": FPS, "height": 256, "width": 212, "speech": 0, "turns": 0},
    **{"micro": (0, 0), "macro": (1, 1), "blinks": 0, "seed": 3},
)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A video of a synthetic face with one macro-expression, and the expression."""
    recording = draw_recording(EXPRESSION)
    frames = [
        cv2.copyMakeBorder(image, 40, 40, 70, 70, cv2.BORDER_REPLICATE)
        for _, image in recording.frames()
    ]
    (event,) = recording.events
    return film(tmp_path_factory.mktemp("recorded") / "face.avi", frames, FPS), event


def predict(run, place, output, *more):
    words = ["predict", run, "--input", place, "--output", output, "--device", "cpu", *more]
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def predicted(recorded, finished_run, tmp_path_factory):
    """The folder with its predictions, and what the terminal showed."""
    output = tmp_path_factory.mktemp("predicted") / "out"
    with redirect_stdout(StringIO()) as shown:
        assert predict(finished_run, recorded[0], output, "--threshold", "0") == 0
    return output, shown.getvalue()


def test_an_expression_is_found_and_classified(recorded, predicted):
    _, event = recorded
    output, shown = predicted
    assert "synthetic" in shown
    values = json.loads((output / "predictions.json").read_text())
    (found,) = values["recordings"]
    (item,) = found["predictions"]
    assert item["type"] == "macro"
    assert item["reliable"]
    for number, pair, true in zip(
        item["frames"],
        item["frame_intervals"],
        (event.onset, event.apex, event.offset),
        strict=True,
    ):
        assert pair[0] <= number <= pair[1]
        assert abs(number - true) <= 4 or pair[0] <= true <= pair[1]
    assert item["seconds"] == pytest.approx([(n - 1) / FPS for n in item["frames"]], abs=0.02)
    assert sum(item["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert set(item["probabilities"]) == set(values["run"]["classes"])
    assert item["label"] in values["run"]["classes"]
    assert values["run"]["synthetic"]
    assert len(values["run"]["folds"]) == 3
    with (output / "predictions.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert [int(row[key]) for key in ("onset", "apex", "offset")] == item["frames"]
    assert float(row["apex_low_seconds"]) <= float(row["apex_seconds"])
    assert row["label"] == item["label"]
    for picture in ("timelines/face.png", "cards/face-1.png"):
        assert cv2.imread(str(output / picture)) is not None
    page = (output / "predictions.html").read_text("utf-8")
    assert page.count("data:image/png") == page.count("data:image/webp") == 1  # timeline, card
    assert "synthetic" in page
    assert "http://" not in page.replace("http-equiv", "")


def test_nothing_found_is_an_answer_and_a_broken_video_is_named(
    recorded, finished_run, tmp_path, capsys
):
    video, _ = recorded
    stream = cv2.VideoCapture(str(video))
    image = stream.read()[1]
    place = tmp_path / "in"
    place.mkdir()
    film(place / "still.avi", [image] * 40, FPS)
    assert predict(finished_run, place, tmp_path / "out") == 0
    assert "still.avi: no expression found" in capsys.readouterr().out
    (place / "broken.avi").write_bytes(b"nothing")
    film(place / "short.avi", [image] * 9, FPS)
    assert cv2.imwrite(str(tmp_path / "face.png"), image)
    (tmp_path / "face.png").rename(place / "picture.mp4")
    film(place / "empty.avi", [np.full((200, 200, 3), 90, np.uint8)] * 40, FPS)
    assert predict(finished_run, place, tmp_path / "out") == 1
    shown = capsys.readouterr().out
    assert "broken.avi: not a video that can be decoded" in shown
    assert "empty.avi: no face was found in 40 frames" in shown
    assert "short.avi: 9 frames (0.27 seconds) are too few" in shown
    assert "picture.mp4: one frame: a still picture" in shown
    (place / "still.avi").unlink()
    assert predict(finished_run, place, tmp_path / "out") == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_run_without_checkpoints_is_refused(finished_run, recorded, tmp_path, capsys):
    copy = Path(shutil.copytree(finished_run, tmp_path / "run"))
    for file in copy.glob("folds/*/checkpoint.safetensors"):
        file.unlink()
    assert predict(copy, recorded[0], tmp_path / "out") == 2
    assert "3 of the 3 folds have no checkpoint" in capsys.readouterr().err


def test_the_same_command_resumes(recorded, finished_run, predicted, monkeypatch):
    output, _ = predicted
    before = (output / "predictions.csv").read_bytes()
    monkeypatch.setattr("gamdss.prediction.predictor.track", lambda *_: sys.exit("tracked again"))
    assert predict(finished_run, recorded[0], output, "--threshold", "0") == 0
    assert (output / "predictions.csv").read_bytes() == before


def test_a_run_on_optical_flow_predicts_in_python(recorded, inner_flow_run):
    video, event = recorded
    config = PredictConfig(draws=3, threshold=1.0, device="cpu")
    (found,) = gamdss.Predictor(inner_flow_run, config).predict(video)
    assert found.label == "not sure"
    assert found.reliable
    assert found.type == "macro"
    assert found.keys.onset < found.keys.apex < found.keys.offset
    assert event.onset - 5 < found.keys.onset < event.apex
    assert found.faces.shape == (3, 340, 280, 3)
    assert found.chances.chances.sum() == pytest.approx(1)
    assert 0 < found.face_share <= 1
