"""Frames of videos and folders as a stream; what is wrong with them is named."""

import re
import struct
import weakref

import cv2
import numpy as np
import pytest
from filmed import coffee, film, frames, halve, portrait, record, restate, rotate, vary

from gamdss.errors import ConfigError, DataRootError, FrameError
from gamdss.prediction.recordings import FrameStream, Recording, find_recordings, number_step

GREYS = [np.full((48, 64, 3), 8 * n, np.uint8) for n in range(1, 25)]


def levels(stream, only=None):
    return [(f.number, round(float(f.image.mean()) / 8)) for f in stream.frames(only)]


def test_frames_of_a_video_have_numbers_and_times(tmp_path):
    stream = FrameStream(Recording("clip", film(tmp_path / "clip.avi", GREYS)))
    assert (stream.fps, stream.expected) == (25, 24)
    assert levels(stream) == [(n, n) for n in range(1, 25)]
    assert levels(stream, range(5, 8)) == [(5, 5), (6, 6), (7, 7)]
    assert [f.seconds for f in stream] == pytest.approx([n / 25 for n in range(24)], abs=1e-3)
    assert stream.warnings == []


def test_a_given_frame_rate_counts(tmp_path):
    path = film(tmp_path / "clip.avi", GREYS)
    stream = FrameStream(Recording("clip", path, fps=200))
    assert [f.seconds for f in stream] == pytest.approx([n / 200 for n in range(24)])
    with pytest.raises(ConfigError, match="frame rate is 0"):
        Recording("clip", path, fps=0)


def test_a_folder_of_frames_keeps_its_numbers(tmp_path):
    folder = frames(tmp_path / "raw", GREYS[:6], first=46)
    assert levels(FrameStream(Recording("raw", folder, 100))) == [(45 + n, n) for n in range(1, 7)]
    (folder / "img48.png").unlink()
    stream = FrameStream(Recording("raw", folder, 100))
    assert [f.seconds for f in stream] == pytest.approx([0, 0.01, 0.03, 0.04, 0.05])
    assert "missing frames: 10 to 20 ms" in stream.warnings[0]


@pytest.mark.parametrize(
    ("numbers", "step", "end"),
    [
        (range(1, 70, 3), "3", "If 30 is the rate of the numbers, pass --fps 10"),
        ([round(1000 * n / 30) for n in range(1, 24)], "33.4", "0.733 seconds"),
    ],
)
def test_numbers_in_steps_are_images_that_follow_each_other(tmp_path, numbers, step, end):
    """Every third frame, and names of milliseconds."""
    (tmp_path / "raw").mkdir()
    for number in numbers:
        cv2.imwrite(str(tmp_path / "raw" / f"f_{number:06d}.png"), GREYS[0])
    stream = FrameStream(Recording("raw", tmp_path / "raw", 30))
    assert [f.seconds for f in stream] == pytest.approx([n / 30 for n in range(23)], abs=1e-3)
    assert stream.fps == 30
    (said,) = stream.warnings
    first, last = numbers[0], numbers[-1]
    assert f"the 23 images are numbered from {first} to {last} in steps of {step}:" in said
    assert "30 images per second, so that they last 0.733 seconds" in said
    assert said.endswith(end)
    stream.refuse_short()
    with pytest.raises(FrameError, match=r"23 frames \(0\.22 seconds\)"):
        FrameStream(Recording("raw", tmp_path / "raw", 100)).refuse_short()
    of_numbers = FrameStream(Recording("raw", tmp_path / "raw", 300, by_number=True))
    assert of_numbers.fps == pytest.approx(300 / float(step), rel=0.01)
    assert [f.seconds for f in of_numbers] == pytest.approx(
        [(n - first) / 300 for n in numbers], abs=1e-3
    )


def test_a_gap_among_numbers_in_steps_counts_as_time(tmp_path):
    (tmp_path / "raw").mkdir()
    for number in [*range(1, 40, 3), *range(49, 70, 3)]:
        cv2.imwrite(str(tmp_path / "raw" / f"{number}.png"), GREYS[0])
    stream = FrameStream(Recording("raw", tmp_path / "raw", 10))
    assert list(stream)[-1].seconds == pytest.approx(2.2)
    assert "missing frames: 100 to 400 ms" in stream.warnings[-1]


@pytest.mark.parametrize("numbers", [[5], range(9), [1, 2, 4, 5, 7, 8, 10], [1, 2, 9, 10]])
def test_numbers_of_which_some_are_missing_step_by_one(numbers):
    assert number_step(list(numbers)) == 1


