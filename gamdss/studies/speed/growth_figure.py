"""Time of training against the size of the job, with the straight line through the origin."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from gamdss.report.style import BLUE, FAINT, house_style, save

_TITLES = {
    "clips": "training clips",
    "epochs": "epochs",
    "folds": "folds",
    "pixels": "pixels of a frame",
}


@house_style()
def growth_figure(measured: Mapping[str, np.ndarray], file: Path) -> None:
    """Draw a panel for each quantity.

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
