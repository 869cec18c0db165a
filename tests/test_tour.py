"""The tour runs from its first cell to its last, in small."""

from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "visual" / "tour.py"
SMALLER = {
    "SUBJECTS, CLIPS, EPOCHS, SECONDS = 4, 10, 10, 20.0": (
        "SUBJECTS, CLIPS, EPOCHS, SECONDS = 3, 5, 1, 6.0"
    ),
    "fps=100, height=128, width=112": "fps=60, height=64, width=56",
    "image_size=64": "image_size=32",
    "micro=(2, 2), macro=(1, 1), turns=1": "micro=(1, 1), macro=(0, 0), turns=0",
}


@pytest.mark.slow
def test_the_tour(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code = TOUR.read_text(encoding="utf-8")
    for sizes, small in SMALLER.items():
        assert sizes in code
        code = code.replace(sizes, small)
    names = {}
    exec(compile(code, str(TOUR), "exec"), names)
    drawn = tmp_path / "runs" / "tour"
    for picture in ("reselection.png", "run/confusion.png", "run/tsne.png"):
        assert (drawn / picture).stat().st_size > 5000
    assert (drawn / "predictions" / "predictions.html").is_file()
    assert len(names["answer"]["recordings"]) == 1
    assert "held-out subject 01:" in capsys.readouterr().out
