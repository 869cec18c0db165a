"""The measurement of spotting: its table, and, if asked for, its numbers."""

from dataclasses import replace

import pytest

from gamdss.errors import ConfigError
from gamdss.report.spotting_table import spotting_table
from gamdss.studies.spotting.measure import CONDITIONS, main, measure
from gamdss.synthetic.recording_events import RecordingSettings


@pytest.mark.slow
def test_table_of_two_tiny_recordings():
    settings = RecordingSettings(seconds=9, height=97, width=80, micro=(0, 0), speech=0, seed=1)
    scores = measure(settings, 2)
    labels = scores["macro"].counts.tp + scores["macro"].counts.fn
    assert labels >= 2
    lines = spotting_table({"tiny": scores}).splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:]] == ["micro", "macro", "overall"]


def test_an_unknown_condition_is_refused():
    with pytest.raises(ConfigError, match="unknown condition '60 fps'"):
        main(["60 fps"])


@pytest.mark.slow
def test_f1_on_seeds_that_nothing_was_tuned_on():
    scores = measure(replace(CONDITIONS["30 fps"][0], seconds=15, height=146, width=120), 2)
    assert scores["overall"].counts.f1 >= 0.6
    assert scores["micro"].counts.f1 >= 0.4
