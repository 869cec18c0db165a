"""Features of patterns whose motion is known."""

import cv2
import numpy as np
import pytest

from gamdss.config.features import FeaturesConfig
from gamdss.errors import ConfigError, FrameError
from gamdss.features import (
    FEATURES,
    check_flow,
    dense_flow,
    flow_feature,
    frame_difference,
    magnify,
    resize_flow,
    scale,
    strain_magnitude,
)

SIZE = (72, 96)
HAS_TVL1 = hasattr(cv2, "optflow")
METHODS = ["dis", "farneback"] + ["tvl1"] * HAS_TVL1
INSIDE = (slice(12, -12), slice(12, -12))


def pattern(x, y):
    """A smooth texture, known everywhere, so that moving it needs no interpolation."""
    rng = np.random.default_rng(1)
    total = np.zeros_like(x)
    for _ in range(40):
        wave, phase = rng.uniform(12, 40), rng.uniform(0, 2 * np.pi)
        angle = rng.uniform(0, np.pi)
        total += np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wave + phase)
    return 128 + 14 * total


def moved(u, v, size=SIZE):
    """BGR frames before and after the motion (u, v), which may vary in space."""
    y, x = np.indices(size).astype(float)
    # The end frame shows at p what was at p - motion(p): close enough for smooth fields.
    frames = (pattern(x, y), pattern(x - u, y - v))
    return [
        np.repeat(np.clip(np.rint(f), 0, 255)[..., None], 3, 2).astype(np.uint8) for f in frames
    ]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("u", "v"), [(0.3, 0.0), (1.5, -0.8), (-2.0, 3.0)])
def test_the_flow_of_a_translation(method, u, v):
    flow = dense_flow(*moved(u, v), method)
    assert flow.dtype == np.float32
    assert flow.shape == (*SIZE, 2)
    assert np.abs(flow[INSIDE] - [u, v]).mean() < 0.06
    assert strain_magnitude(flow)[INSIDE].mean() < 0.02


@pytest.mark.parametrize("method", METHODS)
def test_flow_and_strain_of_an_expansion(method):
    """Everything moves away from the middle by 4% of its distance: exx = eyy = 0.04."""
    y, x = np.indices(SIZE).astype(float)
    u, v = 0.04 * (x - SIZE[1] / 2), 0.04 * (y - SIZE[0] / 2)
    flow = dense_flow(*moved(u, v), method)
    assert np.abs(flow[INSIDE] - np.stack((u, v), axis=2)[INSIDE]).mean() < 0.1
    feature = flow_feature(flow, "strain")
    assert np.median(feature[2][INSIDE]) == pytest.approx(0.04 * np.sqrt(2), rel=0.1)
    magnitude = flow_feature(flow)[2]
    assert np.allclose(magnitude, np.hypot(flow[..., 0], flow[..., 1]))


def test_strain_is_exact_on_linear_flows():
    y, x = np.indices((8, 10)).astype(np.float32)
    still = np.zeros_like(x)
    for u, v, expected in (
        (still + 3, still - 2, 0),  # translation
        (0.1 * x, still, 0.1),  # stretch
        (0.1 * y, still, 0.1 / np.sqrt(2)),  # shear: exy = eyx = 0.05
        (-0.1 * y, 0.1 * x, 0),  # a small rotation deforms nothing
    ):
        strain = strain_magnitude(np.stack((u, v), axis=2))
        assert strain.dtype == np.float32
        assert strain == pytest.approx(expected, abs=1e-6)


def test_vectors_scale_with_their_frames():
    flow = np.zeros((40, 60, 2), np.float32) + np.array([3, 2], np.float32)
    assert resize_flow(flow, (20, 20)) == pytest.approx(
        np.broadcast_to([1.0, 1.0], (20, 20, 2)), abs=1e-6
    )
    assert resize_flow(flow, (80, 60))[..., 1] == pytest.approx(4, abs=1e-6)
    assert resize_flow(flow, (40, 60)) is flow
    first, second = moved(1.2, -0.6)
    small = [cv2.resize(f, (48, 36), interpolation=cv2.INTER_AREA) for f in (first, second)]
    there = resize_flow(dense_flow(first, second), (36, 48))[8:-8, 8:-8]
    assert np.abs(there - dense_flow(*small)[8:-8, 8:-8]).mean() < 0.08


def test_differences():
    rng = np.random.default_rng(0)
    start, end = rng.integers(0, 256, (2, 3, 5, 6), dtype=np.uint8)
    difference = frame_difference(start, end)
    assert np.array_equal(difference, end.astype(int) - start.astype(int))
    grey = frame_difference(start, end, grey=True)
    assert grey.shape == (1, 5, 6)
    red, green, blue = difference
    assert grey[0] == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=1e-4)


@pytest.mark.parametrize(("factor", "u", "v"), [(2.0, 0.5, -0.25), (4.0, 0.25, 0.25)])
def test_magnification_multiplies_a_planted_motion(factor, u, v):
    start, apex = moved(u, v)
    larger = magnify(apex, [start], [apex], factor, limit=255)
    flow = dense_flow(start, larger)[INSIDE].mean((0, 1))
    assert flow == pytest.approx([u * factor, v * factor], rel=0.12)


