"""Clips of a photograph in known poses, detected by dlib and cropped."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from filmed import film, halve
from posed_photo import FACE, MIDDLE, POINTS, job, moved, pose_matrix, posed, read, write

from gamdss.align import AlignConfig, ClipJob, align_clips
from gamdss.align.detectors import DetectedFace
from gamdss.align.pose import matrix
from gamdss.align.search import ATTEMPTS, look
from gamdss.data.video import VideoFrames

NEAR = 0.08  # relative tolerance of a box's size; dlib's sizes are 20% apart


def run(tmp_path, settings, **clips):
    """Align clips given as lists of images; outcomes by name."""
    jobs = [job(name, write(tmp_path / "raw" / name, images)) for name, images in clips.items()]
    done = align_clips(jobs, settings, tmp_path / "out", progress=False)
    assert [outcome.id for outcome in done] == list(clips)
    return {outcome.id: outcome for outcome in done}


def shift(before, after):
    """The shift (x, y) between two images, accurate to a few hundredths of a pixel."""
    grey = [cv2.cvtColor(i, cv2.COLOR_BGR2GRAY).astype(np.float32) for i in (before, after)]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    guess = cv2.phaseCorrelate(*grey, window)[0]  # rough, and biased towards whole pixels
    start = np.array([[1, 0, guess[0]], [0, 1, guess[1]]], np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-6)
    found = cv2.findTransformECC(*grey, start, cv2.MOTION_TRANSLATION, stop, None, 5)[1]
    return found[:, 2]


def likeness(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.slow
def test_the_face_is_found_where_it_was_placed(photo, tmp_path, settings):
    places = {"plain": (1.0, (0, 0)), "aside": (1.0, (40.5, -23)), "large": (1.6, (-12, 20))}
    done = run(
        tmp_path, settings, **{n: [posed(photo, 0, z, s)] * 3 for n, (z, s) in places.items()}
    )
    crops = {name: read(tmp_path / "out" / done[name].crop) for name in places}
    for name, (zoom, by) in places.items():
        outcome = done[name]
        assert (outcome.status, outcome.settings, outcome.frame) == ("aligned", "plain", 1)
        assert crops[name].shape == (340, 280, 3)
        assert (
            np.hypot(*np.subtract((outcome.pose.x, outcome.pose.y), np.add(MIDDLE, by))) < 5 * zoom
        )
        assert outcome.pose.size == pytest.approx(FACE * zoom, rel=NEAR)
    assert likeness(crops["plain"], crops["aside"]) > 0.8
    assert likeness(crops["plain"], crops["large"]) > 0.8


def test_movement_between_frames_is_preserved(photo, tmp_path, settings):
    """Shifts below a pixel and of many pixels; crops that follow the face would lose both."""
    planted = np.array(
        [(0, 0), (0.25, 0), (0.25, -0.5), (-1.25, 0.75), (9.5, -6.25), (0.125, 0.125)]
    )
    done = run(tmp_path, settings, clip=[posed(photo, 0, 1, s) for s in planted])["clip"]
    crops = [read(tmp_path / "out" / f"clip/{n}.png") for n in range(1, 7)]
    measured = np.array([shift(crops[0], image) for image in crops]) / done.scale
    assert done.scale > 2
    assert np.abs(measured - planted).max() < 0.06, measured


@pytest.mark.parametrize("angle", [-14.0, 0.0, 11.0])
def test_eyes_are_level_with_a_predictor(photo, tmp_path, predictor, angle):
    by = (14.0, -9.0)
    settings = AlignConfig(workers=1, predictor=str(predictor))
    done = run(tmp_path, settings, clip=[posed(photo, angle, 1.1, by)] * 3)["clip"]
    eyes = POINTS[:4].reshape(2, 2, 2).mean(axis=1)
    there = moved(moved(eyes, pose_matrix(angle, 1.1, by)), matrix(done.pose, settings))
    (left, top), (right, bottom) = sorted(map(tuple, there))
    assert abs(np.degrees(np.arctan2(bottom - top, right - left))) < 2
    own = np.degrees(np.arctan2(*(eyes[0] - eyes[1])[::-1]))  # the photograph's head is tilted
    assert done.pose.angle == pytest.approx(angle + own, abs=2)
    upright = cv2.warpAffine(
        posed(photo, angle, 1.1, by), matrix(done.pose, settings), (280, 340), flags=cv2.INTER_CUBIC
    )
    assert likeness(read(tmp_path / "out/clip/1.png"), upright) > 0.99


@pytest.mark.slow
def test_relaxed_settings_find_faces_that_plain_ones_miss(photo, tmp_path, settings):
    empty = np.full_like(photo, 90)
    faint = np.round(118 + (photo - 128.0) * 0.035).astype(np.uint8)
    done = run(
        tmp_path,
        settings,
        small=[posed(photo, 0, 0.38)] * 3,
        faint=[faint] * 3,
        late=[*[empty] * 11, *[photo] * 3],
        second=[empty, photo, photo],
    )
    assert {name: (o.status, o.settings) for name, o in done.items()} == {
        "small": ("relaxed", "upsampled"),
        "faint": ("relaxed", "equalised"),
        "late": ("lost", "later frames"),
        "second": ("aligned", "plain"),
    }
    assert done["late"].frame > 11
    assert done["late"].frames == 14
    assert done["second"].frame == 2
    assert done["small"].pose.size == pytest.approx(FACE * 0.38, rel=NEAR)
    middle = np.subtract((done["small"].pose.x, done["small"].pose.y), MIDDLE)
    assert np.hypot(*middle) < 3


def test_eyes_found_in_an_upsampled_frame_are_in_pixels_of_the_frame():
    """With a detector of a bright square: its corners are those of the face, and the eyes."""

    class Corners:
        def faces(self, image):
            rows, columns = np.nonzero(image[..., 0] > 127)
            ends = [v.item() for e in (columns, rows) for v in (e.min(), e.max())]
            left, right, top, bottom = ends
            return [DetectedFace((left, top, right + 1, bottom + 1), ((left, top), (right, top)))]

    image = np.zeros((60, 80, 3), np.uint8)
    image[20:40, 30:50] = 255
    for attempt in ATTEMPTS:
        face = look(image, Corners(), attempt)
        assert np.allclose(face.box, (30, 20, 50, 40), atol=0.3), attempt
        x, y = np.mean(face.eyes, axis=0)
        assert x == pytest.approx(39.5, abs=0.1), attempt  # half a pixel of the large one is 0.25
        assert y == pytest.approx(20, abs=0.3), attempt


def test_a_video_is_not_decoded_again_for_each_frame(tmp_path, monkeypatch):
    file = film(tmp_path / "clip.avi", [np.full((48, 64, 3), 20 * n, np.uint8) for n in range(8)])
    opened, real = [], cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda name: opened.append(name) or real(name))
    frames = VideoFrames(file)
    values = [frames.image(n).mean() for n in (1, 2, 3, 1, 2, 8, 4, 5)]
    assert np.abs(np.subtract(values, [0, 20, 40, 0, 20, 140, 60, 80])).max() < 3
    assert len(opened) == 4  # to count, and from the start for 1, 1 and 4


def test_a_truncated_video_is_aligned_with_a_note(photo, tmp_path, settings):
    video = halve(film(tmp_path / "clip.avi", [photo] * 20))
    (done,) = align_clips([ClipJob("clip", {}, {}, video, Path("clip"))], settings, tmp_path / "o")
    assert done.status == "aligned"
    assert f"the video ends after frame {done.frames} of the 20 that it states" in done.problem


def test_attempts_search_existing_frames():
    for count in (1, 2, 10, 11, 300):
        frames = list(range(46, 46 + count))
        for attempt in ATTEMPTS:
            chosen = attempt.numbers(frames)
            assert set(chosen) <= set(frames)
            assert sorted(set(chosen)) == chosen


def test_the_largest_of_two_people_is_taken(photo, tmp_path, settings):
    both = np.hstack([posed(photo, 0, 1.0), posed(photo, 0, 1.5)])
    done = run(tmp_path, settings, clip=[both])["clip"]
    assert done.pose.x == pytest.approx(320 + MIDDLE[0], abs=6)


def test_a_clip_that_cannot_be_aligned_does_not_stop_the_others(photo, tmp_path, settings):
    files = {
        "broken": write(tmp_path / "broken", [photo] * 4, form="img{}.jpg"),
        "sizes": write(tmp_path / "sizes", [photo, photo[:200]]),
        "nobody": write(tmp_path / "nobody", [np.full_like(photo, 90)] * 2, first=46),
        "good": write(tmp_path / "good", [photo]),
    }
    half = files["broken"][3].read_bytes()
    files["broken"][3].write_bytes(half[: len(half) // 2])
    jobs = [job(name, images) for name, images in files.items()]
    done = align_clips(jobs, settings, tmp_path / "out", progress=False)
    assert [o.status for o in done] == ["failed", "failed", "failed", "aligned"]
    assert "img3.jpg" in done[0].problem
    assert "truncated" in done[0].problem
    assert "frame 2 has 320 x 200 pixels, but the first one has 320 x 320" in done[1].problem
    assert "img46.png" in done[2].problem
    assert "46 to 47" in done[2].problem
    left = sorted(p.name for p in (tmp_path / "out").iterdir() if not p.name.startswith("."))
    assert left == ["good"]
