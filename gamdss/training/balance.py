"""Options against unequal classes: which clips an epoch shows, and what each class weighs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from gamdss.training.fold_data import FoldData


def order(data: FoldData, sampling: Literal["shuffle", "balanced"]) -> Tensor:
    """Training clips of an epoch in the order they are shown, (N,) int64 on the CPU.

    `shuffle` is a permutation; `balanced` draws with replacement, every class equally often.
    """
    count = len(data.training)
    if sampling == "shuffle":
        return torch.randperm(count)
    return torch.multinomial(class_weights(data).cpu()[data.training_labels.cpu()], count, True)


def class_weights(data: FoldData) -> Tensor:
    """Inverse of each class's share of the training clips over the number of classes, (C,).

    The mean over the training clips is 1; a class without training clips weighs nothing.
    """
    count = torch.bincount(data.training_labels, minlength=len(data.classes)).float()
    weights = len(data.training) / ((count > 0).sum() * count.clamp(min=1))
    return weights * (count > 0)
