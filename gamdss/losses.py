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
        labels: integers, class indices (B,); or action units (B, classes), each of them a binary
            decision: 1 moves, 0 does not, -1 is unknown and does not count.
        auxiliary_weight: weight of the falling phase relative to the rising phase, 0 or more.
        label_smoothing: share of the target spread over all classes, in [0, 1]; of an action unit
            over both answers.
        class_weights: weight of each class (classes,); the mean is then weighted. Of an action
            unit, the weight of the clips where it moves.

    Returns:
        The mean over the batch, a scalar.

    Raises:
        ConfigError: both phases are None, their shape is not that of the labels or differs, labels
            are no integers, or the weight is negative.
    """
    _check(rising, falling, labels, auxiliary_weight)
    labels = labels.long()
    if rising is None:
        rising, falling = falling, None
    assert rising is not None
    of_phase = F.cross_entropy if labels.ndim == 1 else _unit_loss
    # Logits under autocast are bfloat16, too coarse for a loss: 3.29 becomes 3.3.
    loss = of_phase(rising.float(), labels, class_weights, label_smoothing=label_smoothing)
    if falling is not None:
        auxiliary = of_phase(
            falling.float(), labels, class_weights, label_smoothing=label_smoothing
        )
        loss = loss + auxiliary_weight * auxiliary
    return loss


def _check(rising: Tensor | None, falling: Tensor | None, labels: Tensor, weight: float) -> None:
    """Refuse what needs no look at the values, for which a GPU would have to be waited for."""
    if rising is None and falling is None:
        raise ConfigError(
            "both phases' logits are None", remedy="Pass the logits of one or both phases."
        )
    if labels.is_floating_point():
        raise ConfigError(
            f"labels are {labels.dtype}",
            remedy="Pass class indices (B,) or action units (B, classes) as integers. Soft labels "
            "are not supported: use torch.nn.functional.cross_entropy of each phase.",
        )
    if not weight >= 0:  # nor NaN
        raise ConfigError(f"auxiliary_weight is {weight}", remedy="It must be 0 or more.")
    for logits in (rising, falling):
        if logits is not None and (
            logits.ndim != 2 or logits.shape[: max(labels.ndim, 1)] != labels.shape
        ):
            raise ConfigError(
                f"logits have shape {tuple(logits.shape)}, labels {tuple(labels.shape)}",
                remedy="Pass logits (B, classes) and labels (B,), or (B, classes) for action "
                "units.",
            )
    if rising is not None and falling is not None and rising.shape != falling.shape:
        raise ConfigError(
            f"rising logits have shape {tuple(rising.shape)}, falling {tuple(falling.shape)}",
            remedy="Pass logits of the same clips and classes.",
        )


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
