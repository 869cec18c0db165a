"""The network of a fold with its optimiser: one training step, one evaluation.

With `training.compile`, the forward pass is compiled, and on CUDA the whole step is one CUDA graph:
frames, augmentation, forward, loss, backward and optimiser. Both belong to these tensors, so that
all folds use one learner, whose weights are reset in place. Whatever cannot be compiled or captured
runs as it is, after a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from gamdss.config import Config, TrainingConfig
from gamdss.data.augment import uniform
from gamdss.data.store_writer import KEY_FRAMES
from gamdss.errors import first_line
from gamdss.losses import count_right, two_phase_loss
from gamdss.models.two_branch import TwoBranchNet, build_network
from gamdss.training.auxiliary_units import UnitLayer
from gamdss.training.captured import CapturedStep
from gamdss.training.convolutions import suit_cuda
from gamdss.training.device import autocast
from gamdss.training.fold_data import CHANNELS, Batch, FoldData

log = logging.getLogger(__name__)

# Larger than a training batch: there is no gradient to store, and a small last batch costs a whole
# pass. Compiled code has one shape, to which batches are padded; held-out subjects are small.
EVALUATION_BATCH = 32
COMPILED_EVALUATION_BATCH = 16
BACKEND = "inductor"
# Random numbers of the plain step, kernels that do not depend on a measurement, and maps as they
# lie: else the compiler takes (B, H, W, C) for (B, C, H, W) and copies them to other layouts.
_OPTIONS = {"fallback_random": True, "deterministic": True, "layout_optimization": False}
_EVALUATION = 0  # where its graph is kept


class Learner:
    """The network and the optimiser of `config`, on a device, with the weights of a seed.

    Args:
        config: the resolved config.
        classes: width of the logits.
        device: of the network.
        seed: of the weights.
        backend: of torch.compile; `eager` compiles nothing, so that CUDA graphs alone remain.
    """

    def __init__(
        self,
        config: Config,
        classes: int,
        device: torch.device,
        seed: int,
        backend: str | None = None,
    ) -> None:
        self.config, self.device = config, device
        self._classes = classes
        self.net = self._fresh(seed).to(device)
        if device.type == "cuda":
            suit_cuda(self.net, config.training.precision)
        self.units = self._fresh_units().to(device) if config.training.au_weight else None
        learned = self.net if self.units is None else nn.ModuleList([self.net, self.units])
        self.optimizer = optimizer(learned, config.training, device)
        wanted = config.training.compile == "on"
        backend = backend or BACKEND
        if wanted:
            torch.compiler.reset()  # else code of the ninth learner would not be compiled
        self._compiled_loss = compiled(self._loss, backend) if wanted else None
        self._compiled_predict = compiled(self._predict, backend) if wanted else None
        self._tried = False
        self._capturing = wanted and device.type == "cuda"
        self._captured: dict[int, CapturedStep] = {}  # by batch; the evaluation's is 0
        self._frames: Tensor | None = None  # of the captured steps
        self._room: Tensor | None = None  # for the frames of a batch

    def _fresh(self, seed: int) -> TwoBranchNet:
        torch.manual_seed(seed)
        return build_network(self.config.model, self._classes)

    def _fresh_units(self) -> UnitLayer:
        """The layer of an auxiliary loss; its weights follow from the seed after the network's."""
        return UnitLayer(cast(nn.Linear, self.net.head.classify).in_features, self.config.training)

    @property
    def is_captured(self) -> bool:
        """Whether steps are replayed as CUDA graphs."""
        return self._capturing and any(step.is_captured for step in self._captured.values())

    def restart(self, seed: int) -> None:
        """Start again from the weights of a seed, in place."""
        self.net.load_state_dict(self._fresh(seed).state_dict())
        if self.units is not None:
            self.units.load_state_dict(self._fresh_units().state_dict())
        for values in self.optimizer.state.values():
            for value in values.values():
                value.zero_()
        kept = (_EVALUATION, self.config.training.batch_size)  # other batches differ by fold
        self._captured = {size: step for size, step in self._captured.items() if size in kept}

    def load_optimizer(self, state: dict[str, Any]) -> None:
        """Load the optimiser's state."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(state)
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._captured = {}  # they belong to the tensors before

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def step(
        self,
        data: FoldData,
        index: Tensor,
        labels: Tensor,
        class_weights: Tensor | None = None,
        units: Tensor | None = None,
    ) -> Tensor:
        """One optimiser step; returns (2,): summed loss, correct clips.

        Source of the loss: arXiv 2603.04766; see `two_phase_loss`.

        Args:
            data: of the fold.
            index: of clips as in `FoldData`, (B, 3 or 5).
            labels: their classes (B,), or action units (B, C).
            class_weights: of the loss.
            units: action units (B, U) for an auxiliary loss.
        """
        drawn = uniform(len(index), self.device)
        given = [values for values in (class_weights, units) if values is not None]
        inputs = (index, labels, drawn, *given)
        full = len(index) == self.config.training.batch_size
        if self._compiled_loss is not None and not self._tried and full:
            self._try_compiling(data, inputs)
        return self._replayed(len(index), self._plain_step, data, *inputs)

    def _replayed(
        self, key: int, work: Callable[..., Tensor], data: FoldData, *inputs: Tensor
    ) -> Tensor:
        """`work(data, *inputs)`, on CUDA as a graph that is known by `key`."""
        if not self._capturing:
            return work(data, *inputs)
        if self._frames is not data.frames:
            self._frames, self._captured = data.frames, {}
        if key not in self._captured:
            self._captured[key] = CapturedStep(partial(work, data))
        result = self._captured[key](*inputs)
        self._capturing = not self._captured[key].failed
        return result

    def _plain_step(
        self,
        data: FoldData,
        index: Tensor,
        labels: Tensor,
        drawn: Tensor,
        *given: Tensor,
    ) -> Tensor:
        batch = self.batch(data, index, drawn)
        full = len(index) == self.config.training.batch_size
        function = self._compiled_loss if self._compiled_loss is not None and full else self._loss
        loss, correct = function(batch, labels, *given)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return torch.stack((loss.detach() * len(index), correct))

    def batch(self, data: FoldData, index: Tensor, drawn: Tensor) -> Batch:
        """Augmented network inputs of clips by their index (B, 3 or 5); the next ones replace them.

        On the CPU they lie in memory that is kept: new pages for each batch take as long as filling
        them.
        """
        room = None
        if self.device.type == "cpu":
            size = data.frames.shape[-1]
            room = self._kept(len(index), (KEY_FRAMES * CHANNELS, size, size))
        return data.batch(index, self.config.augmentation, drawn, room)

    def _kept(self, count: int, shape: tuple[int, ...]) -> Tensor:
        if self._room is None or len(self._room) < count or self._room.shape[1:] != shape:
            self._room = torch.empty(count, *shape)
        return self._room[:count]

    def _loss(self, batch: Batch, labels: Tensor, *given: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and number of correct clips; see `gamdss.losses`.

        `given` are the class weights, if any, and the units of an auxiliary loss, if there is one.
        """
        training, auxiliary = self.config.training, 0 if self.units is None else 1
        weights = given[0] if len(given) > auxiliary else None
        with autocast(self.config):
            if self.units is None:
                rising, falling = self.net(*batch)
            else:
                embeddings = self.net.forward_head(self.net.forward_features(*batch), True)
                rising, falling = (
                    None if values is None else self.net.head.classify(values)
                    for values in embeddings
                )
        shares = training.auxiliary_weight, training.label_smoothing
        loss = two_phase_loss(rising, falling, labels, *shares, weights)
        if self.units is not None:
            loss = loss + self.units.loss(embeddings, given[-1])
        return loss, count_right(rising if rising is not None else falling, labels)

    def _predict(self, batch: Batch) -> Tensor:
        with autocast(self.config):
            logits: Tensor = self.net.predict_logits(*batch).float()
        return logits

    @torch.inference_mode()
    def logits(self, data: FoldData, index: Tensor) -> Tensor:
        """Logits (N, C) of clips (N, 3 or 5), float32 on the CPU."""
        self.net.eval()
        size = EVALUATION_BATCH if self._compiled_predict is None else COMPILED_EVALUATION_BATCH
        found = [self._evaluate(data, part) for part in index.split(size)]
        return torch.cat(found).cpu()

    def _evaluate(self, data: FoldData, index: Tensor) -> Tensor:
        if self._compiled_predict is not None:
            rows = torch.arange(COMPILED_EVALUATION_BATCH, device=index.device)
            padded = index[rows.clamp(max=len(index) - 1)]
            try:
                found = self._replayed(_EVALUATION, self._padded_logits, data, padded)
                return found[: len(index)].clone()
            except torch.OutOfMemoryError:  # a card may be shared: not a reason for other numbers
                raise
            except Exception as error:  # the compiler raises errors of many kinds
                _warn("the evaluation cannot be compiled", error)
                self._compiled_predict = None
        return self._predict(data.batch(index))

    def _padded_logits(self, data: FoldData, index: Tensor) -> Tensor:
        assert self._compiled_predict is not None
        logits: Tensor = self._compiled_predict(data.batch(index))
        return logits

    def _try_compiling(self, data: FoldData, inputs: tuple[Tensor, ...]) -> None:
        """Compile forward and backward; nothing changes but that they are compiled."""
        self._tried = True
        assert self._compiled_loss is not None
        index, labels, drawn, *given = inputs
        batch = self.batch(data, index, drawn)
        with _unchanged(self.net, self.device):
            try:
                loss, _ = self._compiled_loss(batch, labels, *given)
                loss.backward()
            except torch.OutOfMemoryError:
                raise
            except Exception as error:  # the compiler raises errors of many kinds
                _warn("the training step cannot be compiled", error)
                self._compiled_loss = None


