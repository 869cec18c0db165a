"""Stretches of real detections: where they begin and end, and their crops."""

import cv2
import numpy as np
import pytest
from filmed import SIZE, coffee, film, frames, moved, person, portrait

from gamdss.align import AlignConfig
from gamdss.cli import main
from gamdss.prediction.face_search import FaceChoice
from gamdss.prediction.followed_face import TrackConfig
from gamdss.prediction.predictor import _no_face
from gamdss.prediction.recordings import Recording
from gamdss.prediction.stretches import crops
from gamdss.prediction.tracking import track

SETTINGS = AlignConfig()


def tracked(tmp_path, images, fps=25.0, settings=SETTINGS, **options):
    path = film(tmp_path / "clip.avi", images, fps)
    return track(Recording("clip", path), settings, TrackConfig(**options))


def ends(tracking):
    return [(s.shot, s.first, s.last, s.ended) for s in tracking.stretches]


def swaying(count, wide=1.0):
    return [moved(portrait(), (wide * np.sin(n / 4), 0)) for n in range(count)]


def test_a_steady_face_is_one_stretch(tmp_path):
    tracking = tracked(tmp_path, swaying(30))
    assert ends(tracking) == [(1, 1, 30, "end")]
    (stretch,) = tracking.stretches
    assert (tracking.fps, tracking.frames, tracking.size, tracking.shots) == (25, 30, (320, 320), 1)
    assert not stretch.stabilised
    assert stretch.moved < 0.05
    assert stretch.share.min() > 0.95
    assert stretch.others == 0
    assert stretch.seconds == pytest.approx(np.arange(30) / 25, abs=1e-3)
    assert np.hypot(stretch.pose.x - 159, stretch.pose.y - 127) < 5


@pytest.mark.slow
def test_crops_are_those_of_align(tmp_path):
    folder = frames(tmp_path / "raw", swaying(20), first=46)
    words = ["--input", folder, "--output", tmp_path / "crops", "--workers", 1]
    assert main(["align", *map(str, words)]) == 0
    recording = Recording("raw", folder, fps=50)
    tracking = track(recording, SETTINGS)
    found = list(crops(recording, tracking.stretches, SETTINGS))
    assert [(c.stretch, c.number) for c in found] == [(0, n) for n in range(46, 66)]
    for crop in found:
        aligned = cv2.imread(str(tmp_path / "crops" / f"img{crop.number}.png"))
        np.testing.assert_array_equal(crop.image, aligned)


@pytest.mark.slow
def test_a_moving_head_is_stabilised(tmp_path):
    images = [moved(portrait(), (25 * np.sin(n / 6), 8 * np.sin(n / 9)), n / 8) for n in range(36)]
    recording = Recording("clip", film(tmp_path / "clip.avi", images))
    shifts = {}
    for mode in ("auto", "never"):
        tracking = track(recording, SETTINGS, TrackConfig(mode))
        assert ends(tracking) == [(1, 1, 36, "end")]
        (stretch,) = tracking.stretches
        assert stretch.moved > 0.2
        assert stretch.stabilised == (mode == "auto")
        greys = [
            cv2.cvtColor(crop.image[100:240, 60:220], cv2.COLOR_BGR2GRAY).astype(np.float32)
            for crop in crops(recording, tracking.stretches, SETTINGS)
        ]
        window = cv2.createHanningWindow(greys[0].shape[::-1], cv2.CV_32F)
        found = [np.hypot(*cv2.phaseCorrelate(greys[0], grey, window)[0]) for grey in greys]
        shifts[mode] = max(found)
    assert shifts["auto"] < 1
    assert shifts["never"] > 20


def test_a_stretch_ends_at_a_cut(tmp_path):
    tracking = tracked(tmp_path, [*swaying(15), *[coffee()] * 15, *swaying(15)])
    assert ends(tracking) == [(1, 1, 15, "cut"), (3, 31, 45, "end")]


def test_without_a_face_there_is_no_stretch(tmp_path):
    tracking = tracked(tmp_path, [np.roll(coffee(), n, axis=1) for n in range(30)])
    assert ends(tracking) == []
    assert list(crops(tracking.recording, tracking.stretches, SETTINGS)) == []


@pytest.mark.slow
def test_a_covered_face_is_lost(tmp_path):
    cover = np.full((SIZE, SIZE, 3), 90, np.uint8)
    images = swaying(60)
    for n in range(20, 60):
        images[n][: min(SIZE, 15 * (n - 19))] = cover[: min(SIZE, 15 * (n - 19))]
    ((_, first, last, ended),) = ends(tracked(tmp_path, images))
    assert (first, ended) == (1, "face lost")
    assert 17 <= last <= 28


