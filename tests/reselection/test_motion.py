"""Reselection by motion: a moving patch whose key frames are known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from gamdss.errors import FrameError
from gamdss.records import KEYS, RELIABLE, KeyFrames
from gamdss.reselection import needed_frames, reselect, spot
from gamdss.reselection.motion.annotator import FIXED, UsualPhases
from gamdss.reselection.motion.course import (
    Expected,
    IntervalShares,
    Posterior,
    fit_course,
    in_order,
    possible,
    strength,
)
from gamdss.reselection.motion.fit import fit_together, see_motion
from gamdss.reselection.motion.level import LEAST_PIXELS, MotionMeter, shrink, shrink_all
from gamdss.reselection.motion.posterior import SLOW, Problem, sample

ONSET, APEX, OFFSET = 20, 50, 90


def course(times, onset=ONSET, apex=APEX, offset=OFFSET):
    part = np.clip(
        np.minimum((times - onset) / (apex - onset), (offset - times) / (offset - apex)), 0, 1
    )
    return 0.5 - 0.5 * np.cos(np.pi * part)


def clip(frames=110, amplitude=1.5, noise=2.0, seed=0):
    """A textured face whose mouth corner moves by a known course, with noise and drift."""
    rng = np.random.default_rng(seed)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (150, 130)).astype(np.float32), (0, 0), 2.5)
    texture = cv2.normalize(texture, None, 30, 220, cv2.NORM_MINMAX)
    rows, columns = np.indices(texture.shape, dtype=np.float32)
    bump = np.exp(-((rows - 100) ** 2 + (columns - 80) ** 2) / (2 * 18**2)).astype(np.float32)
    drift = np.cumsum(rng.normal(0, 0.02, (frames, 2)), axis=0)
    times = np.arange(1, frames + 1)
    images = []
    for time, (dx, dy) in zip(times, drift, strict=True):
        lift = amplitude * float(course(time)) * bump
        x, y = columns - dx, rows + lift - dy
        image = cv2.remap(texture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
        images.append(np.clip(image + rng.normal(0, noise, image.shape), 0, 255).astype(np.uint8))
    return np.stack(images)


@pytest.fixture(scope="module")
def frames():
    return clip()


@pytest.mark.parametrize(
    "convert",
    [
        *(lambda x: x / 255, lambda x: (x - 118.0) / 58, lambda x: x * 257.0),
        *(lambda x: x / 255 * 1.3, lambda x: x / 255 * 16),  # not almost black grey levels
    ],
)
def test_floats_of_any_range_are_read_like_bytes(frames, convert):
    given = ONSET - 4, APEX + 6, OFFSET - 8
    found, same = (
        (reselect(images, *given, preset="motion"), spot(images))
        for images in (convert(frames.astype(np.float32)), frames)
    )
    for floats, whole in zip(found, same, strict=True):
        assert np.abs(np.subtract(floats.numbers, whole.numbers)).max() <= 1
        assert floats.quality == pytest.approx(whole.quality, abs=0.01)
        assert whole.reliable


def test_only_what_cannot_be_grey_levels_is_stretched(frames):
    dark = (frames[:2] // 8).astype(np.float32)
    assert 26 < dark.max() < 40
    for images in (dark, dark.astype(np.uint8) // 8, frames[:2]):
        assert np.array_equal(shrink_all(images)[1], shrink(images[1]))


def test_what_is_spotted_in_noise_is_not_reliable():
    noise = np.random.default_rng(0).integers(0, 255, (28, 64, 64, 3)).astype(np.uint8)
    assert not spot(noise).reliable


def test_frame_numbers_below_0(frames):
    there = {number - 30: image for number, image in enumerate(frames, start=1)}
    keys = reselect(there, ONSET - 34, APEX - 24, OFFSET - 38, preset="motion")
    assert abs(keys.onset - (ONSET - 30)) <= 3
    assert abs(keys.apex - (APEX - 30)) <= 2


def test_a_wrong_annotation_is_corrected(frames):
    found = reselect(frames, ONSET - 4, APEX + 6, OFFSET - 8, preset="motion")
    assert abs(found.onset - ONSET) <= 3
    assert abs(found.apex - APEX) <= 2
    assert abs(found.offset - OFFSET) <= 5
    for (low, high), true in zip(found.intervals, (ONSET, APEX, OFFSET), strict=True):
        assert low - 1 <= true <= high + 1
        assert high - low < 16
    assert found.quality > 0.9
    assert found.reliable


@pytest.mark.slow
def test_the_same_frames_give_the_same_key_frames(frames):
    first = reselect(frames, 18, 55, 88, preset="motion")
    assert reselect(frames, 18, 55, 88, preset="motion") == first
    colour = np.repeat(frames[..., None], 3, axis=3)
    assert reselect(colour, 18, 55, 88, preset="motion").numbers == first.numbers


def test_noise_alone_moves_little_and_says_so():
    rng = np.random.default_rng(0)
    still = np.clip(128 + rng.normal(0, 2, (80, 100, 90)), 0, 255).astype(np.uint8)
    found = reselect(still, 15, 40, 70, preset="motion")
    assert len(found.kept) >= 2
    same = zip(KEYS, found.numbers, (15, 40, 70), strict=True)
    assert {name for name, now, before in same if now == before} >= set(found.kept)
    assert found.quality < RELIABLE
    assert not found.reliable


def test_frames_may_be_missing(frames):
    images = {n: f for n, f in enumerate(frames, start=1) if n not in (30, 31, 60)}
    found = reselect(images, ONSET, APEX, OFFSET, preset="motion")
    assert set(found.numbers) <= set(images)
    assert found.notes[0] == "frames 30, 31, 60 missing inside the clip: skipped"


def test_too_few_or_small_frames_keep_the_annotation(frames):
    small = frames[:, :20, :20]
    for images, keys in ((small, (20, 50, 90)), (frames[:6], (1, 3, 6)), (frames, (50, 50, 50))):
        found = reselect(images, *keys, preset="motion")
        assert found.numbers == keys
        assert found.kept == KEYS


@pytest.mark.parametrize("apex", [ONSET, OFFSET])
def test_an_annotation_without_a_rise_or_a_fall_is_corrected(frames, apex):
    keys = KeyFrames(ONSET, apex, OFFSET)
    images = dict(enumerate(frames, start=1))
    motion = see_motion(images, keys, UsualPhases(30, 40))
    alone, learned = motion.alone().keys, fit_together(["1"], [motion])[0].keys
    assert alone == replace(reselect(images, *keys.numbers, preset="motion"), quality=None)
    for found in (alone, learned):
        assert np.abs(np.subtract(found.numbers, (ONSET, APEX, OFFSET))).max() <= 5
        assert found.kept == found.uncertain == ()


def test_noise_does_not_correct_an_annotation_without_a_rise():
    rng = np.random.default_rng(0)
    still = np.clip(128 + rng.normal(0, 2, (80, 100, 90)), 0, 255).astype(np.uint8)
    found = reselect(still, 15, 15, 70, preset="motion")
    assert found.uncertain == KEYS
    assert not found.reliable


@pytest.mark.parametrize(
    ("spread", "middle", "numbers"),
    [
        ((0.9, 0.4, 0.4), (19, 19.4, 88), (19, 19, 88)),  # an apex before the annotated onset
        ((0.9, 0.4, 0.9), (21, 91, 92), (20, 91, 92)),  # or behind the annotated offset
        ((0.4, 0.9, 0.4), (51, 52, 86), (51, 52, 86)),  # an onset behind the annotated apex
        ((0.9, 0.4, 0.9), (19, 47, 92), (20, 47, 90)),
        ((0.9, 0.4, 0.4), (4, 47, 86), (4, 47, 86)),  # an onset that is not near the annotated one
    ],
)
def test_kept_key_frames_are_the_annotated_ones(frames, monkeypatch, spread, middle, numbers):
    samples = np.array(middle) + np.linspace(-2, 2, 9)[:, None]

    def fitted(level, times, expected, start):
        width = samples.std(axis=0) / np.array(spread)
        return Posterior(samples, np.zeros(len(times)), width, times)

    monkeypatch.setattr("gamdss.reselection.motion.fit.fit_course", fitted)
    found = reselect(frames, ONSET, APEX, OFFSET, preset="motion")
    assert found.numbers == numbers
    same = zip(KEYS, numbers, (ONSET, APEX, OFFSET), strict=True)
    assert found.kept == tuple(name for name, now, before in same if now == before)


@pytest.mark.parametrize("kind", ["still", "plain", "flickering"])
def test_frames_in_which_nothing_can_move_keep_the_annotation(kind):
    rng = np.random.default_rng(0)
    face = rng.integers(0, 255, (48, 48, 3), dtype=np.uint8)
    frames = np.stack([face] * 60)
    if kind != "still":
        light = 3 if kind == "flickering" else 1
        frames = np.stack([np.full_like(face, 90 + light * (i % 5)) for i in range(60)])
    found = reselect(frames, 12, 30, 51, preset="motion")
    assert found.numbers == (12, 30, 51)
    assert found.kept


@pytest.mark.parametrize("shape", [(40, 3000), (3000, 40), (32, 32), (33, 140)])
def test_frames_of_any_shape_are_measured(shape):
    rng = np.random.default_rng(0)
    still = cv2.GaussianBlur(rng.uniform(0, 255, shape).astype(np.float32), (0, 0), 2)
    noisy = np.stack([np.clip(still + rng.normal(0, 2, shape), 0, 255) for _ in range(12)])
    images = noisy.astype(np.uint8)
    assert len(reselect(images, 3, 6, 10, preset="motion").intervals) == 3
    assert min(shrink(images[0]).shape) >= LEAST_PIXELS


def test_needed_frames_of_motion_reach_beyond_the_clip():
    assert needed_frames(60, 80, 160, "motion") == tuple(range(0, 221))
    assert needed_frames(2, 40, 50, "motion")[0] == 0


@pytest.mark.slow
def test_intervals_contain_the_true_frame_as_often_as_stated():
    rng = np.random.default_rng(1)
    times, inside = np.arange(1, 111), []
    for _ in range(20):
        true = np.array([ONSET, APEX, OFFSET]) + rng.normal(0, 3, 3)
        shape = rng.normal((0.5, 0.4, 0.5, 0.3), (0.3, 0.4, 0.3, 0.4))
        level = strength(np.array([[*true, 0.1, 0, *shape]]), times)[0] + rng.normal(0, 0.05, 110)
        annotated = true + rng.normal(0, (0.15, 0.2, 0.25)) * (30, 30, 40)
        fit = fit_course(level, times, Expected(*FIXED.prior(annotated)))
        ends = np.array(fit.intervals(IntervalShares(0.8, 0.8, 0.8, 0.8, 0.8)))
        inside.append((ends[:, 0] - 0.5 <= true) & (true <= ends[:, 1] + 0.5))
    assert 0.68 <= np.mean(inside) <= 0.93


@pytest.mark.slow
def test_key_frames_are_spotted_without_an_annotation(frames):
    found = spot(frames)
    assert abs(found.onset - ONSET) <= 4
    assert abs(found.apex - APEX) <= 3
    assert abs(found.offset - OFFSET) <= 6
    for (low, high), number in zip(found.intervals, found.numbers, strict=True):
        assert low <= number <= high
    later = spot(frames, first_frame=301)
    assert later.numbers == tuple(number + 300 for number in found.numbers)


def test_a_blink_is_not_spotted(frames):
    blinking = frames.copy()
    for time in range(92, 108):
        closed = np.sin(np.pi * (time - 92) / 16)
        eyes = blinking[time, 35:50, 25:105].astype(np.float32)
        blinking[time, 35:50, 25:105] = eyes * (1 - 0.6 * closed)
    found = spot(blinking)
    assert abs(found.apex - APEX) <= 4


def test_frames_that_cannot_be_spotted_are_refused(frames):
    few = {"6 frames are too few": frames[:6], "one frame is a picture": frames[:1]}
    small = {"frames of 20x20 pixels are too small": frames[:, :20, :20]}
    for problem, given in (few | small).items():
        with pytest.raises(FrameError, match=problem) as error:
            spot(given)
        assert "8 frames" in str(error.value)
    with pytest.raises(FrameError, match="frame 3 is"):
        spot({1: frames[0], 2: frames[1], 3: frames[2][:50]})


@pytest.mark.slow
def test_the_course_is_the_mean_over_all_chains(monkeypatch):
    drawn = []

    def kept(problem, start):
        drawn.append(sample(problem, start))
        return drawn[-1]

    monkeypatch.setattr("gamdss.reselection.motion.course.sample", kept)
    times = np.arange(1, 111)
    level = course(times) + np.random.default_rng(2).normal(0, 0.2, 110)
    annotated = np.array([ONSET - 3, APEX + 4, OFFSET])
    fit = fit_course(level, times, Expected(*FIXED.prior(annotated)))
    everything = strength(drawn[0][:, :-1].astype(float), times).mean(axis=0)
    assert np.abs(fit.course - everything).max() < 0.005


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "apart"), [((1, 3), 0.4), ((4, 8), 1e-6)])
def test_key_frames_do_not_depend_on_how_frames_are_numbered(steps, apart):
    times, annotated = np.arange(111), np.array([ONSET - 3, APEX + 4, OFFSET])
    # Slow noise and a line as strong as the expression: both are measured in frame numbers.
    slow = np.cumsum(np.random.default_rng(3).normal(0, 0.1, 111))
    level, width = course(times) + slow + times / 80, np.array([4.0, 6.0, 10.0])
    fits = [
        fit_course(level, step * times, Expected(step * annotated, step * width)) for step in steps
    ]
    once, again = (fit.middle() / step for fit, step in zip(fits, steps, strict=True))
    assert np.abs(once - again).max() <= apart


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([10] * 10, 0.62, 6),  # frames of 10% each: 60% is nearer than 70%
        ([10] * 10, 0.68, 7),
        ([75, 20, 5], 0.8, 1),
        ([60, 30, 10], 0.8, 2),
    ],
)
def test_intervals_have_the_length_whose_share_is_nearest(counts, share, expected):
    frames = np.repeat(np.arange(len(counts)), counts).astype(float)
    samples = np.stack([frames] * 3, axis=1)
    low, high = Posterior(samples, frames, np.ones(3), np.arange(10)).intervals(
        IntervalShares(*[share] * 5)
    )[0]
    assert high - low + 1 == expected
    assert low == 0


def test_intervals_end_at_frames_that_exist_and_contain_their_key_frames(frames):
    """Of a clip whose frames are missing around its key frames."""
    missing = {*range(14, 25), *range(47, 54), *range(83, 98)}
    present = [number for number in range(1, len(frames) + 1) if number not in missing]
    some = frames[np.array(present) - 1]
    spotted = spot(some, frame_numbers=present)
    labelled = reselect(some, 13, 54, 82, preset="motion", frame_numbers=present)
    for found in (spotted, labelled):
        for number, (low, high) in zip(found.numbers, found.intervals, strict=True):
            assert {low, number, high} <= set(present)
            assert low <= number <= high


def test_an_interval_is_extended_to_a_key_frame_that_was_kept():
    samples = np.random.default_rng(0).normal((10, 20, 30), 0.5, (200, 3))
    found = Posterior(samples, np.arange(50), np.ones(3), np.arange(50))
    alone, extended = found.intervals(), found.intervals(keys=(5, 20, 33))
    assert alone[0][0] > 5
    assert extended == ((5, alone[0][1]), alone[1], (alone[2][0], 33))


@pytest.mark.slow
def test_a_fall_that_fades_is_told_from_one_that_ends():
    times, keys = np.arange(1, 201), np.array([40.0, 80.0, 160.0])
    expected = Expected(keys, np.array([4.0, 8.0, 16.0]))
    noise = np.random.default_rng(4).normal(0, 0.01, len(times))
    for fall, fades in (((0.6, 0.8), False), ((1.3, 0.0), True)):
        level = strength(np.array([[*keys, 0.05, 0, 0.6, 0.8, *fall]]), times)[0] + noise
        assert fit_course(level, times, expected).fades == fades
    assert not Posterior(np.ones((9, 3)), noise, keys, times).fades  # without parameters


def test_a_wild_key_frame_is_possible_but_rare():
    times, sure = np.arange(40.0), np.array([1.0, 1.0, 1.0])
    wide = np.array([10.0, 20.0, 30.0]), np.array([20.0, 20.0, 20.0])
    plain, wild = (
        Problem(times, times, strength, wide[0], sure, in_order, 5.0, mixed)
        for mixed in (None, wide)
    )
    at = np.array([[10.0, 20.0, 30.0, SLOW], [10.0, 20.0, 38.0, SLOW]])
    near, far = plain.prior(at)
    assert near - far == pytest.approx(32)
    near, far = wild.prior(at)
    # 5% of a normal density 20 times as wide.
    odds = 0.05 / 0.95 / 20
    assert near == pytest.approx(3 * np.log1p(odds), abs=1e-9)
    assert near - far == pytest.approx(-np.log(odds) + 0.08, abs=0.01)


def test_soft_ends_and_tops_are_less_certain_than_corners_and_stay_in_order():
    times, keys = np.arange(120), np.array([[30.0, 60.0, 100.0, 0.05, 0.0]])
    ends = {}
    for name, shape in (("soft", 0.9), ("corner", 0.0)):
        level = strength(np.append(keys, [[shape] * 4], axis=1), times)[0]
        found = fit_course(level, times, Expected(keys[0, :3], np.full(3, 4.0)))
        assert np.all(np.diff(found.samples, axis=1) >= 0)
        moved = found.samples - found.parameters[:, :3]
        assert np.all(moved[:, 0] <= 0)
        assert np.all(np.abs(moved[:, 1:].mean(axis=0)) < 0.1 * moved[:, 1:].std(axis=0) + 0.01)
        ends[name] = moved.std(axis=0)
    assert np.all(ends["soft"] > 2 * ends["corner"])


def test_drift_over_missing_frames_is_still_a_line():
    times = np.delete(np.arange(5, 115), slice(30, 70))
    centre, width = np.zeros(3), np.ones(3)
    level = 0.3 * times + 7
    problem = Problem(level, times, strength, centre, width, possible, memory=30.0)
    assert np.abs(problem.level).max() < 1e-3
    # The noise decorrelates over the gap: frames on either side of it are nearly independent.
    beside = np.array([29, 30])
    kept = problem.basis[beside].astype(float)
    covariance = kept * problem.slow @ kept.T
    assert covariance[0, 1] < 0.5 * np.sqrt(covariance[0, 0] * covariance[1, 1])


def test_motion_that_drifts_as_a_parabola_is_not_taken_for_the_expression():
    times = np.arange(1, 111)
    meter = MotionMeter(
        [frame.astype(np.float32) for frame in clip(noise=0.5, frames=110)[:, :48, :48]]
    )
    expected = course(times)
    seen = np.zeros((len(meter.chosen), 48, 48, 2), np.float32)
    seen[:, 8:20, 8:20, 0] = expected[meter.chosen, None, None]
    drift = 4 * (np.linspace(-1, 1, len(meter.chosen)) - 0.3) ** 2
    seen[:, 28:40, 28:40, 0] = -drift[:, None, None]
    meter.flow = seen - seen.mean(axis=0)
    field = np.abs(meter.field(expected)[..., 0])
    assert field[14, 14] > 0.8
    assert field[34, 34] < 0.05
