"""How one fold is optimised, and which of its epochs is evaluated."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from gamdss.errors import is_between, is_whole, require

_LARGEST = sys.float_info.max


@dataclass
class TrainingConfig:
    """Optimisation of one fold.

    Args:
        epochs: passes over the training clips.
        batch_size: clips per step; the last, partial batch is kept.
        learning_rate: of AdamW.
        weight_decay: of AdamW, on every parameter.
        lr_decay: factor on the learning rate after each of the first `lr_decay_epochs` epochs.
        lr_decay_epochs: for how many epochs the learning rate decays.
        auxiliary_weight: weight of the auxiliary loss, the cross-entropy of the falling phase.
        au_weight: weight of a further auxiliary loss in tasks of emotions: the clip's action units,
            predicted from the embedding by a layer that is not kept. 0 omits it.
        label_smoothing: share of each training target that is spread over all classes.
        class_weights: `balanced` weights the loss of a class by the inverse of its number of
            training clips, and that of an active action unit by the number of clips without it
            over that with it; `none` weights all equally.
        sampling: `shuffle` shows each training clip once per epoch; `balanced` draws as many with
            replacement, every class equally often.
        selection: which epoch of a fold is evaluated: the last one (`final`), or the one with the
            best UF1 on training subjects that are set aside and not trained on (`inner`). The
            release's choice, on the held-out subject, is always computed and called `oracle`.
        inner_share: approximate share of the training clips whose subjects `inner` sets aside.
        precision: `float32`, `bf16` (autocast), or `auto`: bf16 on devices that are faster with
            it.
        compile: `on` compiles the training step and, on CUDA, replays it as a CUDA graph; `off`
            does not; `auto` does on CUDA with Triton. What cannot be compiled runs as it is.
        freeze: names of parameters that are not trained, as comma-separated patterns, such as
            `temporal.stem.*,spatial.*`.
        checkpoint_every: epochs between saves of the training state of an unfinished fold; by
            default as many as take a minute.

    Raises:
        ConfigError: a value is out of its range.
    """

    epochs: int = 199
    batch_size: int = 16
    learning_rate: float = 8e-4
    weight_decay: float = 0.6
    lr_decay: float = 0.987
    lr_decay_epochs: int = 50
    auxiliary_weight: float = 1.0
    au_weight: float = 0.0
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    selection: Literal["final", "inner"] = "final"
    inner_share: float = 0.2
    precision: Literal["auto", "float32", "bf16"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    freeze: str | None = None
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "checkpoint_every"):
            number = getattr(self, name)
            ok = is_whole(number, 1) or (number is None and name == "checkpoint_every")
            require(ok, f"training.{name}", number, "an integer, 1 or more")
        allowed = "0 or more, and finite"
        for name in ("weight_decay", "auxiliary_weight", "au_weight"):
            value = getattr(self, name)
            require(is_between(value, 0, _LARGEST), f"training.{name}", value, allowed)
        decays = self.lr_decay_epochs
        require(is_whole(decays), "training.lr_decay_epochs", decays, "an integer, 0 or more")
        rate = self.learning_rate
        ok = is_between(rate, 0, _LARGEST) and rate > 0
        require(ok, "training.learning_rate", rate, "above 0, and finite")
        smoothing = self.label_smoothing
        ok = is_between(smoothing, 0, 1) and smoothing < 1
        require(ok, "training.label_smoothing", smoothing, "in [0, 1)")
        share = self.inner_share
        ok = is_between(share, 0, 0.5) and share > 0
        require(ok, "training.inner_share", share, "above 0, up to 0.5")
        ok = is_between(self.lr_decay, 0, 1) and self.lr_decay > 0
        require(ok, "training.lr_decay", self.lr_decay, "in (0, 1]")
