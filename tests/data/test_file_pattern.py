"""Frames that `--frames.pattern` selects by the names of their files."""

import pytest

from gamdss.config import FramesConfig
from gamdss.data.file_pattern import frames_named
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.errors import FrameError
from gamdss.records import Clip, KeyFrames

NAMES = {"subject": "sub01", "clip": "EP02_01f", "number": 1}


def named(tmp_path, template, *files):
    for name in files:
        (tmp_path / name).touch()
    found = frames_named(template, NAMES, sorted(tmp_path.iterdir()))
    return {number: file.name for number, file in found.items()}


FILES = ("7.jpg", "008.jpg", "7.png", "aligned_7.jpg", "Aligned_0012.JPG", "7_crop2.jpg")
FILES += ("9_crop2.jpg", "9_crop2.png", "sub1_ep02_01F_003.jpg", "sub2_ep02_01F_003.jpg")
FILES += ("s_1001.jpg", "s_10001.jpg", "s_10200.jpg", "._7.jpg", "7.txt")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("aligned_{frame}.jpg", {7: "aligned_7.jpg", 12: "Aligned_0012.JPG"}),
        ("Aligned_0{frame}.jpg", {7: "aligned_7.jpg", 12: "Aligned_0012.JPG"}),
        ("{frame}.jpg", {7: "7.jpg", 8: "008.jpg"}),
        ("{frame}.png", {7: "7.png", 8: "008.jpg"}),
        ("{frame}_crop2.png", {7: "7_crop2.jpg", 9: "9_crop2.png"}),
        ("{subject}_{clip}_{frame}.jpg", {3: "sub1_ep02_01F_003.jpg"}),
        ("*_{clip}_{frame}.jpeg", None),  # of two subjects
        ("s_{number}{frame:03d}.jpg", {1: "s_1001.jpg"}),  # the others are of clip 10
        ("x{frame}.jpg", {}),
    ],
)
def test_only_files_named_like_the_pattern_are_frames(tmp_path, template, expected):
    if expected is None:
        with pytest.raises(FrameError, match="are both frame 3"):
            named(tmp_path, template, *FILES)
    else:
        assert named(tmp_path, template, *FILES) == expected


def finder(tmp_path, pattern):
    return FrameFinder(get_spec("cas2"), tmp_path, FramesConfig(pattern=pattern))


def clip(name):
    return Clip("cas2", "01", name, KeyFrames(1, 2, 3), "happiness", row=2)


def test_several_clips_may_be_in_one_folder(tmp_path):
    for name in ("a", "b"):
        for number in (1, 2, 3):
            (tmp_path / "all").mkdir(exist_ok=True)
            (tmp_path / "all" / f"{name}_{number:02d}.jpg").touch()
    found = finder(tmp_path, "all/{clip}_{frame}.jpg")
    for name in ("a", "b"):
        files = found.find(clip(name)).files
        assert [file.name for file in files.values()] == [f"{name}_0{n}.jpg" for n in (1, 2, 3)]
    (tmp_path / "all" / "d_5.jpg").touch()
    with pytest.raises(FrameError, match=r"named like \{clip\}_\{frame\}.jpg; the folder has a_01"):
        found.find(clip("c"))  # whose frames are not those of the others


def test_files_that_do_not_fit_the_pattern_are_used_with_a_warning(tmp_path, caplog):
    folder = tmp_path / "frames" / "01" / "a"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / f"img_{number}.jpg").touch()
    found = finder(tmp_path, "frames/{subject}/{clip}/aligned_{frame}.jpg")
    for _ in range(2):
        item = found.find(clip("a"))
        assert list(item.files) == [1, 2, 3]
    assert not found.fits_pattern(item)
    assert caplog.text.count("no file of the folder is named like aligned_{frame}.jpg") == 1
    caplog.clear()
    found = finder(tmp_path, "frames/{subject}/{clip}/img_{frame}.jpg")
    assert found.fits_pattern(found.find(clip("a")))
    assert not caplog.text


def test_a_folder_of_files_of_another_type_names_one(tmp_path):
    folder = tmp_path / "frames" / "01" / "a"
    folder.mkdir(parents=True)
    (folder / "3.tif").touch()
    with pytest.raises(FrameError, match=r"has 3\.tif\n.*read from \.jpg"):
        finder(tmp_path, "frames/{subject}/{clip}/{frame}.jpg").find(clip("a"))
