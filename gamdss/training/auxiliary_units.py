"""Action units as an auxiliary loss: a layer on the embedding, trained with the network."""

from __future__ import annotations

from torch import Tensor, nn

from gamdss.config import TrainingConfig
from gamdss.losses import two_phase_loss
from gamdss.models.two_branch import Pair
from gamdss.records import UNITS


class UnitLayer(nn.Module):
    """Predicts action units from what a network's classifier takes, in both phases.

    It is used only while the network trains and is not kept: the network is one of emotions, with
    or without it.

    Args:
        width: of the embedding.
        training: the weights of the losses.
    """

    def __init__(self, width: int, training: TrainingConfig) -> None:
        super().__init__()
        self.training_config = training
        self.layer = nn.Linear(width, len(UNITS))

    def loss(self, embeddings: Pair, units: Tensor) -> Tensor:
        """The weighted loss of the embeddings of each phase, and action units (B, U)."""
        rising, falling = (
            None if values is None else self.layer(values.float()) for values in embeddings
        )
        config = self.training_config
        return config.au_weight * two_phase_loss(rising, falling, units, config.auxiliary_weight)
