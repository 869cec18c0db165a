"""Fonts of figures: names in any script are drawn if a font has their characters."""

import warnings

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from gamdss.report import style
from gamdss.report.style import house_style, save

ONLY_IN_STIX = "ᶁ"


@pytest.fixture(autouse=True)
def nothing_was_warned_of(monkeypatch):
    monkeypatch.setattr(style, "_BOXES", set())
    monkeypatch.setattr(style, "_FALLBACKS", ())


def drawn(path, words):
    with house_style():
        figure = Figure(figsize=(2, 1))
        figure.text(0.1, 0.5, words, size=20)
        save(figure, path)
    return cv2.imread(str(path))


def test_boxes_are_warned_of_once(tmp_path, caplog):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for words in ("李明", "王芳"):
            drawn(tmp_path / "a.png", words)
    (said,) = caplog.messages
    assert "such as 明: install one" in said


def test_characters_of_an_installed_font_are_drawn(tmp_path, caplog, monkeypatch):
    box = drawn(tmp_path / "box.png", ONLY_IN_STIX)
    assert len(caplog.messages) == 1
    caplog.clear()
    monkeypatch.setattr(style, "_BOXES", set())
    monkeypatch.setattr(style, "_FALLBACKS", ("not installed", "STIXGeneral"))
    assert not np.array_equal(drawn(tmp_path / "a.png", ONLY_IN_STIX), box)
    assert caplog.messages == []


def test_fallbacks_do_not_change_other_words(tmp_path, monkeypatch):
    words = "Zoë Müller → 12 %, ±3"
    before = drawn(tmp_path / "before.png", words)
    monkeypatch.setattr(style, "_FALLBACKS", ("STIXGeneral",))
    assert np.array_equal(drawn(tmp_path / "after.png", words), before)
