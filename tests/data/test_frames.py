"""Finding and decoding frames in intact and broken folders."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from gamdss.config import FramesConfig
from gamdss.data.decoding import decode
from gamdss.data.folders import frame_number, frame_numbers, numbered_images
from gamdss.data.frames import FrameFinder
from gamdss.data.nearest_frames import moved_to_nearest
from gamdss.data.specs import get_spec
from gamdss.errors import DataRootError, FrameError
from gamdss.records import Clip, KeyFrames

SPEC = get_spec("cas2")


def clip(subject="01", name="EP02_01f"):
    return Clip("cas2", subject, name, KeyFrames(46, 48, 50), "happiness", row=7)


def make(folder, numbers, pattern="reg_img{}.jpg"):
    folder.mkdir(parents=True)
    for number in numbers:
        cv2.imwrite(str(folder / pattern.format(number)), np.full((8, 8, 3), number, np.uint8))
    return folder


def test_frames_are_found_by_number(tmp_path):
    folder = make(tmp_path / "Cropped/sub01/EP02_01f", [50, 46, 48, 101])
    (folder / "notes.txt").write_text("7")
    found = FrameFinder(SPEC, tmp_path).find(clip())
    assert list(found.files) == [46, 48, 50, 101]
    assert found.files[48].name == "reg_img48.jpg"


@pytest.mark.parametrize("folder", ["cropped/SUB01/ep02_01F", "Cropped/sub1/EP2_1f"])
def test_case_and_padding_of_folders_and_files_do_not_matter(tmp_path, folder):
    make(tmp_path / folder, [46, 48, 50], "reg_img{:05d}.JPG")
    assert list(FrameFinder(SPEC, tmp_path).find(clip()).files) == [46, 48, 50]


def test_the_exact_folder_wins_over_one_that_differs_in_padding(tmp_path):
    make(tmp_path / "Cropped/sub01/EP2_1f", [1, 2])
    exact = make(tmp_path / "Cropped/sub01/EP02_01f", [46, 48, 50])
    assert FrameFinder(SPEC, tmp_path).find(clip()).folder == exact


def test_a_folder_is_not_that_of_two_clips(tmp_path):
    make(tmp_path / "Cropped/sub01/EP02_01f", [46, 48, 50])
    finder = FrameFinder(SPEC, tmp_path)
    finder.find(clip())
    finder.find(clip())
    message = r"clips 01/EP02_01f .* and 01/EP2_1f .* have one folder, whose name is taken for"
    with pytest.raises(FrameError, match=message) as caught:
        finder.find(clip(name="EP2_1f"))
    assert caught.value.kind == "one folder of two clips"


def test_alternative_roots(tmp_path):
    make(tmp_path / "Cropped-updated/Cropped/sub01/EP02_01f", [46, 48, 50])
    assert FrameFinder(SPEC, tmp_path).find(clip())


def test_no_frame_folder(tmp_path):
    with pytest.raises(DataRootError, match="no folder of frames"):
        FrameFinder(SPEC, tmp_path)


def test_missing_clip_folder_names_clip_row_and_path(tmp_path):
    make(tmp_path / "Cropped/sub01/EP02_01f", [46])
    with pytest.raises(FrameError, match=r"sub03/EP09: clip 03/EP09 \(row 7"):
        FrameFinder(SPEC, tmp_path).find(clip("03", "EP09"))


def test_missing_annotated_frame_names_the_range(tmp_path):
    make(tmp_path / "Cropped/sub01/EP02_01f", [46, 47, 50])
    with pytest.raises(FrameError, match=r"reg_img48.jpg: .*apex frame 48 .* from 46 to 50"):
        FrameFinder(SPEC, tmp_path).find(clip())


@pytest.mark.parametrize(
    ("annotated", "present", "moved"),
    [
        ((46, 48, 50), [45, 47, 51], (45, 47, 51)),
        ((100, 180, 200), [*range(120, 196)], (120, 180, 195)),  # a quarter of each phase
        ((100, 100, 120), [101, 120], (101, 101, 120)),  # the annotation says that they are one
        ((100, 100, 120), [100, 114], None),
        ((100, 180, 200), [*range(121, 201)], None),
        ((100, 108, 120), [*range(100, 113)], None),
        ((46, 47, 60), [47, 60], None),
        ((46, 58, 60), [46, 58], None),
    ],
)
def test_a_missing_key_frame_moves_to_a_near_and_distinct_frame(annotated, present, moved):
    if moved is None:
        with pytest.raises(FrameError, match=r"frames away: more than|would both be frame"):
            moved_to_nearest(KeyFrames(*annotated), present)
    else:
        assert moved_to_nearest(KeyFrames(*annotated), present).numbers == moved


def test_a_remedy_that_is_already_used_is_not_given(tmp_path):
    make(tmp_path / "Cropped/sub01/EP02_01f", [45, 46, 47])
    message = (
        r"reg_img48.jpg: clip 01/EP02_01f \(row 7 of the workbook\): the annotated apex frame 48 "
        r"is missing, and with the nearest one apex and offset \(48 and 50\) would both be frame "
        r"47; the folder has 3 frames from 45 to 47\nRestore the frame, or correct the apex.$"
    )
    with pytest.raises(FrameError, match=message):
        FrameFinder(SPEC, tmp_path, FramesConfig(missing="nearest")).find(clip())


@pytest.mark.parametrize("missing", ["error", "nearest"])
@pytest.mark.parametrize("first", [0, 1])
def test_files_numbered_anew_are_named_so(tmp_path, missing, first):
    make(tmp_path / "Cropped/sub01/EP02_01f", range(first, first + 5))
    message = rf"frames from 46 to 50: the files seem to be renumbered from {first}; .*\nGive"
    with pytest.raises(FrameError, match=message):
        FrameFinder(SPEC, tmp_path, FramesConfig(missing=missing)).find(clip())


def test_empty_clip_folder_and_two_files_of_one_number(tmp_path):
    folder = make(tmp_path / "Cropped/sub01/EP02_01f", [])
    with pytest.raises(FrameError, match="has no frame"):
        FrameFinder(SPEC, tmp_path).find(clip())
    for name in ("reg_img46.jpg", "img046.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(FrameError, match="both frame 46"):
        FrameFinder(SPEC, tmp_path).find(clip())


def test_decode_gives_bgr(tmp_path):
    image = np.zeros((32, 24, 3), np.uint8)
    image[..., 0] = 200
    path = tmp_path / "1.png"
    cv2.imwrite(str(path), image)
    assert np.array_equal(decode(path, colour=True), image)


def test_grey_frames_are_refused_only_in_colour_datasets(tmp_path):
    path = tmp_path / "1.jpg"
    cv2.imwrite(str(path), np.full((16, 16), 99, np.uint8))
    with pytest.raises(FrameError, match=r"grey[\s\S]*--frames.grey accept"):
        decode(path, colour=True)
    for image in (decode(path, colour=False), decode(path, colour=True, accept_grey=True)):
        assert image.shape == (16, 16, 3)
        assert (image == 99).all()


def test_sixteen_bit_and_transparent_frames(tmp_path):
    deep = tmp_path / "16.png"
    cv2.imwrite(str(deep), np.full((4, 4, 3), 51456, np.uint16))
    assert (decode(deep, colour=True) == 201).all()
    clear = tmp_path / "4.png"
    cv2.imwrite(str(clear), np.full((4, 4, 4), 7, np.uint8))
    assert decode(clear, colour=True).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"empty \(0 bytes\)"),
        (b"no image at all", "not an image"),
        (b"\xff\xd8\xff\xe0" + b"x" * 50, "truncated"),
    ],
)
def test_unreadable_frames(tmp_path, content, message):
    path = tmp_path / "1.jpg"
    path.write_bytes(content)
    with pytest.raises(FrameError, match=message) as caught:
        decode(path, colour=True)
    assert str(path) in str(caught.value)


def test_a_truncated_jpeg_is_not_filled_up(tmp_path):
    path = tmp_path / "1.jpg"
    rng = np.random.default_rng(0)
    cv2.imwrite(str(path), rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(FrameError, match="truncated"):
        decode(path, colour=True)


def test_a_frame_that_no_longer_exists(tmp_path):
    with pytest.raises(FrameError, match="cannot be read"):
        decode(tmp_path / "gone.jpg", colour=True)


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("001_00040 (1).jpg", 40),
        ("001_00040(1).jpg", 40),
        ("001_00040 - Copy.jpg", 40),
        ("001_00040 - Copy (2).jpg", 40),
        ("001_00040 copy 2.jpg", 40),
        ("001_00040 - 副本 (3).jpg", 40),
        ("img (12).jpg", 12),  # as file managers number what they rename together
        ("copy 12.jpg", 12),
        ("scope_12.jpg", 12),
        ("cover (front).jpg", None),
    ],
)
def test_a_copy_has_the_number_of_its_frame(name, number):
    assert frame_number(Path(name)) == number


def test_a_copy_of_a_frame_is_a_second_file_of_it(tmp_path):
    folder = make(tmp_path / "Cropped/sub01/EP02_01f", range(46, 51))
    (folder / "reg_img48 (1).jpg").write_bytes((folder / "reg_img48.jpg").read_bytes())
    with pytest.raises(
        FrameError, match=r"reg_img48 \(1\).jpg and reg_img48.jpg are both frame 48"
    ):
        FrameFinder(SPEC, tmp_path).find(clip())
    (folder / "reg_img48.jpg").unlink()
    assert list(FrameFinder(SPEC, tmp_path).find(clip()).files) == [46, 47, 48, 49, 50]


def test_files_that_were_renamed_together_are_no_copies():
    files = [Path(f"sub01 ({number}).jpg") for number in (1, 2, 10)]
    assert list(frame_numbers(files).values()) == [1, 2, 10]
    assert numbered_images(files) == (dict(zip((1, 2, 10), files, strict=True)), "")


def test_copies_beside_images_are_left_out():
    files = [Path(name) for name in ("a1.jpg", "a2 (1).jpg", "a2.jpg", "cover.jpg", "a3.jpg")]
    found, text = numbered_images(files)
    assert {number: path.name for number, path in found.items()} == {
        **{1: "a1.jpg", 2: "a2.jpg", 3: "a3.jpg"},
    }
    assert text == (
        "images without a frame number are left out: cover.jpg; "
        "copies of images are left out: a2 (1).jpg"
    )