def test_magnification_has_a_limit_and_averages_noise():
    start, apex = moved(1.0, 0.0)
    assert np.array_equal(magnify(apex, [start], [apex], 1.0, 32), apex)
    added = magnify(apex, [start], [apex], 50.0, 5).astype(int) - apex
    assert np.abs(added).max() == 5
    rng = np.random.default_rng(2)

    def noisy(n):
        with_noise = start + rng.normal(0, 4, (n, *start.shape))
        return list(np.clip(with_noise, 0, 255).astype(np.uint8))

    alone = magnify(start, noisy(1), noisy(1), 10, 255).astype(int) - start
    averaged = magnify(start, noisy(9), noisy(9), 10, 255).astype(int) - start
    assert averaged.std() < 0.45 * alone.std()


def test_the_scales_are_as_documented():
    assert scale("difference", 224) == pytest.approx([1 / (255 * s) for s in (0.229, 0.224, 0.225)])
    assert scale("grey-difference", 224) == pytest.approx([1 / (255 * 0.226)])
    # One percent of 224 pixels is 2.24 of them.
    assert scale("flow-dis", 224) * 2.24 == pytest.approx([1, 1, 1])
    assert scale("flow-strain", 224) == pytest.approx([1 / 2.24, 1 / 2.24, 10])


def test_every_feature_of_the_config_is_described():
    for name, feature in FEATURES.items():
        assert FeaturesConfig(name=name).name == name
        assert len(feature.channels) == len(feature.units) == len(scale(name, 32))
        assert feature.normalisation
        assert feature.source
    with pytest.raises(ConfigError, match="one of difference, grey-difference, flow-dis"):
        FeaturesConfig(name="flow")


def test_frames_without_a_flow_are_refused():
    small = np.zeros((12, 40, 3), np.uint8)
    with pytest.raises(FrameError, match="40x12"):
        dense_flow(small, small)
    with pytest.raises(FrameError, match="one size"):
        dense_flow(np.zeros((40, 40, 3), np.uint8), np.zeros((40, 42, 3), np.uint8))


@pytest.mark.skipif(HAS_TVL1, reason="this OpenCV has TV-L1")
def test_without_tvl1_the_error_says_what_to_install():
    with pytest.raises(ConfigError, match="opencv-contrib-python-headless"):
        check_flow("tvl1")


A, B = moved(1.0, 0.0)
UNIT = B / 255.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: dense_flow(A, B, "tvl2"),
            r"^method is 'tvl2'\nDid you mean 'tvl1'\? Use one of dis",
        ),
        (
            lambda: flow_feature(np.zeros((9, 9, 2)), "strian"),
            "^third is 'strian'\nDid you mean 'str",
        ),
        (lambda: scale("flow", 224), "^name is 'flow'\n.*Use one of difference, grey-difference"),
        (lambda: scale("flow-dis", 0), "^size is 0\nIt must be an integer above 0"),
        (lambda: scale("flow-dis", "224"), "^size is '224'"),
    ],
)
def test_unknown_names_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: dense_flow(UNIT, A),
            r"^start is float64 \(72, 96, 3\)\n.*\(H, W, 3\) or grey.*rint",
        ),
        (lambda: dense_flow(A, B.transpose(2, 0, 1)), r"^end is uint8 \(3, 72, 96\)"),
        (lambda: dense_flow([1, 2], A), "^start is of type list"),
        (lambda: magnify(UNIT, [A], [B], 4, 32), "^image is float64.*\n.*np.rint"),
        (lambda: magnify(B, [A, UNIT], [B], 4, 32), r"^start\[1\] is float64"),
        (lambda: magnify(B, [A], [B[:9]], 4, 32), r"^end\[0\] has the shape \(9, 96, 3\), image"),
        (lambda: magnify(B, [], [B], 4, 32), "^start has no frame"),
        (
            lambda: frame_difference(A, B),
            r"^start is uint8 \(72, 96, 3\)\nPass uint8 RGB.*transpose",
        ),
        (lambda: frame_difference(A[:3], B[:3], grey=True), r"^start is uint8 \(3, 96, 3\)"),
        (
            lambda: frame_difference(*(f.transpose(2, 0, 1) for f in (A, B[:9]))),
            "^end has the shape",
        ),
        (
            lambda: frame_difference(A.transpose(2, 0, 1), UNIT.transpose(2, 0, 1)),
            "^end is float64",
        ),
        (
            lambda: strain_magnitude(np.zeros((2, 9, 9))),
            r"^flow is float64 \(2, 9, 9\)\n.*\(H, W, 2",
        ),
        (lambda: flow_feature(np.zeros((9, 9, 2), int)), "^flow is int64"),
        (lambda: resize_flow(np.zeros((9, 9)), (3, 3)), r"^flow is float64 \(9, 9\)"),
    ],
)
def test_images_of_another_type_or_layout_are_refused(call, message):
    with pytest.raises(FrameError, match=message):
        call()
