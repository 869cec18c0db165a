"""`gamdss synth --recordings`: long recordings that the reader of long-video datasets reads."""

import csv

import pytest

from gamdss.cli import main
from gamdss.data.long_videos import open_long_videos

pytestmark = pytest.mark.slow

TINY = ["--subjects", "1", "--seconds", "5", "--height", "40", "--width", "36", "--speech", "0"]
TINY += ["--micro", "[0,0]", "--macro", "[1,1]"]


@pytest.mark.parametrize(("dataset", "fps"), [("casme2sq", 30), ("sammlv", 200), ("cas3lv", 30)])
def test_what_is_written_is_read_at_the_datasets_frame_rate(dataset, fps, tmp_path, capsys):
    given = ["synth", "--recordings", "2", "--dataset", dataset, "--output", str(tmp_path), *TINY]
    assert main(given) == 0
    assert "events.csv" in capsys.readouterr().out
    videos = open_long_videos(dataset, tmp_path).videos
    assert [video.last for video in videos] == [5 * fps] * 2
    with (tmp_path / "events.csv").open(newline="") as file:
        true = [row for row in csv.DictReader(file) if row["kind"] == "macro"]
    labels = [event for video in videos for event in video.events]
    assert sorted(event.onset for event in labels) == sorted(int(row["onset"]) for row in true)
    assert {row["dataset_recording"] for row in true} == {video.name for video in videos}


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        (["--fps", "20"], "--fps has no effect"),
        (["--dataset", "cas2"], "unknown long-video dataset 'cas2'"),
        (["--micro", "[2,1]"], "--micro is [2, 1]"),
        (["--height", "8"], "--height is 8"),
        (["--jpeg-quality", "0"], "--jpeg-quality is 0"),
        (["--subjects", "23", "--dataset", "casme2sq"], "casme2sq has 1 to 22 subjects"),
        (["--rise-ms", "[1,2]"], "rise"),
        (["--seconds", "3"], "do not fit into a recording of 3 s"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, more, shown):
    assert main(["synth", "--recordings", "1", "--output", str(tmp_path / "out"), *more]) == 2
    assert shown in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_long_video_dataset_without_recordings_is_refused(tmp_path, capsys):
    assert main(["synth", "--dataset", "sammlv", "--output", str(tmp_path / "out")]) == 2
    assert "--recordings" in capsys.readouterr().err
