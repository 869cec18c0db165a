"""One fold: train a network from the start, keep every epoch's held-out logits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.augment import augment, draw, normalise
from gamdss.losses import two_phase_loss
from gamdss.metrics import inner_epoch
from gamdss.models.two_branch import build_network
from gamdss.records import FoldResult
from gamdss.training import checkpoint
from gamdss.training.balance import class_weights, order
from gamdss.training.device import autocast
from gamdss.training.fold_data import FoldData, stream
from gamdss.training.history import History, write_log

# Larger than a training batch: there is no gradient to keep, and a small rest costs a whole pass.
EVALUATION_BATCH = 32


class FoldTrainer:
    """Trains and judges one fold; continues from the state that a killed process left.

    Args:
        config: the resolved config.
        data: clips and frames of the fold.
        folder: `folds/<name>` of the run directory.
        progress: show a progress bar of the epochs.
    """

    def __init__(
        self, config: Config, data: FoldData, folder: Path, progress: bool = False
    ) -> None:
        self.progress = progress
        self.config = config
        self.data = data
        self.folder = folder
        self.state_file = folder / "training_state.pt"
        self.history = History()
        torch.manual_seed(stream(config.seed, data.name, "weights"))
        self.net = build_network(config.model, len(data.classes)).to(data.frames.device)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(),
            lr=config.training.learning_rate,
            weight_decay=config.training.weight_decay,
            fused=True,
        )
        balanced = config.training.class_weights == "balanced"
        self.class_weights = class_weights(data) if balanced else None
        # Weights of the best epoch so far, where an epoch is chosen.
        self.best: dict[str, Tensor] | None = None

    def run(self, on_epoch: Callable[[int, float], None] | None = None) -> FoldResult:
        """Train the epochs that are not done yet; `on_epoch(epochs done, mean loss)` after each.

        Writes `checkpoint.safetensors`, `log.csv` and, last of all, `predictions.npz`, which
        says that the fold is finished.
        """
        training = self.config.training
        self._resume()
        with tqdm(
            total=training.epochs,
            initial=len(self.history.loss),
            desc=f"{self.data.name}: epochs",
            unit="epoch",
            leave=False,
            disable=not self.progress,
        ) as bar:
            for epoch in range(len(self.history.loss), training.epochs):
                self.run_epoch(epoch)
                if (epoch + 1) % training.checkpoint_every == 0 and epoch + 1 < training.epochs:
                    self._save_state()
                bar.set_postfix_str(f"loss {self.history.loss[-1]:.3f}")
                bar.update()
                if on_epoch is not None:
                    on_epoch(epoch + 1, self.history.loss[-1])
        return self._finish()

    def run_epoch(self, epoch: int) -> None:
        """Train epoch number `epoch` (from 0) and judge it; what it left joins the history."""
        started = time.perf_counter()
        # Order, augmentation and stochastic depth follow from the epoch alone, so that a fold
        # which continues draws what it would have drawn.
        torch.manual_seed(stream(self.config.seed, self.data.name, f"epoch {epoch}"))
        loss, accuracy = self._train_epoch(epoch)
        self.history.logits.append(self.held_out_logits())
        self.history.loss.append(loss)
        self.history.accuracy.append(accuracy)
        if self.data.inner is not None:
            self._judge_inner(self.data.inner, epoch)
        self.history.seconds.append(time.perf_counter() - started)

    def _judge_inner(self, inner: Tensor, epoch: int) -> None:
        """Keep the weights if this epoch is the best one so far on the inner subjects."""
        motion = self.data.motion
        logits = self.logits(inner, None if motion is None else motion.inner)
        self.history.inner.append(logits)
        assert self.data.inner_labels is not None
        labels = self.data.inner_labels.cpu().numpy()
        if inner_epoch(torch.stack(self.history.inner).numpy(), labels) == epoch:
            weights = self.net.state_dict()
            self.best = {name: values.clone() for name, values in weights.items()}

    def _train_epoch(self, epoch: int) -> tuple[float, float]:
        """Mean loss and training accuracy; nothing waits for the device before the end."""
        training = self.config.training
        decays = min(epoch, training.lr_decay_epochs)
        for group in self.optimizer.param_groups:
            group["lr"] = training.learning_rate * training.lr_decay**decays
        self.net.train()
        total = torch.zeros(2, device=self.data.frames.device)
        count = len(self.data.training)
        shown = order(self.data, training.sampling).to(self.data.frames.device)
        for batch in shown.split(training.batch_size):
            total += self.step(batch)
        loss, correct = (total / count).tolist()
        return loss, correct

    def step(self, batch: Tensor) -> Tensor:
        """One optimiser step; (2,): the summed loss and the number of right training clips."""
        labels = self.data.training_labels[batch]
        frames = self.frames(self.data.training[batch])
        drawn = draw(
            len(batch), frames.shape[-1], self.config.augmentation, torch.default_generator
        )
        motion = self.data.motion
        if motion is None:
            frames, phases = augment(frames, drawn), None
        else:
            frames, phases = motion.augmented(frames, motion.training[batch], drawn)
        onset, apex, offset = frames.split(3, dim=1)
        with autocast(self.config):
            rising, falling = self.net(onset, apex, offset, phases)
        training = self.config.training
        loss = two_phase_loss(
            rising,
            falling,
            labels,
            auxiliary_weight=training.auxiliary_weight,
            label_smoothing=training.label_smoothing,
            class_weights=self.class_weights,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        predicted = (rising if rising is not None else falling).argmax(1)
        return torch.stack((loss.detach() * len(batch), (predicted == labels).sum()))

    def held_out_logits(self) -> Tensor:
        """Logits (H, C) of the held-out clips, float32 on the CPU."""
        motion = self.data.motion
        return self.logits(self.data.held_out, None if motion is None else motion.held_out)

    @torch.inference_mode()
    def logits(self, index: Tensor, phase_index: Tensor | None) -> Tensor:
        """Logits (N, C) of clips by their key frames (N, 3) and input features (N, 2), on the CPU.

        float32; `phase_index` is looked at only if the fold has features.
        """
        self.net.eval()
        logits = []
        for start in range(0, len(index), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            onset, apex, offset = self.frames(index[batch]).split(3, dim=1)
            phases = None
            if self.data.motion is not None and phase_index is not None:
                phases = self.data.motion.of(phase_index[batch])
            with autocast(self.config):
                logits.append(self.net.predict_logits(onset, apex, offset, phases).float())
        return torch.cat(logits).cpu()

    def frames(self, index: Tensor) -> Tensor:
        """Normalised frames (B, 9, S, S) of clips (B, 3): onset, apex and offset stacked."""
        # Whole frames are copied: indexing with `[index]` copies pixel by pixel, 18 times as slow.
        frames = self.data.frames.index_select(0, index.flatten()).unflatten(0, index.shape)
        return normalise(frames).flatten(1, 2)

    def _save_state(self) -> None:
        history = self.history
        state = {
            "epoch": len(history.loss),
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "loss": history.loss,
            "accuracy": history.accuracy,
            "seconds": history.seconds,
            "logits": torch.stack(history.logits),
        }
        if history.inner:
            state |= {"inner": torch.stack(history.inner), "best": self.best}
        checkpoint.save_state(self.state_file, state)
        write_log(self.folder / "log.csv", history)

    def _resume(self) -> None:
        if not self.state_file.exists():
            return
        state = checkpoint.load_state(self.state_file, self.data.frames.device)
        checkpoint.fit(self.state_file, self.net, state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        logits = list(state["logits"].cpu())
        inner = list(state["inner"].cpu()) if "inner" in state else []
        self.history = History(state["loss"], state["accuracy"], state["seconds"], logits, inner)
        self.best = state.get("best")

    def _finish(self) -> FoldResult:
        result = FoldResult(
            name=self.data.name,
            clips=self.data.held_out_clips,
            labels=self.data.held_out_labels.cpu().numpy(),
            logits=torch.stack(self.history.logits).numpy(),
            train_loss=np.array(self.history.loss),
            train_accuracy=np.array(self.history.accuracy),
            **self._inner(),
        )
        about = {
            "model": self.config.as_dict()["model"],
            "classes": list(self.data.classes),
            "parameters": sum(values.numel() for values in self.net.parameters()),
        }
        if self.data.motion is not None:
            about["features"] = self.config.as_dict()["features"]
        if self.best is not None:  # the network that is judged
            self.net.load_state_dict(self.best)
        checkpoint.save_weights(self.folder / "checkpoint.safetensors", self.net, about)
        write_log(self.folder / "log.csv", self.history)
        checkpoint.save_result(self.folder / "predictions.npz", result)
        self.state_file.unlink(missing_ok=True)
        return result

    def _inner(self) -> dict[str, Any]:
        """What the result has of the inner subjects."""
        if self.data.inner_labels is None:
            return {}
        return {
            "inner_clips": self.data.inner_clips,
            "inner_logits": torch.stack(self.history.inner).numpy(),
            "inner_labels": self.data.inner_labels.cpu().numpy(),
        }
