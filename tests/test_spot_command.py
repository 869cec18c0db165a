"""`gamdss spot`: key frames of clips that nobody annotated, from the command line."""

import csv
import shutil

import numpy as np
import pytest

from gamdss.cli import main
from gamdss.data.synthetic import SynthConfig, write_dataset

CLEAR = SynthConfig(
    **{"subjects": 1, "clips_per_subject": 2, "height": 96, "width": 80, "fps": 100, "seed": 8},
    **{"amplitude": (2.5, 2.5), "noise": 1.0, "drift": 0.1, "blink": 0.0, "margin_ms": 100},
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("spot") / "made", CLEAR, progress=False)


def rows(folder):
    with (folder / "keyframes.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_tree_of_clips_is_spotted(made, tmp_path, capsys):
    assert main(["spot", "--input", str(made / "Cropped"), "--output", str(tmp_path)]) == 0
    assert str(tmp_path / "motion_curves.png") in capsys.readouterr().out
    assert {"motion_curves.png", "key_frames.png"} <= {path.name for path in tmp_path.iterdir()}
    with (made / "ground_truth.csv").open(newline="") as file:
        true = {f"sub{row['subject']}/{row['clip']}": row for row in csv.DictReader(file)}
    found = rows(tmp_path)
    assert {row["clip"] for row in found} == set(true)
    for row in found:
        wanted = true[row["clip"]]
        off = [abs(int(row[key]) - int(wanted[key])) for key in ("onset", "apex", "offset")]
        assert np.mean(off) <= 4
        assert int(row["apex_low"]) <= int(row["apex"]) <= int(row["apex_high"])


def test_a_clip_that_cannot_be_spotted_is_named_and_the_others_go_on(made, tmp_path, capsys):
    tree = tmp_path / "tree"
    shutil.copytree(made / "Cropped" / "sub01", tree)
    short = tree / "short"
    short.mkdir()
    for file in sorted(next(made.glob("Cropped/sub01/*")).iterdir())[:4]:
        shutil.copy(file, short)
    assert main(["spot", "--input", str(tree), "--output", str(tmp_path / "out")]) == 1
    by_name = {row["clip"]: row for row in rows(tmp_path / "out")}
    assert "too few" in by_name["short"]["problem"]
    assert sum(row["problem"] == "" for row in by_name.values()) == 2
    assert "too few" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["nothing", "empty", "too little"])
def test_what_is_no_clip_is_refused(kind, made, tmp_path, capsys):
    place = tmp_path / "place"
    if kind != "nothing":
        place.mkdir()
    if kind == "too little":
        for file in sorted(next(made.glob("Cropped/sub01/*")).iterdir())[:4]:
            shutil.copy(file, place)
    assert main(["spot", "--input", str(place), "--output", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    assert str(place) in shown
    assert "Traceback" not in shown
