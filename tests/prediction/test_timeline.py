"""Timelines of recordings of any length."""

from itertools import pairwise
from pathlib import Path

import pytest

from gamdss.prediction import timeline


def recording(seconds, *expressions):
    found = [
        {"seconds": times, "type": "micro", "label": "joy", "reliable": True}
        for times in expressions
    ]
    stretch = {"seconds": [0, seconds]}
    return {
        "name": "film",
        "frames": 30 * seconds,
        "fps": 30,
        "others": [{"kind": "blink", "seconds": [1, 2]}],
        "predictions": found,
        "stretches": [stretch],
    }


@pytest.fixture
def drawn(monkeypatch):
    figures = []
    monkeypatch.setattr(timeline, "save", lambda figure, _: figures.append(figure))

    def draw(found):
        timeline.draw_timeline(Path("film.png"), found, ["joy"])
        return figures[-1].axes

    return draw


@pytest.mark.parametrize(("seconds", "panels"), [(2, 1), (120, 1), (121, 2), (3600, 15)])
def test_long_recordings_continue_in_panels(drawn, seconds, panels):
    axes = drawn(recording(seconds))
    limits = [panel.get_xlim() for panel in axes]
    assert len(limits) == panels
    assert limits[0][0] == 0
    assert limits[-1][1] >= seconds
    assert all(low == high for (_, high), (low, _) in pairwise(limits))


def test_expressions_are_in_the_panels_of_their_seconds(drawn):
    axes = drawn(recording(300, (10, 11, 12), (119, 121, 124), (250, 251, 252)))
    assert [[text.get_text() for text in panel.texts] for panel in axes] == [
        ["1", "2"],
        ["2"],
        ["3"],
    ]


def test_without_an_expression_there_is_no_legend(drawn):
    assert not drawn(recording(60))[0].figure.legends
    (legend,) = drawn(recording(60, (10, 11, 12)))[0].figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["joy", "apex"]


def test_frames_with_gaps_last_as_long_as_their_times(drawn):
    with_gaps = {**recording(60, (30, 31, 32)), "frames": 600, "duration": 60.0}
    (panel,) = drawn(with_gaps)
    assert panel.get_xlim() == (0, 60)
    (whole,) = drawn({**with_gaps, "frames": 1800})
    assert [text.get_text() for text in panel.texts] == [text.get_text() for text in whole.texts]
