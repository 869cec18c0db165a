"""Retention against explicit loops."""

import itertools
import math
from functools import partial

import pytest
import torch

from gamdss.models.retention import (
    FORMS,
    Retention,
    RetentionTables,
    decomposed_retention,
    head_decays,
    line_decay,
    manhattan_decay,
    mix,
    mix_by_index,
    mix_fused,
    padded_rows,
    rotate,
    rotate_in_reals,
    rotation_angles,
    whole_retention,
)

HEIGHT, WIDTH, HEADS, HEAD_DIM = 3, 4, 2, 8


@pytest.fixture
def qkv():
    torch.manual_seed(0)
    return torch.randn(3, 2, HEIGHT, WIDTH, HEADS, HEAD_DIM, dtype=torch.float64)


def attend(query, keys, values, decays):
    """One pixel, one head: an explicit softmax over the keys."""
    scores = [float(query @ key) + decay for key, decay in zip(keys, decays, strict=True)]
    weights = [math.exp(score) for score in scores]
    total = sum(weight * value for weight, value in zip(weights, values, strict=True))
    return total / sum(weights)


def test_decay_of_a_head_follows_the_paper():
    expected = [math.log(1 - 2**-2), math.log(1 - 2**-4)]
    assert head_decays(2, 4).tolist() == pytest.approx(expected)


def test_whole_mask_is_the_manhattan_distance():
    decays = head_decays(HEADS, 6)
    mask = manhattan_decay(HEIGHT, WIDTH, decays)
    pixels = list(itertools.product(range(HEIGHT), range(WIDTH)))
    for head, (i, a), (j, b) in itertools.product(
        range(HEADS), enumerate(pixels), enumerate(pixels)
    ):
        distance = abs(a[0] - b[0]) + abs(a[1] - b[1])
        assert mask[head, i, j].item() == pytest.approx(decays[head].item() * distance)


