"""A full disk is an error with a remedy, and the command resumes when there is space again."""

import subprocess
import sys

import pytest
from killing import EVERY, LONG, contents, run

pytestmark = pytest.mark.slow

COMMANDS = EVERY if LONG else ["align"]
SHARES = (0.05, 0.3, 0.6, 0.9) if LONG else (0.5,)  # of what the command writes


@pytest.fixture
def disk(tmp_path):
    """Sets the size of a small disk in bytes, mounted where root may; returns its folder."""
    place = tmp_path / "disk"
    place.mkdir()
    if not sys.platform.startswith("linux") or _mount("-o", "size=64k", "none", place):
        pytest.skip("no right to mount a small disk")

    def resize(size):
        assert _mount("-o", f"remount,size={max(size, 4096)}", "none", place) == 0
        return place

    yield resize
    subprocess.run(["umount", str(place)], check=True)


def _mount(*words):
    command = ["mount", "-t", "tmpfs", *map(str, words)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return 1


def used(folder):
    """Bytes of the files, in blocks as the disk counts them."""
    files = [path for path in folder.rglob("*") if path.is_file()]  # folders take no space
    return sum(-(-path.stat().st_size // 4096) * 4096 for path in files)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_on_a_full_disk(places, tmp_path, disk, name, share):
    expected, _ = places.whole(name)
    log = tmp_path / "log"
    place = disk(int(share * used(places.folder / f"{name}_whole")))
    words = places.words(name, place / "made" / "out")
    status, _ = run(words, log)
    shown = log.read_text()
    assert status == (1 if name == "table" else 2), shown  # a table leaves its rows empty
    assert "cannot be written" in shown, shown
    assert "Traceback" not in shown
    disk(1 << 28)
    assert run(words, log)[0] == 0, log.read_text()
    assert contents(place / "made") == expected


@pytest.mark.parametrize("size", [4, 12, 20, 24, 28] if LONG else [12])  # KiB
def test_a_cache_on_a_full_disk(places, tmp_path, disk, size):
    """The store of the tiny clips takes 36 KiB and its index 8."""
    log = tmp_path / "log"
    words = places.words("train", tmp_path / "run")
    words[words.index("--cache") + 1] = disk(size << 10) / "cache"
    status, _ = run([*words, "--folds", "01"], log)
    shown = log.read_text()
    assert status == 2, shown
    assert "cannot be written" in shown
    assert "Traceback" not in shown
    disk(1 << 28)
    assert run([*words, "--folds", "01"], log)[0] == 0, log.read_text()
