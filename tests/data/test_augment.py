"""Augmentation against torchvision's steps done in turn."""

import torch
import torchvision.transforms.v2.functional as reference
from torchvision.transforms import InterpolationMode

from gamdss.config import AugmentationConfig
from gamdss.data.augment import Draw, augment, draw, normalise


def by_steps(frames, drawn, i, padding):
    image = reference.horizontal_flip(frames[i]) if drawn.flip[i] else frames[i]
    image = reference.rotate(image, float(drawn.degrees[i]), InterpolationMode.NEAREST)
    image = reference.pad(image, [padding] * 4)
    top, left = padding + int(drawn.shift_y[i]), padding + int(drawn.shift_x[i])
    return reference.crop(image, top, left, *frames.shape[-2:])


def test_one_sampling_gives_the_pixels_of_flip_rotation_and_crop():
    generator = torch.Generator().manual_seed(0)
    for size in (224, 64):
        frames = torch.randn(12, 9, size, size, generator=generator)
        drawn = draw(12, size, AugmentationConfig(), generator)
        assert drawn.flip.any()
        assert not drawn.flip.all()
        out = augment(frames, drawn)
        for i in range(12):
            steps = by_steps(frames, drawn, i, round(15 * size / 224))
            # A position half-way between two pixels may round to either.
            assert (out[i] != steps).float().mean() < 1e-3


def test_frames_of_a_clip_get_the_same_draw():
    frames = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    drawn = draw(4, 64, AugmentationConfig(rotation=20), torch.Generator().manual_seed(2))
    three = augment(frames.repeat(1, 3, 1, 1), drawn)
    assert torch.equal(three[:, :3], three[:, 3:6])
    assert torch.equal(three[:, :3], three[:, 6:])


def test_draws_cover_their_ranges_and_no_more():
    config = AugmentationConfig(flip=0.5, rotation=3, crop_padding=15)
    drawn = draw(4000, 224, config, torch.Generator().manual_seed(3))
    assert 0.45 < drawn.flip.float().mean() < 0.55
    assert 2.9 < drawn.degrees.max() <= 3
    assert -3 <= drawn.degrees.min() < -2.9
    assert set(drawn.shift_x.tolist()) == set(range(-15, 16))
    assert set(drawn.shift_y.tolist()) == set(range(-15, 16))


def test_no_augmentation_changes_nothing():
    config = AugmentationConfig(flip=0, rotation=0, crop_padding=0)
    frames = torch.randn(3, 9, 32, 32)
    assert torch.equal(augment(frames, draw(3, 32, config, torch.Generator())), frames)


def test_what_lies_outside_is_zero():
    drawn = Draw(*(torch.tensor([v]) for v in (False, 0.0, 5, 0)))
    out = augment(torch.ones(1, 9, 32, 32), drawn)
    assert out[..., -5:].eq(0).all()
    assert out[..., :-5].eq(1).all()


def test_normalise():
    frames = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 4, 4)
    out = normalise(frames)
    expected = reference.normalize(frames / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert torch.allclose(out, expected)
