"""Long-video datasets: recordings and labels as delivered, with planted problems of rows."""

from collections import Counter

import openpyxl
import pytest

from gamdss.data.long_videos import RowRules, open_long_videos
from gamdss.errors import AnnotationError, ConfigError, DataRootError
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings
from gamdss.synthetic.recording_files import write_recordings

TINY = RecordingSettings(seconds=6, height=40, width=36, micro=(1, 1), macro=(1, 1), speech=0)
BOOKS = {
    "casme2sq": "CAS(ME)^2code_final.xlsx",
    "sammlv": "SAMM_LongVideos_V1_Release.xlsx",
    "cas3lv": "CAS(ME)3_part_A_v2.xlsx",
}
FIRST_ROW = {"casme2sq": 1, "sammlv": 11, "cas3lv": 2}
COLUMNS = {
    "casme2sq": {"name": 2, "onset": 3, "apex": 4, "offset": 5, "type": 8},
    "sammlv": {"name": 2, "onset": 4, "apex": 5, "offset": 6, "type": 8},
    "cas3lv": {"name": 2, "onset": 3, "apex": 4, "offset": 5, "type": 7},
}


@pytest.fixture(scope="module", params=list(BOOKS))
def written(request, tmp_path_factory):
    root = tmp_path_factory.mktemp("long") / request.param
    return request.param, write_recordings(root, TINY, subjects=2, takes=1, layout=request.param)


@pytest.fixture
def edit(written, tmp_path):
    """Open the dataset with cells of the first row changed, in a copy of the workbook."""
    name, root = written

    def opened(rules=None, row=0, **cells):
        book = openpyxl.load_workbook(root / BOOKS[name])
        sheet = book.worksheets[0]
        for role, value in cells.items():
            sheet.cell(FIRST_ROW[name] + row, COLUMNS[name][role], value)
        book.save(tmp_path / "edited.xlsx")
        return open_long_videos(name, root, tmp_path / "edited.xlsx", rules=rules)

    return opened


def first_row(videos):
    return min((e for v in videos.videos for e in v.events), key=lambda e: e.row)


def test_recordings_and_labels_are_those_that_were_written(written):
    name, root = written
    found = open_long_videos(name, root)
    assert found.workbook.name == BOOKS[name]
    assert not found.notes
    assert not found.cropped
    assert len(found.videos) == 2
    for subject, video in enumerate(found.videos, 1):
        true = [e for e in draw_recording(TINY, subject).events if e.expression is not None]
        assert video.last == TINY.frames
        assert [(e.type, e.onset, e.apex, e.offset) for e in video.events] == [
            (e.kind, e.onset, e.apex, e.offset) for e in sorted(true, key=lambda e: e.onset)
        ]
    names = {
        "casme2sq": ["s15_0101", "s16_0101"],
        "sammlv": ["006_1", "007_1"],
        "cas3lv": ["spNO.1_a", "spNO.2_a"],
    }
    assert [video.name for video in found.videos] == names[name]
    assert [video.shift for video in found.videos] == [2000 * (name == "sammlv"), 0]
    assert "published: " in found.summary


@pytest.mark.parametrize(
    ("rule", "expected"), [("apex", 60), ("later", None), ("mirror", 70), ("drop", 0)]
)
def test_offset_0_follows_the_rule_and_is_reported(edit, written, rule, expected):
    found = edit(RowRules(offset_zero=rule), onset=50, apex=60, offset=0)
    assert [note.kind for note in found.notes][:1] == ["offset 0"]
    event = first_row(found)
    if rule == "drop":
        assert event.row == FIRST_ROW[written[0]] + 1
    else:
        assert event.offset == (expected or 60 + int(found.spec.fps * 2 / 3))


@pytest.mark.parametrize("apex", [0, -1, 721])
def test_an_apex_outside_becomes_the_midpoint(edit, apex):
    found = edit(onset=50, apex=apex, offset=70)
    assert first_row(found).apex == 60
    assert len(found.notes) == 1
    assert str(apex) in found.notes[0].text


@pytest.mark.parametrize(("fractions", "expected"), [("round", 51), ("truncate", 50)])
def test_fractional_frames_are_rounded(edit, fractions, expected):
    found = edit(RowRules(fractions=fractions), onset=50.5, apex=60, offset=70)
    assert first_row(found).onset == expected
    assert [note.kind for note in found.notes] == ["fractional frame"]


@pytest.mark.parametrize("rule", ["keep", "drop"])
def test_onset_0_and_labels_after_the_last_frame_are_kept_or_dropped(edit, rule):
    for rules, cells, kind in (
        (RowRules(onset_zero=rule), {"onset": 0}, "onset 0"),
        (RowRules(beyond=rule), {"offset": 9999}, "label after the last frame"),
    ):
        found = edit(rules, **cells)
        assert [note.kind for note in found.notes] == [kind]
        assert sum(len(video.events) for video in found.videos) == (4 if rule == "keep" else 3)


def test_rows_are_keyed_by_name_type_and_onset(edit, written):
    same = first_row(open_long_videos(*written))
    video = same.name.partition("_")[0] if written[0] == "cas3lv" else same.name
    twice = {"name": video, "onset": same.onset, "apex": same.apex, "offset": same.offset}
    found = edit(row=1, type=f"{same.type}-expression", **twice)
    assert Counter(note.kind for note in found.notes) == {"duplicate row": 1}
    other = "micro" if same.type == "macro" else "macro"
    assert not edit(row=1, type=f"{other}-expression", **twice).notes


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        ({"onset": "soon"}, "'soon'"),
        ({"apex": 0, "offset": 0}, "offset"),
        ({"onset": 80, "apex": 85, "offset": 70}, "offset"),
        ({"type": "smile"}, "'smile'"),
    ],
)
def test_an_unusable_row_is_named_with_its_value(edit, written, cells, shown):
    with pytest.raises(AnnotationError, match=f"row {FIRST_ROW[written[0]]}") as error:
        edit(**cells)
    assert shown in error.value.problem
    assert "--annotations" in error.value.remedy


def test_missing_frames_and_unknown_names_are_refused(written, tmp_path):
    name, root = written
    (tmp_path / BOOKS[name]).write_bytes((root / BOOKS[name]).read_bytes())
    with pytest.raises(DataRootError, match="no folder of frames"):
        open_long_videos(name, tmp_path)
    folders = {"casme2sq": "rawpic/s15/15_0101x", "sammlv": "SAMM_longvideos/006_1"}
    folder = folders.get(name, "part_A/spno.1/A/color")
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "img001.jpg").touch()
    with pytest.raises(DataRootError, match="are missing, but"):
        open_long_videos(name, tmp_path)
    with pytest.raises(ConfigError, match="--layout"):
        open_long_videos(name, root, layout="other")
    with pytest.raises(ConfigError, match="unknown long-video dataset"):
        open_long_videos("casme3", root)
    with pytest.raises(ConfigError, match=r"--rules\.offset-zero"):
        RowRules(offset_zero="guess")


def test_rows_that_are_longer_than_a_protocol_allows_are_dropped(edit):
    found = edit(RowRules(longest_micro=4, longest_macro=4), onset=50, apex=52, offset=54)
    assert sum(len(video.events) for video in found.videos) == 1
    assert len(found.notes) == 3
    assert "-expression of more than 4 frames" in found.notes[0].kind
    with pytest.raises(ConfigError, match=r"--rules\.longest-micro"):
        RowRules(longest_micro=-1)
