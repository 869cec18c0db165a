"""Two processes of one command on one output: one works, the other waits or is refused."""

import pytest
from killing import EVERY, LONG, contents, start

from gamdss import experiment
from gamdss.cli import main
from gamdss.errors import RunError
from gamdss.files import hold_folder
from gamdss.runs.merge import merge

pytestmark = pytest.mark.slow

COMMANDS = EVERY if LONG else ["features", "synth"]


@pytest.mark.parametrize("name", COMMANDS)
def test_two_starts_at_once(places, tmp_path, name):
    expected, _ = places.whole(name)
    words = places.words(name, tmp_path / "made" / "out")
    logs = [tmp_path / "first.log", tmp_path / "second.log"]
    started = [start(words, log) for log in logs]
    for process, _ in started:
        process.join(300)
    statuses = [process.exitcode for process, _ in started]
    shown = [log.read_text() for log in logs]
    assert 0 in statuses, shown
    for status, text in zip(statuses, shown, strict=True):
        assert status == 0 or (status == 2 and "another process" in text), text
    assert contents(tmp_path / "made") == expected


def test_the_report_of_a_run_is_drawn_while_its_directory_is_held(places, tmp_path, monkeypatch):
    output = tmp_path / "out"
    merge([places.part("a"), places.part("b")], output)
    tried = []

    def draw(folder, *_):
        with pytest.raises(RunError, match="another process"), hold_folder(folder, "config.yaml"):
            pass
        tried.append(folder)
        return ""

    monkeypatch.setattr(experiment, "write_report", draw)
    assert main([str(word) for word in places.words("train", output)]) == 0
    assert tried == [output]
