"""What `gamdss predict` keeps of an earlier call; its table; what its page states."""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from filmed import film, frames

from gamdss.errors import FrameError
from gamdss.prediction import prediction_files
from gamdss.prediction.prediction_files import _table, predict_recordings
from gamdss.prediction.prediction_page import _caption, _run, card_file, timeline_file

GREYS = [np.full((16, 16, 3), 90, np.uint8)] * 2
ABOUT = {"temperature": 1.0, "calibrated": True, "threshold": 0.5, "draws": 1}


class Predictor:
    """Finds nothing; counts how often it is asked for each recording."""

    run = SimpleNamespace(classes=("joy",))

    def __init__(self, broken=(), killed=()):
        self.asked, self.broken, self.killed = [], broken, killed

    def recording(self, recording, _):
        self.asked.append(recording.name)
        if recording.name in self.killed:
            raise KeyboardInterrupt
        if recording.name in self.broken:
            raise FrameError("no face was found")
        values = {"name": recording.name, "predictions": [], "problem": ""}
        return SimpleNamespace(as_dict=lambda: values)


@pytest.fixture(autouse=True)
def _without_networks_and_pictures(monkeypatch):
    monkeypatch.setattr(prediction_files, "_about", lambda _: dict(ABOUT))
    monkeypatch.setattr(prediction_files, "write_prediction_page", lambda *_: None)
    monkeypatch.setattr(
        prediction_files,
        "draw_timeline",
        lambda file, *_: (file.parent.mkdir(exist_ok=True), file.write_bytes(b"")),
    )


def asked(place, output, **which):
    predictor = Predictor(**which)
    try:
        predict_recordings(predictor, place, output, 30)
    except KeyboardInterrupt:
        predictor.asked.append("killed")
    return predictor.asked


def test_an_interrupted_second_call_keeps_what_the_first_finished(tmp_path):
    place, output = tmp_path / "in", tmp_path / "out"
    for name in "abc":
        frames(place / name, GREYS)
    assert asked(place, output, broken="ab") == ["a", "b", "c"]
    assert asked(place, output, killed="b") == ["a", "b", "killed"]
    assert asked(place, output) == ["b"]
    found = json.loads((output / "predictions.json").read_text())["recordings"]
    assert [one["name"] for one in found] == ["a", "b", "c"]
    assert asked(place, output) == []


def test_frames_that_were_rewritten_in_place_are_predicted_again(tmp_path):
    place, output = tmp_path / "in", tmp_path / "out"
    folder = frames(place / "a", GREYS)
    assert asked(place, output) == ["a"]
    image = folder / "img2.png"
    image.write_bytes(image.read_bytes())
    os.utime(image, (1, 1))
    assert asked(place, output) == ["a"]
    assert asked(place, output) == []


def test_folders_recorded_by_an_earlier_version_are_predicted_again(tmp_path):
    place, output = tmp_path / "in", tmp_path / "out"
    folder = frames(place / "a", GREYS)
    asked(place, output)
    marker = output / "predictions.json"
    values = json.loads(marker.read_text())
    about = folder.stat()
    values["recordings"][0]["source"] = [about.st_size, about.st_mtime_ns, 30]
    del values["checksum"]
    marker.write_text(json.dumps(values))
    assert asked(place, output) == ["a"]


@pytest.mark.parametrize("name", ["臉" * 80 + ".avi", "a" * 240 + ".avi", "back\\slash.avi"])
def test_a_name_that_no_picture_can_have_stops_nothing(tmp_path, name):
    place = tmp_path / "in"
    place.mkdir()
    film(place / "clip.avi", GREYS).rename(place / name)
    film(place / "other.avi", GREYS)
    assert set(asked(place, tmp_path / "out")) == {name, "other.avi"}
    assert asked(place, tmp_path / "out") == []
    assert (tmp_path / "out" / "timelines" / "other.avi.png").is_file()


def test_shortened_names_stay_apart(tmp_path):
    names = [f"{'臉' * 80}{end}" for end in "12"]
    assert timeline_file(tmp_path, names[0]) != timeline_file(tmp_path, names[1])
    file = card_file(tmp_path, f"{names[0]}/{names[1]}", 12)
    assert file.parent.parent == tmp_path / "cards"
    assert max(len(part.encode()) for part in file.parts) <= 200


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_page_says_whether_probabilities_are_calibrated(calibrated):
    run = {"data": {"dataset": "x"}, "task": "c3", "classes": [], "folds": [], "protocol": "all"}
    run |= {"training_crops": {}, "config": "", "gamdss": ""}
    table = _run({**ABOUT, "calibrated": calibrated, "run": run})
    (text,) = [value for name, value in table.rows if name == "temperature"]
    assert ("fitted to held-out logits" in text) == calibrated
    assert ("not calibrated" in text) != calibrated


EXPRESSION = {
    **{"stretch": 1, "type": "micro", "score": 3.5, "parts": ["mouth"]},
    **{"frames": [10, 25, 42], "frame_intervals": [[9, 11], [23, 27], [40, 44]]},
    **{"seconds": [0.3, 0.8, 1.4], "second_intervals": [[0.2, 0.4], [0.7, 0.9], [1.3, 1.5]]},
    **{"apex_phase": None, "apex_phase_seconds": None, "quality": 0.97, "reliable": True},
    **{"face_share": 1.0, "label": "joy", "probabilities": {"joy": 0.8}, "spread": {"joy": 0.1}},
    "flags": [],
}
HOLDING = EXPRESSION | {"apex_phase": [18, 33], "apex_phase_seconds": [0.6, 1.1]}


def test_every_value_of_the_table_has_its_column():
    found = [
        {"name": "a", "predictions": [EXPRESSION, HOLDING], "problem": ""},
        {"name": "b", "predictions": [], "problem": "no face"},
    ]
    header, *rows = _table(found, ["joy"])
    assert {len(row) for row in rows} == {len(header)}
    peaks, held, none = (dict(zip(header, row, strict=True)) for row in rows)
    assert (held["apex_phase_first"], held["apex_phase_last"]) == (18, 33)
    assert (held["apex_phase_first_seconds"], held["apex_phase_last_seconds"]) == (0.6, 1.1)
    assert (peaks["apex_phase_first"], peaks["apex_phase_last_seconds"]) == ("", "")
    assert (peaks["offset_high"], peaks["onset_seconds"], peaks["quality"]) == (44, 0.3, 0.97)
    assert (none["recording"], none["problem"]) == ("b", "no face")


def test_captions_say_how_long_an_expression_is_held():
    assert "apex 0.80 s (held from 0.60 to 1.10 s), offset 1.40 s" in _caption(1, HOLDING)
    assert "apex 0.80 s, offset 1.40 s" in _caption(1, EXPRESSION)


def test_pictures_of_an_earlier_prediction_are_removed(tmp_path):
    place, output = tmp_path / "in", tmp_path / "out"
    for name in "ab":
        frames(place / name, GREYS)
    asked(place, output)
    for name in "ab":
        for number in (1, 2):
            card = card_file(output, name, number)
            card.parent.mkdir(exist_ok=True)
            card.write_bytes(b"")
    os.utime(place / "a" / "img2.png", (1, 1))
    shutil.rmtree(place / "b")
    frames(place / "c", GREYS)
    assert asked(place, output) == ["a", "c"]
    assert not list((output / "cards").iterdir())
    assert sorted(file.stem for file in (output / "timelines").iterdir()) == ["a", "c"]
