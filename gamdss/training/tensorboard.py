"""The curves of a fold for TensorBoard, an optional package."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from gamdss.errors import ConfigError
from gamdss.metrics import accuracy_by_epoch
from gamdss.records import FoldResult


def require_tensorboard() -> None:
    """Raise ConfigError if TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise ConfigError(
            "--tensorboard is set, but the package tensorboard is not installed",
            remedy="Install it: pip install tensorboard",
        )


def write_curves(folder: Path, result: FoldResult) -> None:
    """Write loss, training accuracy and any held-out accuracy by epoch; never incomplete."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 (an optional package)

    partial = folder.with_name(f".writing-{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    curves = {
        "training/loss": result.train_loss,
        "training/accuracy": result.train_accuracy,
    }
    if result.clips:
        curves["held-out/accuracy"] = accuracy_by_epoch(result)
    with SummaryWriter(str(partial)) as writer:
        for name, values in curves.items():
            for epoch, value in enumerate(values, start=1):
                writer.add_scalar(name, value, epoch)
    partial.replace(folder)
