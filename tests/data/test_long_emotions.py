"""Labels of long-video datasets get emotions from the workbook of clips, and classes of a task."""

import openpyxl
import pytest

from gamdss.data.long_emotions import label_class, with_emotions
from gamdss.data.long_videos import LongEvent, open_long_videos
from gamdss.errors import ConfigError
from gamdss.synthetic.recording_events import RecordingSettings
from gamdss.synthetic.recording_files import write_recordings

TINY = RecordingSettings(seconds=6, height=40, width=36, micro=(1, 1), macro=(1, 1), speech=0)
SAMM = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Estimated Emotion")


@pytest.mark.parametrize(
    ("text", "estimated", "classes", "expected"),
    [
        ("happiness", "", ("happiness", "disgust"), "happiness"),
        ("Happy", "others", ("happiness", "disgust"), "happiness"),
        ("fear", "", ("positive", "surprise", "negative"), "negative"),
        ("happiness", "others", ("positive", "surprise", "negative"), None),
        ("happiness", "positive", ("positive", "surprise", "negative"), "positive"),
        ("helpless", "", ("positive", "surprise", "negative"), None),
        ("", "", ("happiness", "disgust"), None),
    ],
)
def test_the_class_of_a_label(text, estimated, classes, expected):
    event = LongEvent("a", "micro", 1, 2, 3, 1, emotion=text, estimated=estimated)
    assert label_class(event, classes) == expected


def test_micro_expressions_get_the_emotions_of_the_clips(tmp_path):
    data = open_long_videos("sammlv", write_recordings(tmp_path / "l", TINY, 1, layout="sammlv"))
    (micro,) = (e for e in data.videos[0].events if e.type == "micro")
    book = openpyxl.Workbook()
    book.active.append(SAMM)
    book.active.append(["006", micro.name, 1, 2, 3, "Anger"])
    book.save(tmp_path / "samm.xlsx")
    named = with_emotions(data, tmp_path / "samm.xlsx")
    assert {e.type: e.emotion for e in named.videos[0].events} == {"micro": "anger", "macro": ""}
    book.active.cell(2, 2, "006_9_9")
    book.save(tmp_path / "samm.xlsx")
    with pytest.raises(ConfigError, match="none of the 1 clips"):
        with_emotions(data, tmp_path / "samm.xlsx")
    with pytest.raises(ConfigError, match="has no emotions"):
        with_emotions(data, None)
