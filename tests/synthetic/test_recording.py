"""Synthetic recordings: known events, a stream of frames, the same for the same seed."""

import inspect
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import openpyxl
import pytest

from gamdss.errors import ConfigError, RunError
from gamdss.synthetic.recording import draw_recording
from gamdss.synthetic.recording_events import RecordingSettings, draw_events
from gamdss.synthetic.recording_files import TRUTH, write_recordings

TINY = {"seconds": 9.0, "height": 68, "width": 56, "micro": (1, 1), "macro": (1, 1)}


@pytest.mark.parametrize("fps", [30.0, 200.0])
def test_events_fit_and_expressions_stay_apart(fps):
    settings = RecordingSettings(fps=fps, micro=(3, 3), macro=(4, 4))
    for seed in range(20):
        events = draw_events(settings, np.random.default_rng(seed))
        assert sorted(e.kind for e in events if e.kind != "blink") == [
            *["macro"] * 4,
            *["micro"] * 3,
            "speech",
        ]
        placed = sorted((e for e in events if e.kind != "blink"), key=lambda e: e.onset)
        assert placed[0].onset > 0.5 * fps
        assert all(b.onset - a.offset > 0.4 * fps for a, b in pairwise(placed))
        assert placed[-1].offset <= settings.frames
        for event in events:
            assert event.onset < event.offset
            assert event.onset <= event.apex <= event.offset <= settings.frames


@pytest.mark.parametrize("fps", [30.0, 200.0])
def test_types_differ_in_length(fps):
    settings = RecordingSettings(fps=fps, micro=(3, 3), macro=(4, 4))
    for seed in range(20):
        for event in draw_events(settings, np.random.default_rng(seed)):
            seconds = (event.offset - event.onset) / fps
            if event.kind in ("micro", "macro"):
                assert (seconds <= 0.5 + 1 / fps) == (event.kind == "micro")


@pytest.mark.slow
def test_frames_come_one_by_one_and_are_the_same_again():
    recording = draw_recording(RecordingSettings(**TINY, seed=5))
    frames = recording.frames()
    assert inspect.isgenerator(frames)
    first = list(islice(frames, 3))
    assert [number for number, _ in first] == [1, 2, 3]
    assert first[0][1].shape == (68, 56, 3)
    assert first[0][1].dtype == np.uint8
    again = list(islice(draw_recording(RecordingSettings(**TINY, seed=5)).frames(), 3))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(first, again, strict=True))
    other = next(draw_recording(RecordingSettings(**TINY, seed=6)).frames())
    assert not np.array_equal(first[0][1], other[1])


@pytest.mark.slow
def test_more_head_motion_leaves_the_expressions_as_they_are():
    calm, restless = (
        draw_recording(RecordingSettings(**TINY, seed=5, head=head)) for head in (0.0, 2.0)
    )
    assert [(e.kind, e.onset) for e in calm.events] == [(e.kind, e.onset) for e in restless.events]
    assert not calm.head.pose.any()
    assert restless.head.pose.any()


def test_the_face_moves_at_the_apex_and_not_before_the_onset():
    settings = RecordingSettings(**TINY, head=0, noise=0, blinks=0, speech=0, fps=20, seed=1)
    recording = draw_recording(settings)
    frames = dict(recording.frames())
    macro = next(event for event in recording.events if event.kind == "macro")
    change = {
        n: np.abs(
            frames[n] / frames[n].mean() - frames[macro.onset] / frames[macro.onset].mean()
        ).max()
        for n in (macro.onset - 1, macro.apex)
    }
    assert change[macro.apex] > 5 * change[macro.onset - 1]


def test_events_that_do_not_fit_are_refused():
    settings = RecordingSettings(seconds=3, micro=(3, 3), macro=(4, 4))
    with pytest.raises(ConfigError, match="do not fit into a recording of 3 s"):
        draw_events(settings, np.random.default_rng(0))


