"""The loss of both phases."""

import math

import pytest
import torch
import torch.nn.functional as F

from gamdss.errors import ConfigError
from gamdss.losses import count_right, two_phase_loss

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


def test_labels_may_be_any_integers():
    assert two_phase_loss(RISING, FALLING, LABELS.int()) == two_phase_loss(RISING, FALLING, LABELS)


@pytest.mark.parametrize(
    ("falling", "labels", "weight", "message"),
    [
        (FALLING, F.one_hot(LABELS, 3).float(), 1.0, "labels are torch.float32"),
        (FALLING, LABELS, -1.0, "auxiliary_weight is -1.0"),
        (FALLING[:, :2], LABELS, 1.0, r"falling \(2, 2\)"),
    ],
)
def test_what_would_be_another_loss_is_refused(falling, labels, weight, message):
    with pytest.raises(ConfigError, match=message):
        two_phase_loss(RISING, falling, labels, weight)


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


def test_units_have_binary_cross_entropy_in_both_phases():
    generator = torch.Generator().manual_seed(0)
    rising, falling = torch.randn(2, 5, 4, generator=generator)
    units = torch.randint(0, 2, (5, 4), generator=generator)
    expected = [
        F.binary_cross_entropy_with_logits(logits, units.float()) for logits in (rising, falling)
    ]
    loss = two_phase_loss(rising, falling, units, auxiliary_weight=0.5)
    torch.testing.assert_close(loss, expected[0] + 0.5 * expected[1])
    smooth = two_phase_loss(rising, None, units, label_smoothing=0.2)
    wanted = 0.8 * units + 0.1
    torch.testing.assert_close(smooth, F.binary_cross_entropy_with_logits(rising, wanted))
    weights = torch.tensor([2.0, 1.0, 3.0, 1.0])
    weighted = F.binary_cross_entropy_with_logits(rising, units.float(), pos_weight=weights)
    torch.testing.assert_close(two_phase_loss(rising, None, units, class_weights=weights), weighted)


def test_unknown_units_do_not_count():
    logits = torch.tensor([[1.0, -2.0], [3.0, 0.5]], requires_grad=True)
    units = torch.tensor([[1, 0], [-1, -1]])
    loss = two_phase_loss(logits, None, units)
    expected = F.binary_cross_entropy_with_logits(logits[:1], units[:1].float())
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert (logits.grad[1] == 0).all()
    assert two_phase_loss(logits, None, torch.full((2, 2), -1)) == 0


def test_right_are_clips_of_the_class_and_shares_of_units():
    logits = torch.tensor([[1.0, -1.0], [-1.0, 2.0]])
    assert count_right(logits, torch.tensor([0, 0])) == 1
    assert count_right(logits, torch.tensor([[1, 1], [0, 1]])) == 1.5
