"""`keyframes.csv`: each value is in its column."""

import csv
from types import SimpleNamespace

from gamdss.data import key_frame_table
from gamdss.data.key_frame_table import write_key_frames
from gamdss.records import Clip, KeyFrames


def test_rows_have_intervals_and_apex_phases(tmp_path, monkeypatch):
    monkeypatch.setattr(key_frame_table, "write_annotations", lambda *_: None)
    monkeypatch.setattr(key_frame_table, "composition", lambda *_: [])
    clips = [Clip("cas2", "01", name, KeyFrames(10, 20, 40), "joy") for name in "abc"]
    ends = ((9, 11), (23, 27), (40, 44))
    found = (
        KeyFrames(10, 25, 42, intervals=ends, apex_phase=(18, 33), quality=0.9),
        KeyFrames(10, 25, 42, intervals=ends, uncertain=("apex",)),
        KeyFrames(11, 20, 40, notes=("frame 12 is missing",)),
    )
    annotations = SimpleNamespace(clips=clips)
    store = SimpleNamespace(reselected_keys=found)
    dataset = SimpleNamespace(annotations=annotations, store=store, expected=None, learned=None)
    write_key_frames(tmp_path / "keyframes.csv", dataset)
    with (tmp_path / "keyframes.csv").open(newline="") as lines:
        held, peaks, plain = csv.DictReader(lines)
    assert (held["apex_phase_first"], held["apex_phase_last"]) == ("18", "33")
    assert (held["apex_low"], held["offset_high"], held["quality"]) == ("23", "44", "0.900")
    assert (peaks["apex_phase_first"], peaks["apex_phase_last"]) == ("", "")
    assert (peaks["onset_low"], peaks["uncertain"]) == ("9", "apex")
    assert (plain["onset_low"], plain["apex_phase_last"]) == ("", "")
    assert (plain["onset_shift"], plain["notes"]) == ("1", "frame 12 is missing")
