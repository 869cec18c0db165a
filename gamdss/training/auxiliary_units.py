"""Action units as an auxiliary loss: a layer on the embedding, trained with the network."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from gamdss.config import Config
from gamdss.losses import two_phase_loss
from gamdss.models.two_branch import TwoBranchNet
from gamdss.records import UNITS


class UnitLayer(nn.Module):
    """Predicts action units from what a network's classifier takes, in both phases.

    It is used only while the network trains and is not kept: the network is one of emotions, with
    or without it. Its parameters must be given to the optimiser.
    """

    def __init__(self, net: TwoBranchNet, config: Config) -> None:
        super().__init__()
        self.config = config.training
        classifier = cast(nn.Linear, net.head.classify)
        device = classifier.weight.device
        self.layer = nn.Linear(classifier.in_features, len(UNITS), device=device)
        self._embeddings: list[Tensor] = []
        classifier.register_forward_pre_hook(self._keep)

    def _keep(self, classifier: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if classifier.training:
            self._embeddings.append(inputs[0])

    def loss(self, units: Tensor) -> Tensor:
        """The weighted loss of the last batch, whose action units are (B, U)."""
        # The phases come one after another, or both in one batch: the rising one first.
        embeddings = torch.cat(self._embeddings).float()
        self._embeddings.clear()
        phases = self.layer(embeddings).split(len(units))
        rising, falling = phases if len(phases) == 2 else (phases[0], None)
        loss = two_phase_loss(rising, falling, units, self.config.auxiliary_weight)
        return self.config.au_weight * loss
