"""Learning curves of a run: training loss, training and held-out accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gamdss.errors import FoldError
from gamdss.metrics import accuracy_by_epoch
from gamdss.records import FoldResult
from gamdss.report.style import BLUE, FAINT, INK, VERMILLION, house_style, save
from gamdss.training.results import RunResults

# Labels of final values closer than this, as a share of the axis, would overlap.
LABEL_HEIGHT = 0.055


@house_style()
def learning_curves(folds: Sequence[FoldResult], path: Path) -> None:
    """Draw the learning curves of a run; only those of training if nothing is held out.

    On the left is the training loss of every fold and its mean. On the right is the accuracy: of
    training (mean over folds) and held out (pooled over clips), each with a band for the middle
    half of the folds, and the share of the most frequent class.

    Args:
        folds: of one run, with the same number of epochs.
        path: file to write.

    Raises:
        FoldError: no folds, or folds of different length.
        RunError: the file cannot be written.
    """
    lengths = sorted({len(fold.logits) for fold in folds})
    if len(lengths) != 1:
        raise FoldError(
            f"folds of {lengths} epochs" if lengths else "no folds to draw",
            remedy="Draw the finished folds of one run.",
        )
    figure = Figure(figsize=(11.5, 5.2), layout="constrained")
    panels = figure.subplots(1, 2, gridspec_kw={"wspace": 0.12})
    _loss(panels[0], folds)
    _accuracy(panels[1], folds)
    for axes in panels:
        _epoch_axis(axes, lengths[0])
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncols=2, borderaxespad=0)
    save(figure, path)


def _loss(axes: Axes, folds: Sequence[FoldResult]) -> None:
    axes.set_title("Training loss")
    axes.set_ylabel("loss (mean over training clips)")
    losses = np.array([fold.train_loss for fold in folds])  # (F, E)
    if not losses.size:
        axes.text(0.5, 0.5, "not recorded", transform=axes.transAxes, ha="center", color=FAINT)
        return
    if len(folds) > 1:
        # The more lines, the fainter each is: the mean stays visible.
        alpha = float(np.clip(6 / len(folds), 0.12, 0.4))
        for number, loss in enumerate(losses):
            label = None if number else f"each of {len(folds)} folds"
            _line(axes, loss, BLUE, 0.8, label, alpha)
    mean = losses.mean(axis=0)
    _line(axes, mean, BLUE, 2.2, "mean over folds" if len(folds) > 1 else "the only fold")
    # With room for dots, which the usual margin of one epoch's values would cut off.
    axes.set_ylim(0, 1.05 * float(losses.max()) or 1.0)
    _final_values(axes, {BLUE: mean[-1]})


def _accuracy(axes: Axes, folds: Sequence[FoldResult]) -> None:
    held_out = any(fold.clips for fold in folds)
    axes.set_title("Accuracy" if held_out else "Training accuracy")
    of_units = any(fold.labels.ndim == 2 for fold in folds)
    axes.set_ylabel("share of right decisions" if of_units else "share of clips recognised")
    axes.set_ylim(-0.02, 1.02)
    final = {}
    training = np.array([fold.train_accuracy for fold in folds])  # (F, E)
    if training.size:
        mean = training.mean(axis=0)
        _band(axes, training, BLUE)
        label = "training clips, mean over folds" if held_out else "training clips"
        _line(axes, mean, BLUE, 2.2, label)
        final[BLUE] = mean[-1]
    if held_out:
        final[VERMILLION] = _held_out(axes, folds)
    if len(folds) > 1:
        axes.fill_between([], [], color=FAINT, alpha=0.3, label="middle half of the folds")
    _final_values(axes, final)


def _held_out(axes: Axes, folds: Sequence[FoldResult]) -> float:
    """Draw the held-out accuracy and the share of the most frequent class; returns its end."""
    labels = np.concatenate([fold.labels for fold in folds])
    held_out = np.array([accuracy_by_epoch(fold) for fold in folds])  # (F, E)
    pooled = np.average(held_out, axis=0, weights=[len(fold.labels) for fold in folds])
    _band(axes, held_out, VERMILLION)
    _line(axes, pooled, VERMILLION, 2.2, f"held-out clips, all {len(labels)} pooled")
    if labels.ndim == 2:
        share, what = 1 - labels.mean(), "no unit in any clip"
    else:
        share, what = np.bincount(labels).max() / len(labels), "most frequent class"
    axes.axhline(share, color=INK, linestyle=":", label=f"{what}: {share:.3f}")
    return float(pooled[-1])


def _line(
    axes: Axes, values: np.ndarray, colour: str, width: float, label: str | None, alpha: float = 1
) -> None:
    # A line through one epoch has no length.
    marker = "o" if len(values) == 1 else ""
    epochs = np.arange(1, len(values) + 1)
    axes.plot(
        epochs, values, color=colour, linewidth=width, alpha=alpha, marker=marker, label=label
    )


def _band(axes: Axes, folds: np.ndarray, colour: str) -> None:
    """Between the quartiles of the folds, from values (F, E)."""
    if len(folds) > 1 and folds.shape[1] > 1:
        low, high = np.quantile(folds, (0.25, 0.75), axis=0)
        epochs = np.arange(1, folds.shape[1] + 1)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)
    elif len(folds) > 1:
        low, high = np.quantile(folds[:, 0], (0.25, 0.75))
        axes.plot([1, 1], [low, high], color=colour, alpha=0.3, linewidth=8, solid_capstyle="butt")


def _final_values(axes: Axes, values: dict[str, float]) -> None:
    """A dot and a number, by colour, where each curve ends."""
    # Horizontal lines end at 1, where every curve begins.
    epoch = max(float(np.max(line.get_xdata())) for line in axes.lines)
    low, high = axes.get_ylim()
    gap = LABEL_HEIGHT * (high - low)
    place = -np.inf
    for colour, value in sorted(values.items(), key=lambda item: item[1]):
        axes.plot(epoch, value, "o", color=colour, markersize=6, clip_on=False)
        place = max(value, place + gap)
        axes.annotate(
            f"{value:.3f}",
            (epoch, place),
            xytext=(9, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            weight="bold",
            annotation_clip=False,
        )


def _epoch_axis(axes: Axes, epochs: int) -> None:
    axes.set_xlim((0.5, 1.5) if epochs == 1 else (1, epochs))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch (the dot is the final one)")


def curves_words(results: RunResults) -> str:
    """Where the held-out accuracy ends, in words."""
    if not results.scored:
        return ""
    last = results.evaluations["final"].accuracy
    return f"Held-out accuracy ends at {last:.3f} after {results.epochs} epochs."
