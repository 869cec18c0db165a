"""The loss of both phases.

Source: GAMDSS (arXiv 2603.04766): cross-entropy of the rising phase, plus that of the falling phase
as auxiliary loss.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from gamdss.config import TrainingConfig
from gamdss.errors import ConfigError


def two_phase_loss(
    rising: Tensor | None,
    falling: Tensor | None,
    labels: Tensor,
    auxiliary_weight: float = 1.0,
    label_smoothing: float = 0.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    """Cross-entropy of the rising phase plus `auxiliary_weight` times that of the falling phase.

    Args:
        rising, falling: logits (B, classes), or None to leave the phase out; a single phase
            has weight 1.
        labels: class indices (B,), int64.
        auxiliary_weight: weight of the falling phase relative to the rising phase.
        label_smoothing: share of the target spread over all classes, in [0, 1].
        class_weights: weight of each class (classes,); the mean is then weighted.

    Returns:
        The mean over the batch, a scalar.

    Raises:
        ConfigError: both phases are None, or their shape is not that of the labels.
    """
    for logits in (rising, falling):
        if logits is not None and (logits.ndim != 2 or logits.shape[:1] != labels.shape):
            raise ConfigError(
                f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}",
                remedy="Pass logits (B, classes) and labels (B,).",
            )
    if rising is None:
        rising, falling = falling, None
    if rising is None:
        raise ConfigError(
            "both phases' logits are None", remedy="Pass the logits of one or both phases."
        )
    # Logits under autocast are bfloat16, too coarse for a loss: 3.29 becomes 3.3.
    loss = F.cross_entropy(rising.float(), labels, class_weights, label_smoothing=label_smoothing)
    if falling is not None:
        auxiliary = F.cross_entropy(
            falling.float(), labels, class_weights, label_smoothing=label_smoothing
        )
        loss = loss + auxiliary_weight * auxiliary
    return loss


def training_loss(
    rising: Tensor | None,
    falling: Tensor | None,
    labels: Tensor,
    training: TrainingConfig,
    class_weights: Tensor | None = None,
) -> Tensor:
    """The loss of a training step with the weights of a config; arguments as `two_phase_loss`."""
    return two_phase_loss(
        rising,
        falling,
        labels,
        auxiliary_weight=training.auxiliary_weight,
        label_smoothing=training.label_smoothing,
        class_weights=class_weights,
    )