def compiled(function: Callable[..., Any], backend: str) -> Callable[..., Any]:
    """The function as one graph for one shape, compiled at its first call."""
    options: dict[str, Any] = {}
    if backend == "inductor":
        known = torch._inductor.list_options()  # earlier releases lack some
        options["options"] = {name: value for name, value in _OPTIONS.items() if name in known}
    made: Callable[..., Any] = torch.compile(
        function, fullgraph=True, dynamic=False, backend=backend, **options
    )
    return made


def optimizer(net: nn.Module, training: TrainingConfig, device: torch.device) -> torch.optim.AdamW:
    """AdamW of a config; on CUDA its learning rate is a tensor, which a captured step reads."""
    on_cuda = device.type == "cuda"
    rate = torch.tensor(training.learning_rate, device=device) if on_cuda else None
    return torch.optim.AdamW(
        net.parameters(),
        lr=training.learning_rate if rate is None else rate,
        weight_decay=training.weight_decay,
        fused=True,
        capturable=on_cuda,
    )


@contextmanager
def _unchanged(net: nn.Module, device: torch.device) -> Iterator[None]:
    """Undo in place what happens to the network, its gradients and the random numbers."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
    net.load_state_dict(before)
    net.zero_grad(set_to_none=True)


def _warn(problem: str, error: Exception) -> None:
    log.warning("%s, and runs as it is: %s", problem, first_line(error))
