"""How the time of a fold grows with clips, epochs and pixels, and of a run with folds."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from gamdss.config import Config
from gamdss.report.style import BLUE, FAINT, house_style, save
from gamdss.studies.speed.timing import seconds
from gamdss.training import device as devices
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import FoldData

HELD_OUT_CLIPS = 2
REPEATS = 3  # the fastest counts, since other load on the machine only adds time
_SMALLEST = {"clips": 8, "epochs": 1, "folds": 1, "side": 64}
_VALUES = {
    "clips": (8, 16, 32, 64),
    "epochs": (1, 2, 4, 8),
    "folds": (1, 2, 4, 8),
    "side": (64, 112, 160, 224),
}
_TITLES = {
    "clips": "training clips",
    "epochs": "epochs",
    "folds": "folds",
    "pixels": "pixels of a frame",
}


def growth(config: Config, progress: bool = True) -> dict[str, np.ndarray]:
    """Seconds of training as clips, epochs, folds and pixels grow, one at a time.

    Args:
        config: its image size, batch size and epochs are replaced; nothing is compiled.
        progress: show a progress bar.

    Returns:
        For `clips`, `epochs`, `folds` and `pixels` (2, 4): its values, and the seconds taken.
    """
    # Compiling takes as long for the smallest run.
    config = replace(config, training=replace(config.training, compile="off"))
    config = devices.resolve(config)
    device = devices.set_up(config)
    jobs = [(name, value) for name, values in _VALUES.items() for value in values]
    found: dict[str, list[tuple[float, float]]] = {}
    for name, value in tqdm(jobs, desc="growth", unit="run", disable=not progress):
        size = {**_SMALLEST, name: value}
        taken = min(_run(config, device, **size) for _ in range(REPEATS))
        key, number = ("pixels", value**2) if name == "side" else (name, value)
        found.setdefault(key, []).append((number, taken))
    return {name: np.array(pairs).T for name, pairs in found.items()}


def _run(
    config: Config, device: torch.device, clips: int, epochs: int, folds: int, side: int
) -> float:
    """Seconds of `folds` folds in sequence."""
    sized = replace(
        config,
        model=replace(config.model, image_size=side),
        training=replace(config.training, epochs=epochs, batch_size=8),
    )
    return sum(_fold(sized, device, clips) for _ in range(folds))


def _fold(config: Config, device: torch.device, clips: int) -> float:
    """Seconds of one fold on random frames."""
    size, total = config.model.image_size, clips + HELD_OUT_CLIPS
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (3 * total, 3, size, size), generator=generator)
    index = torch.arange(3 * total).view(total, 3).to(device)
    labels = (torch.arange(total) % 5).to(device)
    data = FoldData(
        name="random",
        classes=tuple("abcde"),
        frames=frames.to(torch.uint8).to(device),
        training=index[:clips],
        training_labels=labels[:clips],
        held_out=index[clips:],
        held_out_labels=labels[clips:],
        held_out_clips=tuple(map(str, range(HELD_OUT_CLIPS))),
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = FoldTrainer(config, data, Path(folder))

        def train() -> None:
            for epoch in range(config.training.epochs):
                trainer.evaluate_epoch(epoch, *trainer.train_epoch(epoch))

        return seconds(train)


@house_style()
def growth_figure(measured: Mapping[str, np.ndarray], file: Path) -> None:
    """Draw a panel for each quantity, with the line of proportional growth.

    Args:
        measured: by quantity (2, K), its values and the seconds taken.
        file: the picture to write.
    """
    figure = Figure(figsize=(11, 2.9), layout="constrained")
    for axes, (name, (values, taken)) in zip(
        figure.subplots(1, len(measured)), measured.items(), strict=True
    ):
        slope = float(values @ taken / (values @ values))
        ends = np.array([0, values[-1]])
        axes.plot(ends, slope * ends, "--", color=FAINT, linewidth=1, label="proportional")
        axes.plot(values, taken, "o-", color=BLUE, label="measured")
        axes.set_title(_TITLES[name])
        text = [f"{v**0.5:.0f}²" if name == "pixels" else f"{v:.0f}" for v in values]
        axes.set_xticks(values, text, fontsize=9)
        axes.set_ylim(0, 1.15 * max(taken.max(), slope * values[-1]))
        axes.set_xlim(0, 1.06 * values[-1])
    figure.axes[0].set_ylabel("seconds")
    figure.axes[0].legend(loc="upper left")
    save(figure, file)
