"""The loss of both phases.

Source: GAMDSS (arXiv 2603.04766): cross-entropy of the rising phase, plus that of the falling phase
as auxiliary loss. Of action units (arXiv 2211.11425), binary cross-entropy takes its place.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

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
        labels: int64, class indices (B,); or action units (B, classes), each of them a binary
            decision: 1 moves, 0 does not, -1 is unknown and does not count.
        auxiliary_weight: weight of the falling phase relative to the rising phase.
        label_smoothing: share of the target spread over all classes, in [0, 1]; of an action unit
            over both answers.
        class_weights: weight of each class (classes,); the mean is then weighted. Of an action
            unit, the weight of the clips where it moves.

    Returns:
        The mean over the batch, a scalar.

    Raises:
        ConfigError: both phases are None, or their shape is not that of the labels.
    """
    for logits in (rising, falling):
        if logits is not None and (
            logits.ndim != 2 or logits.shape[: max(labels.ndim, 1)] != labels.shape
        ):
            raise ConfigError(
                f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}",
                remedy="Pass logits (B, classes) and labels (B,), or (B, classes) for action "
                "units.",
            )
    if rising is None:
        rising, falling = falling, None
    if rising is None:
        raise ConfigError(
            "both phases' logits are None", remedy="Pass the logits of one or both phases."
        )
    of_phase = F.cross_entropy if labels.ndim == 1 else _unit_loss
    # Logits under autocast are bfloat16, too coarse for a loss: 3.29 becomes 3.3.
    loss = of_phase(rising.float(), labels, class_weights, label_smoothing=label_smoothing)
    if falling is not None:
        auxiliary = of_phase(
            falling.float(), labels, class_weights, label_smoothing=label_smoothing
        )
        loss = loss + auxiliary_weight * auxiliary
    return loss


def _unit_loss(
    logits: Tensor, units: Tensor, weights: Tensor | None, label_smoothing: float
) -> Tensor:
    """Mean binary cross-entropy of the units that are known."""
    known = (units >= 0).float()
    wanted = units.clamp(min=0).float()
    wanted = wanted * (1 - label_smoothing) + label_smoothing / 2
    loss = F.binary_cross_entropy_with_logits(
        logits, wanted, known, pos_weight=weights, reduction="sum"
    )
    return loss / known.sum().clamp(min=1)


def count_right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many clips are right: their class, or the share of their action units; a scalar."""
    if labels.ndim == 1:
        return (logits.argmax(1) == labels).sum()
    return ((logits > 0) == (labels == 1)).float().mean(1).sum()