def test_rotation_turns_neighbouring_channels_by_pixel_index():
    torch.manual_seed(0)
    x = torch.randn(1, HEIGHT, WIDTH, 1, HEAD_DIM)
    angles = rotation_angles(HEIGHT, WIDTH, HEAD_DIM)[:, :, None]
    turned = rotate(x, torch.stack((angles.cos(), angles.sin()), -1))
    for row, column, pair in itertools.product(range(HEIGHT), range(WIDTH), range(HEAD_DIM // 2)):
        angle = (row * WIDTH + column) * 10000 ** -(pair / (HEAD_DIM // 2 - 1))
        a, b = x[0, row, column, 0, 2 * pair : 2 * pair + 2].tolist()
        expected = [
            a * math.cos(angle) - b * math.sin(angle),
            b * math.cos(angle) + a * math.sin(angle),
        ]
        assert turned[0, row, column, 0, 2 * pair : 2 * pair + 2].tolist() == pytest.approx(
            expected, abs=1e-6
        )


def test_rotation_in_reals_is_the_same_function():
    x = torch.randn(2, 56, 56, 2, 32, generator=torch.Generator().manual_seed(0))
    angles = rotation_angles(56, 56, 32)[:, :, None]
    turns = torch.stack((angles.cos(), angles.sin()), -1).float()
    torch.testing.assert_close(rotate_in_reals(x, turns), rotate(x, turns), rtol=0, atol=1e-6)
    assert rotate_in_reals(x.bfloat16(), turns).dtype == torch.bfloat16


def test_rotation_keeps_large_angles_accurate_in_bfloat16():
    x = torch.ones(1, 112, 112, 1, 32)
    angles = rotation_angles(112, 112, 32)[:, :, None]
    turns = torch.stack((angles.cos(), angles.sin()), -1).float()
    assert rotate(x.bfloat16(), turns).dtype == torch.bfloat16
    torch.testing.assert_close(
        rotate(x.bfloat16(), turns).float(), rotate(x, turns), atol=0.01, rtol=0
    )


def test_whole_retention_equals_a_loop(qkv):
    q, k, v = qkv
    decays = head_decays(HEADS, 6)
    decay = manhattan_decay(HEIGHT, WIDTH, decays)
    mixed = whole_retention(q, k, v, partial(mix, decay=decay))
    pixels = list(itertools.product(range(HEIGHT), range(WIDTH)))
    for b, n, (row, column) in itertools.product(range(2), range(HEADS), pixels):
        expected = attend(
            q[b, row, column, n],
            [k[b, r, c, n] for r, c in pixels],
            [v[b, r, c, n] for r, c in pixels],
            [decays[n].item() * (abs(row - r) + abs(column - c)) for r, c in pixels],
        )
        torch.testing.assert_close(mixed[b, row, column, n], expected)


def test_decomposed_retention_equals_a_loop(qkv):
    q, k, v = qkv
    decays = head_decays(HEADS, 4)
    lines = (partial(mix, decay=line_decay(length, decays)) for length in (WIDTH, HEIGHT))
    mixed = decomposed_retention(q, k, v, *lines)
    positions = list(itertools.product(range(2), range(HEADS), range(HEIGHT), range(WIDTH)))
    along_rows = torch.empty_like(v)
    for b, n, row, column in positions:
        along_rows[b, row, column, n] = attend(
            q[b, row, column, n],
            k[b, row, :, n],
            v[b, row, :, n],
            [decays[n].item() * abs(column - c) for c in range(WIDTH)],
        )
    for b, n, row, column in positions:
        expected = attend(
            q[b, row, column, n],
            k[b, :, column, n],
            along_rows[b, :, column, n],
            [decays[n].item() * abs(row - r) for r in range(HEIGHT)],
        )
        torch.testing.assert_close(mixed[b, row, column, n], expected)


@pytest.mark.parametrize("form", ["fused", "index"])
@pytest.mark.parametrize("line", [False, True])
@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile")
def test_all_forms_are_the_same_function(qkv, form, line):
    q, k, v = (t.flatten(1, 2).transpose(1, 2) for t in qkv)
    decays = head_decays(HEADS, 6)
    length, width = q.shape[2], q.shape[2] if line else WIDTH
    decay = line_decay(length, decays) if line else manhattan_decay(HEIGHT, WIDTH, decays)
    if form == "fused":
        mixed = mix_fused(q, k, v, padded_rows(decay))
    else:  # PyTorch has its gradient only on CUDA
        mixed = mix_by_index(q, k, v, decays, width)
    torch.testing.assert_close(mixed, mix(q, k, v, decay))


def test_padded_rows_are_aligned():
    padded = padded_rows(torch.randn(2, 20, 20))
    assert padded.shape == (2, 20, 20)
    assert padded.stride(1) == 32


@pytest.mark.parametrize("decomposed", [True, False])
@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile")
def test_tables_mix_alike_in_every_form(decomposed):
    torch.manual_seed(0)
    x = torch.randn(3, 2, 8, 8, HEADS, 8)
    tables = RetentionTables((8, 8), HEADS, 8, 4, decomposed)
    written = tables(*x)
    for form in set(FORMS) - {"lines"}:  # its test is in test_line_kernels.py
        tables.use(form, torch.float32)
        torch.testing.assert_close(tables(*x), written)


@pytest.mark.parametrize("decomposed", [True, False])
def test_tables_move_with_the_model_but_are_not_saved(decomposed):
    tables = RetentionTables((HEIGHT, WIDTH), HEADS, HEAD_DIM, 4, decomposed)
    assert tables.state_dict() == {}
    assert len(list(tables.buffers())) == (5 if decomposed else 4)


@pytest.mark.parametrize("decomposed", [True, False])
def test_bfloat16_autocast_stays_close_to_float32(decomposed):
    torch.manual_seed(0)
    retention = Retention(16, HEADS)
    tables = RetentionTables((8, 8), HEADS, 8, 4, decomposed)
    x = torch.randn(2, 8, 8, 16)
    exact = retention(x, tables)
    with torch.autocast("cpu", torch.bfloat16):
        rough = retention(x, tables)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, atol=0.02, rtol=0.05)