def test_a_flash_does_not_end_a_stretch(tmp_path):
    images = swaying(30)
    images[14] = np.full_like(images[14], 255)
    tracking = tracked(tmp_path, images)
    assert ends(tracking) == [(1, 1, 30, "end")]
    assert tracking.stretches[0].moved < 0.05


@pytest.mark.slow
def test_a_face_leaves_the_picture(tmp_path):
    images = [moved(portrait(), (6 * n, 0)) for n in range(40)]
    ((_, first, last, ended),) = ends(tracked(tmp_path, images))
    assert (first, ended) == (1, "left the picture")
    assert 159 + 6 * last < 320 < 159 + 6 * last + 60


@pytest.mark.slow
def test_a_face_leaves_a_crop_that_does_not_follow(tmp_path):
    images = [moved(portrait(), (3 * min(n, 40) - 60, 0)) for n in range(60)]
    tracking = tracked(tmp_path, images, stabilise="never")
    reasons = [stretch.ended for stretch in tracking.stretches]
    assert reasons == ["left the crop"] * (len(reasons) - 1) + ["end"]
    assert len(reasons) > 1
    assert min(stretch.share.min() for stretch in tracking.stretches) > 0.7


def dissolve(one, other, frames):
    """A second of one person, who becomes another one."""
    weights = np.clip((np.arange(frames + 35) - 15) / frames, 0, 1)
    one, other = person(one).astype(float), person(other).astype(float)
    return [(one * (1 - w) + other * w).astype(np.uint8) for w in weights]


@pytest.mark.parametrize(
    ("pair", "frames"),
    [
        ((21, 28), 15),
        pytest.param((17, 44), 8, marks=pytest.mark.slow),
        pytest.param((9, 26), 25, marks=pytest.mark.slow),
        pytest.param((36, 42), 25, marks=pytest.mark.slow),
        pytest.param((36, 42), 50, marks=pytest.mark.slow),
    ],
)
def test_one_face_dissolves_into_another(tmp_path, pair, frames):
    first, *later = ends(tracked(tmp_path, dissolve(*pair, frames)))
    assert first[3] == "other face"
    assert 15 <= first[2] <= 20 + frames
    assert all(begin > first[2] for _, begin, _, _ in later)


@pytest.mark.slow
def test_a_face_that_dissolves_into_itself_moved_is_one_stretch(tmp_path):
    near = moved(person(21), (3, 2), angle=4).astype(float)
    weights = np.clip((np.arange(60) - 15) / 25, 0, 1)[:, None, None, None]
    images = (person(21).astype(float) * (1 - weights) + near * weights).astype(np.uint8)
    assert [stretch.ended for stretch in tracked(tmp_path, images).stretches] == ["end"]


@pytest.mark.parametrize(
    ("choice", "place"),
    [(FaceChoice(), 0), (FaceChoice(1), 1), (FaceChoice(box=(400, 60, 470, 200)), 1)],
)
def test_one_of_two_faces_is_followed(tmp_path, choice, place):
    small = cv2.resize(portrait(), (288, 288), interpolation=cv2.INTER_AREA)
    images = [np.hstack([image, np.pad(small, ((0, 32), (0, 0), (0, 0)))]) for image in swaying(12)]
    (stretch,) = tracked(tmp_path, images, choice=choice).stretches
    assert stretch.others == 1
    assert stretch.pose.x == pytest.approx((159, 320 + 0.9 * 159)[place], abs=6)


def test_a_face_that_is_not_there_is_not_replaced(tmp_path):
    without = tracked(tmp_path, swaying(12), choice=FaceChoice(1))
    assert ends(without) == []
    error = _no_face(without)
    assert error.problem == "the chosen face was not found in 12 frames; other faces were"
    assert error.remedy == "Check --face (0 is the largest face) or --box."
    assert ends(tracked(tmp_path, swaying(12), choice=FaceChoice(box=(0, 0, 20, 20)))) == []


@pytest.mark.slow
def test_the_same_recording_gives_the_same_numbers(tmp_path):
    images = [moved(portrait(), (9 * np.sin(n / 4), 0)) for n in range(20)]
    one, other = (tracked(tmp_path, images).stretches[0] for _ in range(2))
    np.testing.assert_array_equal(one.poses, other.poses)
    assert one.pose == other.pose


def test_large_frames_are_searched_at_a_reduced_size(tmp_path):
    large = [cv2.resize(image, (1280, 1280)) for image in swaying(9)]
    (stretch,) = tracked(tmp_path, large).stretches
    assert stretch.pose.size == pytest.approx(4 * 92, rel=0.1)
    assert np.hypot(stretch.pose.x - 4 * 159, stretch.pose.y - 4 * 127) < 20
