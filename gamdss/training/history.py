"""What the finished epochs of a fold left, and its log: a line for each, with its duration."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from gamdss.files import write_atomic


@dataclass
class History:
    """What each finished epoch left: mean loss, training accuracy, seconds, logits.

    `logits` are of the held-out clips, `inner` of those set aside to choose the epoch on.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    logits: list[Tensor] = field(default_factory=list)
    inner: list[Tensor] = field(default_factory=list)


def write_log(path: Path, history: History) -> None:
    """Write `log.csv`: epoch, mean training loss, training accuracy, seconds."""

    def write(target: Path) -> None:
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("epoch", "train_loss", "train_accuracy", "seconds"))
            rows = zip(history.loss, history.accuracy, history.seconds, strict=True)
            for epoch, (loss, accuracy, seconds) in enumerate(rows, start=1):
                writer.writerow((epoch, f"{loss:.6f}", f"{accuracy:.4f}", f"{seconds:.3f}"))

    write_atomic(path, write)