def test_images_without_a_number_are_left_out_and_named(tmp_path):
    folder = frames(tmp_path / "raw", GREYS[:12])
    frames(tmp_path / "other", [GREYS[20][:20]])
    (tmp_path / "other" / "img1.png").rename(folder / "cover.png")
    stream = FrameStream(Recording("raw", folder, 100))
    assert levels(stream) == [(n, n) for n in range(1, 13)]
    assert "left out: cover.png" in stream.warnings[0]


def test_frames_without_a_rate_ask_for_it(tmp_path):
    with pytest.raises(FrameError, match="--fps"):
        FrameStream(Recording("raw", frames(tmp_path / "raw", GREYS[:2])))


def test_a_tree_of_videos_and_folders(tmp_path, caplog):
    (tmp_path / "one").mkdir()
    film(tmp_path / "one" / "b.avi", GREYS[:2])
    frames(tmp_path / "two" / "raw", GREYS[:2])
    film(tmp_path / ".hidden.avi", GREYS[:2])
    (tmp_path / "notes.txt").write_text("no recording")
    frames(tmp_path / "one" / "cover", GREYS[:1])
    (tmp_path / "one" / "c.GIF").touch()
    names = [recording.name for recording in find_recordings(tmp_path, 30)]
    assert names == ["one/b.avi", "two/raw"]
    assert "files of other types are left out: one/c.GIF; convert them" in caplog.text
    assert "one/cover/img1.png is a single image and left out" in caplog.text
    (only,) = find_recordings(tmp_path / "one" / "b.avi")
    assert (only.name, only.fps) == ("b", None)
    with pytest.raises(DataRootError, match="no such"):
        find_recordings(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRootError, match=r"no video .* or image"):
        find_recordings(tmp_path / "empty")


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (["."], r"img1\.png is a single image"),
        (["a", "b"], r"a/img1\.png and 1 more are single images"),
    ],
)
def test_a_single_image_is_named(tmp_path, folders, said):
    for folder in folders:
        frames(tmp_path / "in" / folder, GREYS[:1])
    with pytest.raises(DataRootError, match=said) as error:
        find_recordings(tmp_path / "in")
    assert "A recording needs at least 8 frames and 0.3 seconds" in error.value.remedy
    names = [found.name for found in find_recordings(tmp_path / "in", least=1)]
    assert names == (["in"] if folders == ["."] else folders)


def test_recordings_that_are_too_short_are_refused(tmp_path):
    for fps, count in ((25, 8), (15, 7), (60, 18)):
        path = film(tmp_path / f"{fps}.avi", GREYS[:count], fps)
        needed = max(8, round(0.3 * fps) + 1)
        said = rf"{count} frames .* too few(.|\n)*{needed} frames at"
        with pytest.raises(FrameError, match=said):
            FrameStream(Recording("clip", path)).refuse_short()
        FrameStream(Recording("clip", film(path, GREYS[:needed], fps))).refuse_short()
    FrameStream(Recording("clip", path, fps=20)).refuse_short()
    raw = frames(tmp_path / "raw", GREYS)
    FrameStream(Recording("raw", raw, 70)).refuse_short()
    with pytest.raises(FrameError, match=r"24 frames \(0.23 seconds\)"):
        FrameStream(Recording("raw", raw, 100)).refuse_short()


@pytest.mark.parametrize("name", ["face.mp4", "face.png"])
def test_a_picture_that_is_given_as_a_video_is_named(tmp_path, name):
    frames(tmp_path / "raw", [portrait()])
    path = (tmp_path / "raw" / "img1.png").rename(tmp_path / name)
    with pytest.raises(FrameError, match=f"{name}: one frame: a still picture"):
        FrameStream(Recording("face", path)).refuse_short()


