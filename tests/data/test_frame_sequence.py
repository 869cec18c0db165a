"""A clip's frames from a folder or a video, by number."""

import os
import pickle
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from filmed import film, halve

import gamdss
from gamdss.errors import FrameError


def images(count=12):
    """A square that grows until the middle, then shrinks; (T, H, W, 3) uint8."""
    frames = np.full((count, 48, 64, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        half = 4 + 2 * min(number, count - 1 - number)
        frame[24 - half : 24 + half, 32 - half : 32 + half] = (40, 120, 200)
    return frames


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "EP01_02"
    place.mkdir()
    for number, frame in enumerate(images(), start=46):
        cv2.imwrite(str(place / f"reg_img{number}.png"), frame)
    (place / "notes.txt").write_text("not a frame")
    return place


@pytest.fixture
def video(tmp_path):
    return film(tmp_path / "clip.avi", images(), 30)


def test_a_folder_by_the_numbers_in_its_names(folder):
    frames = gamdss.FrameSequence(folder)
    assert frames.numbers == tuple(range(46, 58))
    assert len(frames) == 12
    assert 46 in frames
    assert 58 not in frames
    assert np.array_equal(frames[50], images()[4])
    assert "12 frames from 46 to 57" in repr(frames)
    counted = gamdss.FrameSequence(folder, first_frame=1)
    assert np.array_equal(counted[5], frames[50])
    with pytest.raises(KeyError):
        _ = frames[1]


def shades(place, names):
    """Images of one grey level each, 10 more for each name; then those that are read, in order."""
    place.mkdir()
    for level, name in enumerate(names, start=1):
        cv2.imwrite(str(place / name), np.full((8, 8, 3), 10 * level, np.uint8))
    frames = gamdss.FrameSequence(place)
    return {number: int(frames[number].mean()) // 10 for number in frames}


def test_images_without_a_number_are_left_out(tmp_path, caplog):
    names = ["img_1.png", "img_2.png", "img_10.png", "cover.png"]
    assert shades(tmp_path / "clip", names) == {1: 1, 2: 2, 10: 3}
    assert "without a frame number are left out: cover.png" in caplog.text


def test_images_are_counted_in_the_order_of_their_numbers(tmp_path, caplog):
    names = [f"frame_{n}_cam1.png" for n in range(8, 12)]
    assert shades(tmp_path / "cam", names) == {1: 1, 2: 2, 3: 3, 4: 4}
    assert "the same frame number" in caplog.text
    assert "from frame_8_cam1.png to frame_11_cam1.png" in caplog.text
    assert shades(tmp_path / "most", ["b.png", "c.png", "a5.png"]) == {1: 3, 2: 1, 3: 2}
    assert "some images have no frame number" in caplog.text
    caplog.clear()
    assert shades(tmp_path / "right", ["cam1_9.png", "cam1_10.png"]) == {9: 1, 10: 2}
    assert not caplog.text


def test_a_video_in_any_order(video):
    frames = gamdss.FrameSequence(video, first_frame=100)
    assert frames.numbers == tuple(range(100, 112))
    for number in (103, 101, 111):
        assert frames[number].shape == (48, 64, 3)
        assert np.abs(frames[number].astype(int) - images()[number - 100]).mean() < 8


def test_a_truncated_video_is_named(tmp_path, caplog):
    whole = gamdss.FrameSequence(film(tmp_path / "whole.avi", images(40)))
    assert (len(whole), whole.warning, caplog.text) == (40, "", "")
    frames = gamdss.FrameSequence(halve(film(tmp_path / "clip.avi", images(40))))
    said = f"the video ends after frame {len(frames)} of the 40 that it states: check that it is"
    assert 10 < len(frames) < 30
    assert frames.warning.startswith(said)
    assert f"clip.avi: {said}" in caplog.text
    clips = [(frames, 2, 5, 8, "joy")]
    data = gamdss.KeyFrameDataset(clips, image_size=32, progress=False)
    assert data.keys[0].notes == (frames.warning,)


def send(pipe, frames, numbers):
    pipe.send([frames[number] for number in numbers])


@pytest.mark.parametrize("opened_before", [False, True])
def test_forked_workers_see_the_same_frames(video, opened_before):
    """Two at once; they would share the file position with this process if they inherited it."""
    frames = gamdss.FrameSequence(video)
    expected = [frames[number] for number in frames]
    frames.release()
    if opened_before:
        assert np.array_equal(frames[2], expected[1])
    try:
        fork = get_context("fork")
    except ValueError:
        pytest.skip("there is no fork here")
    workers = []
    for numbers in ((4, 7, 12), (3, 5, 11)):
        here, there = fork.Pipe()
        workers.append((numbers, here, fork.Process(target=send, args=(there, frames, numbers))))
    for _, _, worker in workers:
        worker.start()
    assert np.array_equal(frames[6], expected[5])
    for numbers, pipe, worker in workers:
        assert pipe.poll(30), "the worker hangs"
        for number, image in zip(numbers, pipe.recv(), strict=True):
            assert np.array_equal(image, expected[number - 1])
        worker.join(30)
        assert worker.exitcode == 0
    assert np.array_equal(frames[10], expected[9])


def test_it_can_be_pickled_for_spawned_workers(video, folder):
    for source in (video, folder):
        frames = gamdss.FrameSequence(source)
        last = frames[frames.numbers[-1]]
        copy = pickle.loads(pickle.dumps(frames))
        assert copy.numbers == frames.numbers
        assert np.array_equal(copy[copy.numbers[-1]], last)


def open_files(file):
    links = (Path(f"/proc/self/fd/{entry}") for entry in os.listdir("/proc/self/fd"))
    return sum(link.exists() and link.samefile(file) for link in links)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_a_video_is_open_only_while_it_is_read(video):
    frames = gamdss.FrameSequence(video)
    assert open_files(video) == 0
    first = frames[1]
    assert open_files(video) == 1
    frames.release()
    assert open_files(video) == 0
    assert np.array_equal(frames[1], first)


@pytest.mark.parametrize("preset", ["full", "motion", "none"])
def test_reselect_accepts_it(folder, preset):
    array = gamdss.reselect(images(), 46, 51, 57, first_frame=46, preset=preset)
    assert gamdss.reselect(gamdss.FrameSequence(folder), 46, 51, 57, preset=preset) == array


def test_frames_are_decoded_on_access(folder):
    (folder / "reg_img50.png").write_bytes(b"broken")
    frames = gamdss.FrameSequence(folder)
    assert 50 in frames
    assert frames[49].dtype == np.uint8
    with pytest.raises(FrameError, match=r"reg_img50\.png"):
        _ = frames[50]


def test_mistakes_are_explained(tmp_path):
    with pytest.raises(FrameError, match=r"nowhere(.|\n)*video does not exist"):
        gamdss.FrameSequence(tmp_path / "nowhere")
    with pytest.raises(FrameError, match="contains no image"):
        gamdss.FrameSequence(tmp_path)
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(FrameError, match="not a video that can be decoded"):
        gamdss.FrameSequence(tmp_path / "text.mp4")


@pytest.mark.parametrize("number", [1.5, 2.0, "3", None])
def test_fractional_frame_numbers_are_refused(tmp_path, number):
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(FrameError, match="is not a frame number"):
        gamdss.reselect(frames, 1, 1, 2, preset="none", frame_numbers=[1, number])
    if number is not None:
        cv2.imwrite(str(tmp_path / "1.png"), frames[0])
        with pytest.raises(FrameError, match="first_frame is"):
            gamdss.FrameSequence(tmp_path, first_frame=number)
