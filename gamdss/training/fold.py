"""One fold: train a network from its initial weights, keep every epoch's held-out logits."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.draws import check_epoch
from gamdss.errors import CheckpointError, RunError
from gamdss.files import write_csv
from gamdss.metrics import inner_epoch
from gamdss.records import FoldResult
from gamdss.training import checkpoint
from gamdss.training.device import memory_explained
from gamdss.training.fold_data import FoldData, stream
from gamdss.training.learner import Learner

log = logging.getLogger("gamdss")
_SECONDS_BETWEEN_SAVES = 60.0


@dataclass
class History:
    """What the finished epochs left: mean loss, training accuracy, seconds, logits.

    `logits` are of the held-out clips, `inner` of those set aside to choose the epoch.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    logits: list[Tensor] = field(default_factory=list)
    inner: list[Tensor] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write `log.csv`: epoch, mean training loss, training accuracy, seconds."""
        rows = zip(self.loss, self.accuracy, self.seconds, strict=True)
        lines = [
            (epoch, f"{loss:.6f}", f"{accuracy:.4f}", f"{seconds:.3f}")
            for epoch, (loss, accuracy, seconds) in enumerate(rows, start=1)
        ]
        header = ("epoch", "train_loss", "train_accuracy", "seconds")
        write_csv(path, [header, *lines], line_end="\r\n")


class FoldTrainer:
    """Trains and evaluates one fold; resumes from the state that a killed process left.

    Args:
        config: the resolved config.
        data: clips, frames and phase features of the fold.
        folder: `folds/<name>` of the run directory.
        progress: show a progress bar of the epochs.
        learner: of an earlier fold, to be trained again from the start; its compiled code and CUDA
            graphs are reused.
    """

    def __init__(
        self,
        config: Config,
        data: FoldData,
        folder: Path,
        progress: bool = False,
        learner: Learner | None = None,
    ) -> None:
        self.progress = progress
        self.config = config
        self.data = data
        self.folder = folder
        self.state_file = folder / "training_state.pt"
        self.history = History()
        self.people = data.people  # whom the weights have seen
        seed = stream(config.seed, data.name, "weights")
        if learner is None:
            learner = Learner(config, len(data.classes), data.frames.device, seed)
        else:
            learner.restart(seed)
        self.learner, self.net, self.optimizer = learner, learner.net, learner.optimizer
        self.units = learner.units
        balanced = config.training.class_weights == "balanced"
        self.class_weights = data.class_weights() if balanced else None
        self.shown = data.training  # index of the training clips in the current epoch
        self.started = 0.0  # when it began, in seconds
        self.saved = time.monotonic()  # when the training state was last saved, or the start
        # Weights of the best epoch so far, if the epoch is chosen on inner subjects.
        self.best: dict[str, Tensor] | None = None

    @memory_explained()
    def run(self, on_epoch: Callable[[int, float], None] | None = None) -> FoldResult:
        """Run all remaining epochs; calls `on_epoch(epochs done, mean loss)` after each.

        Writes `checkpoint.safetensors`, `log.csv` and, last of all, `predictions.npz`, which
        marks the fold as finished.

        Raises:
            RunError: the training diverges.
            DeviceError: the memory of the GPU does not suffice.
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
                self.evaluate_epoch(epoch, *self.train_epoch(epoch))
                self._check_finite()
                if epoch + 1 < training.epochs and self._is_due(epoch + 1):
                    self._save_state()
                bar.set_postfix_str(f"loss {self.history.loss[-1]:.3f}")
                bar.update()
                if on_epoch is not None:
                    on_epoch(epoch + 1, self.history.loss[-1])
        return self._finish()

    def _is_due(self, done: int) -> bool:
        """Whether to save the training state after so many epochs."""
        every = self.config.training.checkpoint_every
        if every is None:
            return time.monotonic() - self.saved >= _SECONDS_BETWEEN_SAVES
        return done % every == 0

    def _check_finite(self) -> None:
        """Stop if the last epoch's loss or logits are not finite: the later ones cannot be."""
        loss, rate = self.history.loss[-1], self.config.training.learning_rate
        if math.isfinite(loss) and bool(self.history.logits[-1].isfinite().all()):
            return
        raise RunError(
            f"the training diverges: in fold {self.data.name}, epoch {len(self.history.loss)}, the "
            f"loss is {loss:g} or a logit is not finite",
            file=self.folder,
            remedy=f"Choose a --training.learning-rate below {rate:g} and a new --output. Folds "
            "that finished have the old rate: a run has one rate for all.",
        )

    def evaluate_epoch(self, epoch: int, loss: float, accuracy: float) -> None:
        """Evaluate after epoch number `epoch` (from 0), and add the outcome to the history.

        `loss` and `accuracy` are what `train_epoch` returned.
        """
        self.history.logits.append(self.held_out_logits())
        self.history.loss.append(loss)
        self.history.accuracy.append(accuracy)
        if self.data.inner is not None:
            self._evaluate_inner(self.data.inner, epoch)
        self.history.seconds.append(time.perf_counter() - self.started)

    def _evaluate_inner(self, inner: Tensor, epoch: int) -> None:
        """Keep the weights if this epoch is the best one so far on the inner subjects."""
        self.history.inner.append(self.averaged_logits(inner, self.data.inner_draws))
        assert self.data.inner_labels is not None
        labels = self.data.inner_labels.cpu().numpy()
        if inner_epoch(torch.stack(self.history.inner).numpy(), labels) == epoch:
            weights = self.net.state_dict()
            self.best = {name: values.clone() for name, values in weights.items()}

    def train_epoch(self, epoch: int) -> tuple[float, float]:
        """Train epoch number `epoch` (from 0); returns mean loss and training accuracy.

        Synchronises with the device only at the end.

        Raises:
            ConfigError: the number is not an integer from 0 on.
        """
        check_epoch(epoch)
        self.started = time.perf_counter()
        # Order, augmentation and stochastic depth follow from the epoch alone, so that a resumed
        # fold draws what it would have drawn.
        torch.manual_seed(stream(self.config.seed, self.data.name, f"epoch {epoch}"))
        self.shown = self.data.of_epoch(epoch, self.config.seed)
        training = self.config.training
        decays = min(epoch, training.lr_decay_epochs)
        self.learner.set_rate(training.learning_rate * training.lr_decay**decays)
        self.net.train()
        total = torch.zeros(2, device=self.data.frames.device)
        shown = self.data.order(training.sampling).to(self.data.frames.device)
        for batch in shown.split(training.batch_size):
            total += self.learner.step(*self.inputs(batch))
        loss, correct = (total / len(self.data.training)).tolist()
        return loss, correct

    def inputs(
        self, clips: Tensor
    ) -> tuple[FoldData, Tensor, Tensor, Tensor | None, Tensor | None]:
        """What `Learner.step` takes for training clips (B,)."""
        data = self.data
        units = None if data.training_units is None else data.training_units[clips]
        return data, self.shown[clips], data.training_labels[clips], self.class_weights, units

    def held_out_logits(self) -> Tensor:
        """Logits (H, C) of the held-out clips, float32 on the CPU."""
        return self.averaged_logits(self.data.held_out, self.data.held_out_draws)

    def averaged_logits(self, index: Tensor, draws: Tensor | None) -> Tensor:
        """Logits (N, C) of clips: logarithms of their probabilities averaged over draws.

        Args:
            index: the clips as in `FoldData`.
            draws: index of their draws (N, D, 3 or 5); None gives the logits of `index`.
        """
        if draws is None or not len(draws):
            return self.logits(index)
        distinct, places = draws.flatten(0, 1).unique(dim=0, return_inverse=True)
        logits = self.logits(distinct)[places.cpu()].unflatten(0, draws.shape[:2])
        if self.data.training_labels.ndim == 2:  # action units: log odds of the mean probability
            return logsigmoid(logits).logsumexp(1) - logsigmoid(-logits).logsumexp(1)
        return logits.log_softmax(2).logsumexp(1) - math.log(draws.shape[1])

    def logits(self, index: Tensor) -> Tensor:
        """Logits (N, C) of clips by their index as in `FoldData`, float32 on the CPU."""
        if not len(index):  # nothing is held out
            return torch.zeros(0, len(self.data.classes))
        return self.learner.logits(self.data, index)

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
        if self.units is not None:
            state["units"] = self.units.state_dict()
        checkpoint.save_state(self.state_file, state)
        self.saved = time.monotonic()
        history.write(self.folder / "log.csv")

    def _resume(self) -> None:
        """Continue from the stored state; without one, or with a corrupt one, from the start."""
        if not self.state_file.exists():
            return
        try:
            state = checkpoint.load_state(self.state_file, self.data.frames.device)
        except CheckpointError as error:
            log.warning("%s: %s; the fold is trained from its start", error.file, error.problem)
            return
        checkpoint.fit(self.state_file, self.net, state["net"])
        if self.units is not None:
            checkpoint.fit(self.state_file, self.units, state["units"])
        self.learner.load_optimizer(state["optimizer"])
        logits = list(state["logits"].cpu())
        inner = list(state["inner"].cpu()) if "inner" in state else []
        self.history = History(state["loss"], state["accuracy"], state["seconds"], logits, inner)
        self.best = state.get("best")

    def _finish(self) -> FoldResult:
        data, history = self.data, self.history
        chosen = data.inner_labels is not None
        result = FoldResult(
            name=data.name,
            clips=data.held_out_clips,
            labels=data.held_out_labels.cpu().numpy(),
            logits=torch.stack(history.logits).numpy(),
            train_loss=np.array(history.loss),
            train_accuracy=np.array(history.accuracy),
            inner_clips=data.inner_clips,
            inner_logits=torch.stack(history.inner).numpy() if chosen else None,
            inner_labels=None if data.inner_labels is None else data.inner_labels.cpu().numpy(),
            training_positives=_positives(data.training_labels),
        )
        about = {
            "model": self.config.as_dict()["model"],
            "classes": list(data.classes),
            "parameters": sum(values.numel() for values in self.net.parameters()),
            "people": list(self.people),
        }
        if data.phase_features is not None:
            about["features"] = self.config.as_dict()["features"]
        if self.best is not None:  # the network that is evaluated
            self.net.load_state_dict(self.best)
        checkpoint.save_weights(self.folder / "checkpoint.safetensors", self.net, about)
        history.write(self.folder / "log.csv")
        checkpoint.save_result(self.folder / "predictions.npz", result)
        self.state_file.unlink(missing_ok=True)
        return result


def _positives(labels: Tensor) -> np.ndarray | None:
    """Training clips of each action unit (C,); None for classes."""
    return labels.sum(0).cpu().numpy() if labels.ndim == 2 else None