@pytest.mark.slow
def test_recordings_are_written_as_samm_long_videos(tmp_path):
    settings = RecordingSettings(**TINY, fps=15, seed=2)
    root = write_recordings(tmp_path / "made", settings, subjects=2)
    lines = (root / TRUTH).read_text("utf-8").splitlines()
    assert (
        lines[0]
        == "subject,recording,kind,onset,apex,offset,action_units,amplitude,dataset_recording"
    )
    kinds = [line.split(",")[2] for line in lines[1:] if line.startswith("1,s01_1,")]
    assert {"micro", "macro", "speech"} <= set(kinds)
    for name in ("006_1", "007_1"):
        assert len(list((root / "SAMM_longvideos" / name).glob("*.jpg"))) == 135
    assert (root / "SAMM_longvideos" / "006_1" / "006_1_0135.jpg").is_file()
    book = openpyxl.load_workbook(root / "SAMM_LongVideos_V1_Release.xlsx")
    rows = list(book["FACS_Movement_Only"].iter_rows(values_only=True))
    assert rows[9][:4] == ("Subject", "Filename", "Inducement Code", "Onset")
    assert [row[1] for row in rows[10:]] == ["006_1_1", "006_1_2", "007_1_1", "007_1_2"]
    assert {row[7] for row in rows[10:]} == {"Macro", "Micro - 1/2"}
    assert all(row[6] == row[5] - row[3] + 1 for row in rows[10:])


@pytest.mark.slow
def test_recordings_are_written_as_casme2_and_written_once(tmp_path):
    settings = RecordingSettings(**TINY, fps=15, seed=2)
    root = write_recordings(tmp_path / "made", settings, 1, takes=2, layout="casme2sq")
    frame = root / "rawpic" / "s15" / "15_0102eatingworms" / "img001.jpg"
    written = frame.stat().st_mtime_ns
    book = openpyxl.load_workbook(root / "CAS(ME)^2code_final.xlsx")
    assert book.sheetnames == ["CASFEcode_final", "naming rule1", "naming rule2"]
    rows, subjects, films = (list(sheet.iter_rows(values_only=True)) for sheet in book)
    assert {row[7] for row in rows} == {"macro-expression", "micro-expression"}
    assert rows[-1][:2] == (1, "disgust2_2")
    assert subjects == [(15, "s15", 1)] * len(rows)
    assert films[0] == ("0101", "disgust1")
    write_recordings(root, settings, 1, takes=2, layout="casme2sq")
    assert frame.stat().st_mtime_ns == written
    with pytest.raises(RunError, match=r"other settings .*seed: 2 stored, 3 current"):
        write_recordings(root, RecordingSettings(**TINY, seed=3), 1, layout="casme2sq")


@pytest.mark.parametrize("layout", ["sammlv", "casme2sq", "cas3lv"])
def test_a_folder_with_more_recordings_is_refused(tmp_path, layout):
    settings = RecordingSettings(**{**TINY, "seconds": 5.0}, blinks=0, turns=0, speech=0, fps=5)
    settings = replace(settings, micro=(0, 0))
    write_recordings(tmp_path, settings, 2, 1, layout)
    truth = (tmp_path / TRUTH).read_bytes()
    with pytest.raises(RunError, match="not among 1 subjects with 1 recordings each"):
        write_recordings(tmp_path, settings, 1, 1, layout)
    with pytest.raises(RunError, match="not among 1 subjects with 2 recordings each"):
        write_recordings(tmp_path, settings, 1, 2, layout)
    assert (tmp_path / TRUTH).read_bytes() == truth
    write_recordings(tmp_path, settings, 2, 2, layout)
    with pytest.raises(RunError, match="not among 2 subjects with 1 recordings each"):
        write_recordings(tmp_path, settings, 2, 1, layout)


def test_an_unknown_layout_and_too_many_recordings_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="layout is 'fer'"):
        write_recordings(tmp_path, RecordingSettings(), layout="fer")
    with pytest.raises(ConfigError, match="2 subjects with 10 recordings each"):
        write_recordings(tmp_path, RecordingSettings(), 2, takes=10, layout="casme2sq")
