"""The log of a fold: a line for each finished epoch, with its duration."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from gamdss.files import write_atomic

if TYPE_CHECKING:
    from gamdss.engine.fold import History


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
