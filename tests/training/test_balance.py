"""Options for unequal classes."""

import pytest
import torch

from gamdss.losses import two_phase_loss
from gamdss.training.fold_data import FoldData


@pytest.fixture
def data():
    labels = torch.tensor([0] * 60 + [1] * 30 + [3] * 10)
    return FoldData(
        name="x",
        classes=("a", "b", "c", "d"),
        frames=torch.zeros(1, 3, 4, 4, dtype=torch.uint8),
        training=torch.zeros(100, 3, dtype=torch.int64),
        training_labels=labels,
        held_out=torch.zeros(1, 3, dtype=torch.int64),
        held_out_labels=torch.zeros(1, dtype=torch.int64),
        held_out_clips=("y",),
    )


def test_weights_are_inverse_to_the_classes_and_average_to_one(data):
    weights = data.class_weights()
    assert weights[2] == 0
    assert weights[[0, 1, 3]].tolist() == pytest.approx([100 / 180, 100 / 90, 100 / 30])
    assert weights[data.training_labels].mean() == pytest.approx(1)


def test_shuffling_shows_each_clip_once(data):
    assert sorted(data.order("shuffle").tolist()) == list(range(100))


def test_balanced_sampling_shows_classes_equally_often(data):
    torch.manual_seed(0)
    shown = torch.cat([data.training_labels[data.order("balanced")] for _ in range(30)])
    assert len(shown) == 3000
    shares = torch.bincount(shown, minlength=4) / len(shown)
    assert shares[[0, 1, 3]].tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_the_loss_takes_weights_and_smoothing(data):
    logits, labels = torch.randn(6, 4), torch.tensor([0, 1, 3, 0, 1, 3])
    weights = data.class_weights()
    found = two_phase_loss(logits, None, labels, class_weights=weights)
    each = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    chosen = weights[labels]
    torch.testing.assert_close(found, (each * chosen).sum() / chosen.sum())
    smooth = two_phase_loss(logits, None, labels, label_smoothing=0.5)
    even = -logits.log_softmax(1).mean(1).mean()
    torch.testing.assert_close(smooth, 0.5 * each.mean() + 0.5 * even)
