"""Predictions are compared with the truth of a synthetic recording."""

from types import SimpleNamespace

import pytest

from gamdss.errors import ConfigError
from gamdss.records import KeyFrames
from gamdss.studies.spotting.end_to_end import compared, main


def event(kind, onset, apex, offset):
    return SimpleNamespace(kind=kind, onset=onset, apex=apex, offset=offset)


def prediction(kind, numbers, intervals, reliable=True):
    return SimpleNamespace(
        type=kind, keys=KeyFrames(*numbers, intervals=intervals), reliable=reliable
    )


@pytest.mark.parametrize("reliable", [True, False])
def test_errors_and_intervals_of_expressions_that_are_reached(reliable):
    events = [event("macro", 10, 20, 40), event("micro", 60, 64, 70), event("blink", 90, 92, 94)]
    drawn = SimpleNamespace(name="a", events=events)
    found = [
        prediction("macro", (12, 20, 39), ((11, 13), (18, 22), (38, 41)), reliable),
        prediction("micro", (80, 84, 88), ((79, 81), (83, 85), (87, 89))),
    ]
    result = compared(drawn, found)
    assert [span.type for span in result.spotted.predictions] == ["macro", "micro"]
    assert result.errors.tolist() == ([[2, 0, -1]] if reliable else [])
    assert result.inside.tolist() == ([[False, True, True]] if reliable else [])


def test_an_unknown_condition_is_refused_before_the_run_is_opened():
    with pytest.raises(ConfigError, match="unknown condition '60 fps'"):
        main("no run", ["60 fps"])
