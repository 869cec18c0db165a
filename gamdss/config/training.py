"""How one fold is optimised, and which epoch of it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gamdss.config.checks import require as _require


@dataclass
class TrainingConfig:
    """Optimisation of one fold.

    Args:
        epochs: passes over the training clips.
        batch_size: clips in a step; the last partial batch is kept.
        learning_rate: of AdamW.
        weight_decay: of AdamW, on every parameter.
        lr_decay: factor on the learning rate after each of the first `lr_decay_epochs` epochs.
        lr_decay_epochs: how many epochs the learning rate decays.
        auxiliary_weight: weight of the falling phase's cross-entropy, the auxiliary loss.
        label_smoothing: share of each training target that is spread over all classes.
        class_weights: `balanced` weighs a class's loss by the inverse of its number of training
            clips; `none` weighs all alike.
        sampling: `shuffle` shows each training clip once an epoch; `balanced` draws as many with
            replacement, every class equally often.
        selection: which epoch a fold is judged by: the last one (`final`), or (`inner`) the one
            with the best UF1 on training subjects that are set aside for this, on which the
            network is not trained. The release's choice, on the held-out subject, is computed
            from either and named `oracle`.
        inner_share: share of the training clips whose subjects `inner` sets aside, about.
        precision: `float32`, `bf16` (autocast), or `auto`: bf16 on devices that compute faster
            with it.
        checkpoint_every: epochs between two saves of the training state of an unfinished fold.
    """

    epochs: int = 199
    batch_size: int = 16
    learning_rate: float = 8e-4
    weight_decay: float = 0.6
    lr_decay: float = 0.987
    lr_decay_epochs: int = 50
    auxiliary_weight: float = 1.0
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    selection: Literal["final", "inner"] = "final"
    inner_share: float = 0.2
    precision: Literal["auto", "float32", "bf16"] = "auto"
    checkpoint_every: int = 10

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "checkpoint_every"):
            _require(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "1 or more")
        for name in ("weight_decay", "lr_decay_epochs", "auxiliary_weight"):
            _require(getattr(self, name) >= 0, f"training.{name}", getattr(self, name), "0 or more")
        _require(self.learning_rate > 0, "training.learning_rate", self.learning_rate, "above 0")
        smoothing = self.label_smoothing
        _require(0 <= smoothing < 1, "training.label_smoothing", smoothing, "in [0, 1)")
        share = self.inner_share
        _require(0 < share <= 0.5, "training.inner_share", share, "above 0, up to 0.5")
        _require(0 < self.lr_decay <= 1, "training.lr_decay", self.lr_decay, "in (0, 1]")
