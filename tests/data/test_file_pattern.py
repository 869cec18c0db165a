"""Frames that `--frames.pattern` selects by the names of their files."""

import pytest

from gamdss.config import FramesConfig
from gamdss.data.file_pattern import frames_named
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.errors import FrameError
from gamdss.records import Clip, KeyFrames

NAMES = {"subject": "sub01", "clip": "EP02_01f"}


def named(tmp_path, template, *files):
    for name in files:
        (tmp_path / name).touch()
    found = frames_named(template, NAMES, sorted(tmp_path.iterdir()))
    return {number: file.name for number, file in found.items()}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("aligned_{frame}.jpg", {7: "aligned_7.jpg", 12: "Aligned_0012.JPG"}),
        ("{frame}.jpg", {7: "7.jpg", 8: "008.jpg"}),
        ("{frame:03d}.png", {7: "7.png"}),
        ("{frame}.bmp", None),  # no such file: any other suffix, of which two are frame 7
        ("{frame}_crop2.jpg", {7: "7_crop2.jpg", 9: "9_crop2.jpg"}),
        ("{subject}_{clip}_{frame}.jpg", {3: "sub1_ep02_01F_003.jpg"}),
        ("x{frame}.jpg", {}),
    ],
)
def test_only_files_named_like_the_pattern_are_frames(tmp_path, template, expected):
    files = ("7.jpg", "008.jpg", "7.png", "aligned_7.jpg", "Aligned_0012.JPG", "7_crop2.jpg")
    files += ("9_crop2.jpg", "sub1_ep02_01F_003.jpg", "sub2_ep02_01F_003.jpg", "._7.jpg", "7.txt")
    if expected is None:
        with pytest.raises(FrameError, match="are both frame 7"):
            named(tmp_path, template, *files)
    else:
        assert named(tmp_path, template, *files) == expected


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_a_pattern_that_fits_no_file_names_one_that_is_there(tmp_path, suffix):
    folder = tmp_path / "frames" / "01" / "a"
    folder.mkdir(parents=True)
    (folder / f"3.{suffix}").touch()
    pattern = "frames/{subject}/{clip}/x{frame}.jpg"
    finder = FrameFinder(get_spec("cas2"), tmp_path, FramesConfig(pattern=pattern))
    clip = Clip("cas2", "01", "a", "happiness", KeyFrames(1, 2, 3), row=2)
    problem = rf"named like x\{{frame\}}.jpg; the folder has 3.{suffix}\n"
    with pytest.raises(FrameError, match=problem):
        finder.find(clip)
