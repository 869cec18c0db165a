"""The trained network of a fold, and its branch that predicts, for use without its data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gamdss.config.features import FeaturesConfig
from gamdss.data.augment import MEAN, STD
from gamdss.data.splits import matching_fold
from gamdss.errors import RunError
from gamdss.features import FEATURES, scale
from gamdss.models.two_branch import TwoBranchNet, build_network, without_start
from gamdss.records import AU_TASK
from gamdss.training.checkpoint import load_weights, read_about
from gamdss.training.run_files import read_config
from gamdss.version import __version__

_UNITS_OUT = "logits (batch, action units); a unit moves where its logit is above 0"


class PredictingBranch(nn.Module):
    """The branch that predicts, after the normalisation of frames.

    Inputs are two key frames of a clip, uint8 RGB (B, 3, S, S) in 0 to 255: onset and apex, or
    apex and offset if the network has only the falling branch. A network on phase features takes
    the first of them and `motion`, float32 (B, 3, S, S): the feature of the phase times its factors
    (`gamdss.features.scale`), since a graph cannot compute optical flow.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, net: TwoBranchNet, from_features: bool = False) -> None:
        super().__init__()
        self.net = net
        self.from_features = from_features
        self.inputs = ("apex", "offset") if net.branches == "falling" else ("onset", "apex")
        if from_features:
            self.inputs = (self.inputs[0], "motion")
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", mean / std)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits (B, classes), float32."""
        first = first.float() * self.scale - self.shift
        if self.from_features:
            return self.net.branch(temporal=second, spatial=first)
        second = second.float() * self.scale - self.shift
        if self.net.branches == "falling":
            return self.net.falling(first, second)
        return self.net.rising(first, second)

    def example(self, batch: int) -> tuple[Tensor, Tensor]:
        """Random inputs of the right shapes."""
        size = self.net.image_size
        generator = torch.Generator().manual_seed(batch)
        shape = (2, batch, 3, size, size)
        first, second = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        if self.from_features:
            second = torch.randn(second.shape, generator=generator)
        return first, second


@dataclass(frozen=True, eq=False)
class Trained:
    """The network of a fold in evaluation mode, and plain values that describe it."""

    net: TwoBranchNet
    about: dict[str, Any]
    from_features: bool = False


def choose_fold(run: Path, fold: str | None) -> str:
    """A finished fold by its name, or the only one.

    Raises:
        RunError: not a run, no finished fold of this name, or several and no name; the error lists
            those that are finished.
    """
    read_config(run)
    done = sorted(path.parent.name for path in run.glob("folds/*/checkpoint.safetensors"))
    if fold is None and len(done) == 1:
        return done[0]
    found = None if fold is None else matching_fold(fold, done)
    if found is None:
        missing = "the run has no finished fold" + ("" if fold is None else f" {fold!r}")
        raise RunError(
            "--fold is missing" if fold is None and done else missing,
            file=run,
            remedy=f"Finished folds: {', '.join(done) or 'none'}.",
        )
    return found


def load_trained(run: Path, fold: str) -> Trained:
    """The network of a finished fold, from the run's config and the fold's checkpoint.

    Raises:
        RunError: as `choose_fold`.
        CheckpointError: the checkpoint is incomplete or corrupt, or of another network.
    """
    config = read_config(run)
    file = run / "folds" / choose_fold(run, fold) / "checkpoint.safetensors"
    classes = read_about(file).get("classes", [])
    net = build_network(without_start(config.model), len(classes)).eval()
    load_weights(file, net)
    from_features = config.features.stored
    branch = PredictingBranch(net, from_features)
    about = {
        "gamdss": __version__,
        "classes": classes,
        "dataset": config.dataset,
        "task": config.task,
        "fold": fold,
        "model": asdict(config.model),
        "features": asdict(config.features),
        "inputs": [_input(name, branch, config.features) for name in branch.inputs],
        "image_size": net.image_size,
        "output": _UNITS_OUT if config.task == AU_TASK else "logits (batch, classes)",
    }
    return Trained(net, about, from_features)


def _input(name: str, branch: PredictingBranch, features: FeaturesConfig) -> str:
    """A description of an input of the graph."""
    if name != "motion":
        return f"{name}: uint8 RGB (batch, 3, S, S), 0 to 255"
    kind = FEATURES[features.name]
    factors = scale(features.name, branch.net.image_size)
    channels = ", ".join(
        f"{channel} ({unit}) * {times:.4g}"
        for channel, unit, times in zip(kind.channels, kind.units, factors, strict=True)
    )
    phase = "offset to apex" if branch.net.branches == "falling" else "onset to apex"
    factor = features.magnification
    magnified = f", magnified {factor:g} times" if factor > 1 else ""
    repeated = ", three times" if len(kind.channels) == 1 else ""
    return (
        f"motion: float32 (batch, 3, S, S), {features.name} from {phase}{magnified}: "
        f"{channels}{repeated}"
    )
