"""The loss of both phases."""

import math

import pytest
import torch
import torch.nn.functional as F

from gamdss.errors import ConfigError
from gamdss.losses import two_phase_loss

RISING = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.1, 0.3]])
FALLING = torch.tensor([[0.0, 1.0, 0.0], [1.0, -1.0, 2.0]])
LABELS = torch.tensor([0, 2])


def cross_entropy(logits):
    rows = [
        -math.log(math.exp(row[label]) / sum(map(math.exp, row)))
        for row, label in zip(logits.tolist(), LABELS.tolist(), strict=True)
    ]
    return sum(rows) / len(rows)


@pytest.mark.parametrize("weight", [1.0, 0.25, 0.0])
def test_sum_of_both_phases(weight):
    loss = two_phase_loss(RISING, FALLING, LABELS, auxiliary_weight=weight)
    assert loss.item() == pytest.approx(cross_entropy(RISING) + weight * cross_entropy(FALLING))


def test_a_single_phase_has_weight_one():
    rising = two_phase_loss(RISING, None, LABELS, auxiliary_weight=0.25)
    falling = two_phase_loss(None, FALLING, LABELS, auxiliary_weight=0.25)
    assert rising.item() == pytest.approx(cross_entropy(RISING))
    assert falling.item() == pytest.approx(cross_entropy(FALLING))


def test_label_smoothing_applies_to_both():
    loss = two_phase_loss(RISING, FALLING, LABELS, label_smoothing=0.1)
    expected = sum(F.cross_entropy(x, LABELS, label_smoothing=0.1) for x in (RISING, FALLING))
    torch.testing.assert_close(loss, expected)


def test_a_loss_needs_a_phase():
    with pytest.raises(ConfigError, match="None"):
        two_phase_loss(None, None, LABELS)


@pytest.mark.parametrize("logits", [RISING[:1], RISING[0], RISING[None]])
def test_logits_of_another_shape_than_the_labels_are_refused(logits):
    with pytest.raises(ConfigError, match=r"labels \(2,\)"):
        two_phase_loss(RISING, logits, LABELS)


def test_the_loss_of_bfloat16_logits_is_computed_in_float32():
    rising, falling = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    labels = torch.tensor([0, 1, 2, 3, 4, 0])
    loss = two_phase_loss(rising, falling, labels)
    assert loss.dtype == torch.float32
    assert loss.item() == two_phase_loss(rising.float(), falling.float(), labels).item()