@pytest.mark.parametrize("content", [b"", b"not a video" * 99])
def test_what_is_not_a_video(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(FrameError, match=r"clip\.mp4: not a video.*\n.*convert"):
        FrameStream(Recording("clip", path))


def test_a_truncated_video_gives_its_frames_and_a_warning(tmp_path):
    path = halve(film(tmp_path / "clip.avi", [portrait(), coffee()] * 20))
    stream = FrameStream(Recording("clip", path))
    seen = [frame.number for frame in stream]
    assert 10 < len(seen) < 30
    said = f"the video ends after frame {len(seen)} of the 40 that it states"
    assert any(text.startswith(said) for text in stream.warnings)


@pytest.mark.parametrize("stated", [0, 12, 25, 48])
def test_all_frames_are_read_whatever_number_is_stated(tmp_path, stated):
    path = restate(film(tmp_path / "clip.avi", GREYS), stated)
    stream = FrameStream(Recording("clip", path))
    assert levels(stream) == [(n, n) for n in range(1, 25)]
    said = ["the video ends after frame 24 of the 48 that it states: check that it is complete"]
    assert stream.warnings == (said if stated == 48 else [])


def test_rotation_is_applied(tmp_path):
    path = film(tmp_path / "clip.mp4", [portrait()[:200]] * 3, code="mp4v")
    rotate(path)
    images = [frame.image for frame in FrameStream(Recording("clip", path))]
    assert images[0].shape == (320, 200, 3)
    upright = np.rot90(portrait()[:200], -1).astype(float)
    assert np.abs(images[0] - upright).mean() < 10


def test_a_variable_frame_rate_is_reported(tmp_path):
    path = film(tmp_path / "clip.mp4", GREYS, code="mp4v")
    steady = FrameStream(Recording("clip", path))
    unit = [f.seconds for f in steady][1]
    assert steady.warnings == []
    data = path.read_bytes()
    at = data.index(b"stts")
    ticks = int.from_bytes(data[at + 16 : at + 20], "big")
    vary(path, ticks // 2, 3 * ticks // 2)
    stream = FrameStream(Recording("clip", path))
    gaps = np.diff([f.seconds for f in stream])
    assert gaps[:11] == pytest.approx(unit / 2, abs=1e-3)
    assert gaps[12:] == pytest.approx(1.5 * unit, abs=1e-3)
    stated, variable = stream.warnings
    assert "the video states 25 frames per second, but its frames are 20 ms apart" in stated
    assert "variable frame rate: 20 to 60 ms" in variable


# Frames of a browser's video: every fifth is late.
STAMPS = [36 * n + 13 * (n % 5 == 0) for n in range(24)]


@pytest.mark.parametrize("seconds", [0.87, None])
def test_a_video_of_a_browser_has_the_rate_of_its_timestamps(tmp_path, seconds):
    path = record(film(tmp_path / "clip.webm", GREYS, code="VP80"), STAMPS, seconds)
    stream = FrameStream(Recording("clip", path))
    assert stream.fps == pytest.approx(1 / 0.036)
    assert stream.expected == (0 if seconds is None else 24)
    times = [f.seconds for f in stream]
    assert times == pytest.approx([(s - STAMPS[0]) / 1000 for s in STAMPS], abs=0.002)
    stated, variable = stream.warnings
    assert "states 1000 frames per second, but its frames are 36 ms apart" in stated
    assert "27.78 frames per second are used" in stated
    assert "variable frame rate" in variable
    given = FrameStream(Recording("clip", path, fps=30))
    assert [f.seconds for f in given] == pytest.approx([n / 30 for n in range(24)])
    assert (given.fps, given.warnings) == (30, [])


@pytest.mark.parametrize("fps", [None, 30])
def test_a_video_of_a_browser_may_end_early(tmp_path, fps):
    path = record(film(tmp_path / "clip.webm", GREYS, code="VP80"), STAMPS, 1.75)
    stream = FrameStream(Recording("clip", path, fps))
    assert not any("ends after" in text for text in stream.warnings)
    assert len(list(stream)) == 24
    assert any("the video ends after 0.8 of 1.8 seconds" in text for text in stream.warnings)


def test_a_video_with_longer_sound_is_read(tmp_path):
    path = film(tmp_path / "clip.webm", GREYS, code="VP80")  # its rate is right
    data = bytearray(path.read_bytes())
    length = data.index(bytes.fromhex("448988"))
    data[length : length + 11] = struct.pack(">HBd", 0x4489, 0x88, 3000.0)
    path.write_bytes(data)
    stream = FrameStream(Recording("clip", path))
    assert len(list(stream)) == 24
    (said,) = stream.warnings
    assert re.match(r"the video ends after (0\.9|1\.0) of 3\.0 seconds: check", said)


def test_few_frames_per_second_are_reported(tmp_path):
    stream = FrameStream(Recording("clip", film(tmp_path / "clip.avi", GREYS, fps=10)))
    list(stream)
    assert "10 frames per second: a micro-expression has fewer than 5" in stream.warnings[0]


def test_frames_of_another_size_are_named(tmp_path):
    folder = frames(tmp_path / "raw", [GREYS[0], GREYS[1], GREYS[2][:40]])
    with pytest.raises(FrameError, match=r"img3\.png: frame 3 has 64 x 40 pixels"):
        list(FrameStream(Recording("raw", folder, 30)))


def test_no_frame_is_kept(tmp_path):
    stream = iter(FrameStream(Recording("clip", film(tmp_path / "clip.avi", GREYS))))
    first = weakref.ref(next(stream))
    next(stream)
    next(stream)
    assert first() is None
