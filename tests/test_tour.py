"""The tour runs from its first cell to its last, in small."""

from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "visual" / "tour.py"
SIZES = "SUBJECTS, CLIPS, EPOCHS, SECONDS = 4, 10, 10, 20.0"


@pytest.mark.slow
def test_the_tour(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code = TOUR.read_text(encoding="utf-8")
    assert SIZES in code
    small = code.replace(SIZES, "SUBJECTS, CLIPS, EPOCHS, SECONDS = 2, 3, 1, 6.0")
    names = {}
    exec(compile(small, str(TOUR), "exec"), names)
    drawn = tmp_path / "runs" / "tour"
    for picture in ("reselection.png", "run/confusion.png", "run/tsne.png"):
        assert (drawn / picture).stat().st_size > 5000
    assert (drawn / "predictions" / "predictions.html").is_file()
    assert len(names["answer"]["recordings"]) == 1
    assert "held-out subject 01:" in capsys.readouterr().out
