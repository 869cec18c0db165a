"""A flipped bit in any stored file is found, or changes nothing: no traceback, no wrong number."""

import io
import random
import shutil

import numpy as np
import pytest
from killing import EFFORT, EVERY, LONG, contents
from stub_detector import detect_everywhere

from gamdss.align import run as align_run
from gamdss.cli import main
from gamdss.config import FramesConfig, ReselectionConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.data.store import open_store
from gamdss.data.workbook import find_workbook
from gamdss.runs.merge import merge

pytestmark = pytest.mark.slow

FLIPS = 3 * EFFORT  # of each file that is read in no time
MADE_AGAIN = ["align", "features"]
OTHERS = [name for name in EVERY if name not in (*MADE_AGAIN, "train")] if LONG else ["synth"]
SLOW_FLIPS = max(1, EFFORT // 4)  # of each file of a command


def damages(file, count):
    """The contents of a file with one bit flipped, cut, and replaced by other bytes."""
    data = file.read_bytes()
    draw = random.Random(len(data))
    for _ in range(count if data else 0):
        place = draw.randrange(len(data))
        yield data[:place] + bytes([data[place] ^ (1 << draw.randrange(8))]) + data[place + 1 :]
    if count > 1:
        yield from (data[: len(data) // 2], b"", b"\xff\x00{" * 9, b"[1, 2]", b"a,b\n1\n")


def files_of(folder):
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


def chosen(files):
    return files if LONG else random.Random(2).sample(files, 4)


def test_a_damaged_store_is_built_again(places, tmp_path):
    spec = get_spec("cas2")
    read = read_annotations(spec, find_workbook(spec, places.data), "c5")
    finder = FrameFinder(spec, places.data)
    clips = [finder.find(clip) for clip in read.clips]

    def opened():
        settings = FramesConfig(), ReselectionConfig("full")
        features = FeaturesConfig(name="grey-difference")
        return open_store(clips, True, 32, *settings, tmp_path, False, features)

    first = opened()
    frames, features = first.frames.copy(), first.phase_features.copy()
    for file in files_of(tmp_path):
        if file.suffix == ".lock":
            continue
        for damage in damages(file, FLIPS):
            file.write_bytes(damage)
            again = opened()
            assert np.array_equal(again.frames, frames), file
            assert np.array_equal(again.phase_features, features), file
            assert again.reselected_keys == first.reselected_keys, file
            assert (again.digest, again.contents) == (first.digest, first.contents), file


@pytest.fixture
def finished(places, tmp_path):
    """A finished run with its figures."""
    output = tmp_path / "run"
    merge([places.part("a"), places.part("b")], output)
    assert main([str(word) for word in places.words("train", output)]) == 0
    return output


def same_arrays(first, second):
    """Whether two .npz files have the same arrays: a zip file has bytes that nobody reads."""
    a, b = (np.load(io.BytesIO(data)) for data in (first, second))
    return a.files == b.files and all(np.array_equal(a[name], b[name]) for name in a.files)


def test_a_damaged_file_of_a_run_gives_no_traceback(places, finished, tmp_path, capsys):
    again = [str(word) for word in places.words("train", finished)]
    page = ["report", str(finished), "--frames", "false", "--output", str(tmp_path / "p.html")]
    whole = contents(finished)
    for file in chosen(files_of(finished)):
        if file.name == "log.csv":  # for people: no command reads it
            continue
        kept = file.read_bytes()
        for damage in damages(file, SLOW_FLIPS):
            file.write_bytes(damage)
            if file.suffix not in (".png", ".md"):  # the page shows pictures as they are
                assert main(page) in (0, 2), file
            if file.name in ("config.yaml", "data.json"):
                assert main(again) in (0, 2), file
                file.write_bytes(kept)
                continue
            assert main(again) == 0, file  # what a run computes, it computes again
            found = contents(finished)
            different = [name for name, value in whole.items() if found[name] != value]
            harmless = file.suffix == ".npz" and same_arrays(kept, file.read_bytes())
            assert not different or (harmless and file.read_bytes() == damage), file
            if different or file.name == "environment.json":  # not compared
                file.write_bytes(kept)
            capsys.readouterr()


@pytest.mark.parametrize("name", MADE_AGAIN)
def test_a_damaged_file_of_an_output_is_made_again(places, tmp_path, name, monkeypatch):
    monkeypatch.setattr(align_run, "load_detector", None)  # restored at the end of the test
    detect_everywhere()
    expected, _ = places.whole(name)
    shutil.copytree(places.folder / f"{name}_whole", tmp_path / "made")
    words = [str(word) for word in places.words(name, tmp_path / "made" / "out")]
    for file in chosen(files_of(tmp_path / "made")):
        for damage in damages(file, SLOW_FLIPS):
            file.write_bytes(damage)
            assert main(words) == 0, file
            assert contents(tmp_path / "made") == expected, file


@pytest.mark.parametrize("name", OTHERS)
def test_a_damaged_file_of_an_output_spoils_no_other(places, tmp_path, name, monkeypatch):
    """The command makes it again, leaves it as it is, or refuses it; a table names its row."""
    monkeypatch.setattr(align_run, "load_detector", None)  # restored at the end of the test
    detect_everywhere()
    expected, _ = places.whole(name)
    files = files_of(places.folder / f"{name}_whole")
    for number, file in enumerate(random.Random(3).sample(files, min(len(files), 2 + EFFORT))):
        made = tmp_path / str(number)
        shutil.copytree(places.folder / f"{name}_whole", made)
        damaged = made / file.relative_to(places.folder / f"{name}_whole")
        for damage in damages(file, SLOW_FLIPS):
            damaged.write_bytes(damage)
            status = main([str(word) for word in places.words(name, made / "out")])
            assert status in (0, 2) or (name, status) == ("table", 1), file
            if status == 1:  # a row that could not be made is missing in the table
                continue
            found = contents(made)
            assert found.keys() == expected.keys(), file
            different = [made / path for path, value in expected.items() if found[path] != value]
            assert different in ([], [damaged]), file
