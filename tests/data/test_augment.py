"""Augmentation compared with torchvision's steps, one after another."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as reference
from torchvision.transforms import InterpolationMode

from gamdss.config import AugmentationConfig
from gamdss.data import augment as module
from gamdss.data.augment import Draw, augment, draw, normalise, source, turn
from gamdss.features import dense_flow, flow_feature


def moved(images, drawn):
    return augment(images, source(drawn, images.shape[-1]))


def drawn_for(count, size, config, seed=0):
    numbers = torch.rand(4, count, generator=torch.Generator().manual_seed(seed))
    return draw(numbers, size, config)


def by_steps(frames, drawn, i, padding):
    image = reference.horizontal_flip(frames[i]) if drawn.flip[i] else frames[i]
    image = reference.rotate(image, float(drawn.degrees[i]), InterpolationMode.NEAREST)
    image = reference.pad(image, [padding] * 4)
    top, left = padding + int(drawn.shift_y[i]), padding + int(drawn.shift_x[i])
    return reference.crop(image, top, left, *frames.shape[-2:])


def test_one_sampling_equals_flip_rotation_and_crop():
    generator = torch.Generator().manual_seed(0)
    for size in (224, 64):
        frames = torch.randn(12, 9, size, size, generator=generator)
        drawn = drawn_for(12, size, AugmentationConfig())
        assert drawn.flip.any()
        assert not drawn.flip.all()
        out = moved(frames, drawn)
        for i in range(12):
            steps = by_steps(frames, drawn, i, round(15 * size / 224))
            # A position half-way between two pixels may round to either.
            assert (out[i] != steps).float().mean() < 1e-3


@pytest.mark.parametrize(("size", "rotation"), [(64, 3), (37, 40), (16, 170)])
def test_opencv_and_pytorch_give_the_same_bytes(monkeypatch, size, rotation):
    drawn = drawn_for(8, size, AugmentationConfig(rotation=rotation))
    frames = torch.randint(0, 256, (8, 9, size, size), dtype=torch.uint8)
    features = torch.randn(8, 6, size, size)
    single, stacked = frames.view(24, 3, size, size), torch.arange(24).view(8, 3).flip(0)
    here = [moved(images, drawn) for images in (frames, features)]
    picked = augment(single, source(drawn, size), stacked)
    assert torch.equal(picked, moved(frames.flip(0), drawn))
    monkeypatch.setattr(module, "uses_opencv", lambda _: False)
    assert isinstance(source(drawn, size), module.Source)
    for images, found in zip((frames, features), here, strict=True):
        assert torch.equal(moved(images, drawn), found)
    assert torch.equal(augment(single, source(drawn, size), stacked), picked)


def test_frames_of_a_clip_get_the_same_draw():
    frames = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    drawn = drawn_for(4, 64, AugmentationConfig(rotation=20), seed=2)
    three = moved(frames.repeat(1, 3, 1, 1), drawn)
    assert torch.equal(three[:, :3], three[:, 3:6])
    assert torch.equal(three[:, :3], three[:, 6:])


def test_draws_cover_their_ranges_and_no_more():
    config = AugmentationConfig(flip=0.5, rotation=3, crop_padding=15)
    drawn = drawn_for(4000, 224, config, seed=3)
    assert 0.45 < drawn.flip.float().mean() < 0.55
    assert 2.9 < drawn.degrees.max() <= 3
    assert -3 <= drawn.degrees.min() < -2.9
    assert set(drawn.shift_x.tolist()) == set(range(-15, 16))
    assert set(drawn.shift_y.tolist()) == set(range(-15, 16))


def test_no_augmentation_changes_nothing():
    config = AugmentationConfig(flip=0, rotation=0, crop_padding=0)
    frames = torch.randn(3, 9, 32, 32)
    assert torch.equal(moved(frames, drawn_for(3, 32, config)), frames)


def test_pixels_from_outside_are_zero():
    drawn = Draw(*(torch.tensor([v]) for v in (False, 0.0, 5, 0)))
    out = moved(torch.ones(1, 9, 32, 32), drawn)
    assert out[..., -5:].eq(0).all()
    assert out[..., :-5].eq(1).all()


def test_bytes_are_normalised_after_the_look_up():
    config = AugmentationConfig(rotation=20)
    drawn = drawn_for(4, 32, config)
    frames = torch.randint(0, 256, (4, 9, 32, 32), dtype=torch.uint8)
    first = normalise(frames.unflatten(1, (3, 3))).flatten(1, 2)
    assert torch.equal(moved(frames, drawn), moved(first, drawn))


def test_normalise():
    frames = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    out = normalise(frames)
    expected = reference.normalize(frames / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(out, expected)


def one_draw(flip=False, degrees=0.0, shift=0):
    return Draw(*(torch.tensor([value]) for value in (flip, degrees, shift, 0)))


def test_vectors_turn_exactly():
    """A vector to the right: left after a flip, up after a quarter turn counter-clockwise."""
    right = torch.zeros(1, 2, 3, 4, 4)
    right[:, :, 0], right[:, :, 2] = 2.0, 7.0
    for drawn, expected in (
        (one_draw(), (2.0, 0.0)),
        (one_draw(shift=3), (2.0, 0.0)),
        (one_draw(flip=True), (-2.0, 0.0)),
        (one_draw(degrees=90.0), (0.0, -2.0)),
        (one_draw(flip=True, degrees=90.0), (0.0, 2.0)),  # first flipped, then turned
        (one_draw(degrees=30.0), (3**0.5, -1.0)),
    ):
        turned = turn(right, drawn)
        u, v = (torch.full((1, 2, 4, 4), value) for value in expected)
        assert torch.allclose(turned[:, :, 0], u, atol=1e-6)
        assert torch.allclose(turned[:, :, 1], v, atol=1e-6)
        assert turned[:, :, 2].eq(7).all()  # a magnitude or strain does not turn


def images(size):
    """Two frames (1, 3, S, S) of a texture that swells and drifts."""
    y, x = np.indices((size, size)).astype(float)
    dx, dy = 0.03 * (x - size / 2) + 0.8, 0.02 * (y - size / 3) - 0.6
    rng = np.random.default_rng(3)
    waves = [(rng.uniform(8, 30), rng.uniform(0, np.pi), rng.uniform(0, 7)) for _ in range(40)]

    def texture(x, y):
        parts = [
            np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / wave + phase)
            for wave, angle, phase in waves
        ]
        grey = np.clip(128 + 12 * np.sum(parts, axis=0), 0, 255)
        return torch.tensor(grey, dtype=torch.float32).expand(1, 3, size, size)

    return texture(x, y), texture(x - dx, y - dy)


@pytest.mark.parametrize(("flip", "degrees"), [(True, 0.0), (False, 20.0), (True, -35.0)])
def test_the_flow_of_augmented_frames_is_the_augmented_flow(flip, degrees):
    size = 96
    drawn = one_draw(flip, degrees, shift=4)

    def feature(start, end):
        frames = (x[0].permute(1, 2, 0).round().byte().numpy() for x in (start, end))
        flow = flow_feature(dense_flow(*frames), "strain")
        return torch.from_numpy(flow)[None, None]  # (1, 1, 3, S, S)

    before, after = images(size)
    there = feature(moved(before, drawn), moved(after, drawn))
    here = turn(moved(feature(before, after).flatten(1, 2), drawn)[:, None], drawn)
    # Away from the border, and from the corners that the rotation brought in.
    inside = (..., slice(24, -24), slice(24, -24))
    vectors = (there - here)[inside][:, :, :2].abs().mean()
    unturned = (there - moved(feature(before, after).flatten(1, 2), drawn)[:, None])[inside]
    assert vectors < 0.06
    assert vectors < unturned[:, :, :2].abs().mean() / 3
    strain = (there - here)[inside][:, :, 2].abs().mean()
    assert strain < 0.4 * there[inside][:, :, 2].mean()
