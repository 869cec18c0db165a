"""95% intervals of a run's measures, and of their mean over several seeds.

Student's t times the bootstrap error over subjects, on the scale of log odds. README.md in this
folder shows how often these intervals contain the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from gamdss.errors import FoldError, some
from gamdss.metrics.bootstrap import CONFIDENCE, enough, subject_draws, t_half_widths
from gamdss.metrics.scores import MEASURES, measures
from gamdss.metrics.selection import Predictions
from gamdss.metrics.units import FALSE, FOUND, MISSED, unit_counts, unit_f1

_SAME = 1e-12
Interval = tuple[float, float]


@dataclass(frozen=True)
class SeedMean:
    """One measure over the seeds of a run.

    `values` has each seed's, `spread` is their standard deviation (0 for one seed), and
    `interval` the 95% interval of the mean for other subjects, None for too few (`enough`); it
    does not include the variation between further seeds.
    """

    values: tuple[float, ...]
    mean: float
    spread: float
    interval: Interval | None


def intervals(of: Predictions, num_classes: int) -> dict[str, Interval | None]:
    """The 95% interval of each measure, by a bootstrap over subjects; None for too few."""
    return {name: found.interval for name, found in seed_mean([of], num_classes).items()}


def unit_intervals(of: Predictions, names: Sequence[str]) -> dict[str, Interval | None]:
    """The 95% interval of the F1 of each scored action unit.

    The degrees of freedom are those of the subjects who show the unit or are predicted to: the
    others say nothing about its F1. With too few of them there is no interval.
    """
    if of.scored is None:
        return {}
    counts = confusions(of, len(names))[0]  # (G, U, 4)
    f1, draws = unit_f1(counts.sum(0)), unit_f1(_drawn(counts))  # (U,), (B, U)
    telling = (counts[..., [FALSE, MISSED, FOUND]].sum(-1) > 0).sum(0)  # (U,)
    found: dict[str, Interval | None] = {}
    for number in np.flatnonzero(of.scored).tolist():
        known = draws[~np.isnan(draws[:, number]), number, None]
        (found[names[number]],) = share_intervals(f1[number, None], known, int(telling[number]))
    return found


def seed_mean(runs: Sequence[Predictions], num_classes: int) -> dict[str, SeedMean]:
    """Each measure over runs that differ in their seed; a draw takes the same subjects of all.

    Raises:
        FoldError: the runs were evaluated on different clips.
    """
    check_same_clips(runs)
    runs = on_same_units(runs)
    counts = [confusions(run, num_classes) for run in runs]
    measure = runs[0].measure
    values = np.array([measure(*each.sum(1)) for each in counts])  # (S, 4)
    subjects = counts[0].shape[1]
    draws = np.mean([drawn_measures(each, measure) for each in counts], axis=0)  # (B, 4)
    ends = share_intervals(values.mean(axis=0), draws, subjects)
    spread = values.std(axis=0, ddof=1) if len(runs) > 1 else np.zeros(len(MEASURES))
    return {
        name: SeedMean(
            values=tuple(values[:, i].tolist()),
            mean=float(values[:, i].mean()),
            spread=float(spread[i]),
            interval=ends[i],
        )
        for i, name in enumerate(MEASURES)
    }


def share_intervals(middle: np.ndarray, draws: np.ndarray, subjects: int) -> list[Interval | None]:
    """Intervals of K shares on the scale of log odds, which keeps them within 0 and 1.

    Args:
        middle: (K,) the shares.
        draws: (B, K) the same in each draw of the subjects.
        subjects: their number; all intervals are None for too few.
    """
    if not enough(subjects):
        return [None] * len(middle)
    found: list[Interval | None] = []
    for value, width in zip(middle.tolist(), t_half_widths(draws, subjects).tolist(), strict=True):
        if width < _SAME or not 0 < value < 1:
            # All draws are equal, for example if every clip is right: the interval of as many
            # subjects, each of them right as a whole (Wilson).
            low, high = wilson(value * subjects, subjects)
        else:
            reach = width / (value * (1 - value))
            low, high = expit(logit(value) - reach), expit(logit(value) + reach)
        found.append((float(low), float(high)))
    return found


def interval_text(ends: Interval | None, form: str = ".3f") -> str:
    """An interval over subjects in words, or why there is none."""
    return "too few subjects" if ends is None else f"{ends[0]:{form}} to {ends[1]:{form}}"


def wilson(right: float, count: int) -> Interval:
    """Wilson's 95% interval of the share `right` of `count`."""
    # It loads pandas, which most commands do not need.
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415

    low, high = proportion_confint(right, count, 1 - CONFIDENCE, "wilson")
    return float(low), float(high)


def confusions(of: Predictions, num_classes: int) -> np.ndarray:
    """Confusion counts of each of G subjects (sorted), (2, G, C, C).

    The first are for all measures but the accuracy, the second for the accuracy. Of action units,
    they are `unit_counts`, (2, G, U, 4).
    """
    names, subject = np.unique(of.subjects, return_inverse=True)
    both = (of.predicted, of.for_accuracy)
    if of.scored is not None:
        return np.stack([unit_counts(of.labels, each, subject, len(names)) for each in both])
    counts = np.zeros((2, len(names), num_classes, num_classes))
    for place, predicted in enumerate(both):
        np.add.at(counts[place], (subject, of.labels, predicted), 1)
    return counts


def drawn_measures(
    counts: np.ndarray, measure: Callable[[np.ndarray, np.ndarray], np.ndarray] = measures
) -> np.ndarray:
    """Measures (B, 4) of draws of whole subjects from their counts (2, G, ...).

    A draw sums the subjects' counts: 0.05 s a run, where scikit-learn, one draw at a time, takes
    8 s. The same number of subjects gives the same draws: runs on the same clips are paired.
    """
    by_choice, for_accuracy = (_drawn(part) for part in counts)
    return measure(by_choice, for_accuracy)


def _drawn(counts: np.ndarray) -> np.ndarray:
    """Counts (B, ...) of draws of whole subjects from their counts (G, ...)."""
    drawn = subject_draws(len(counts)) @ counts.reshape(len(counts), -1)
    return np.asarray(drawn.reshape(-1, *counts.shape[1:]))


def on_same_units(runs: Sequence[Predictions]) -> list[Predictions]:
    """The runs with the action units that all of them score; runs of classes are unchanged.

    Raises:
        FoldError: there is no such unit.
    """
    scored = [run.scored for run in runs if run.scored is not None]
    if not scored:
        return list(runs)
    shared = np.logical_and.reduce(scored)
    if not shared.any():
        raise FoldError(
            "no action unit is scored in all of the runs",
            remedy="Compare runs whose protocols train on and evaluate the same units.",
        )
    return [replace(run, scored=shared) for run in runs]


def check_same_clips(runs: Sequence[Predictions]) -> None:
    """Refuse runs whose clips or labels differ.

    Raises:
        FoldError: names the first clips that differ.
    """
    known = dict(zip(runs[0].clips, runs[0].labels.tolist(), strict=True))
    for run in runs[1:]:
        other = dict(zip(run.clips, run.labels.tolist(), strict=True))
        for mine, theirs, where in ((known, other, "first"), (other, known, "other")):
            alone = [clip for clip in mine if clip not in theirs]
            if alone:
                raise FoldError(
                    f"{len(alone)} clip(s) are only in the {where} run: {some(alone)}",
                    remedy="Compare runs that were evaluated on the same clips.",
                )
        moved = [clip for clip in known if known[clip] != other[clip]]
        if moved:
            raise FoldError(
                f"{len(moved)} clip(s) have another true class in the other run: {some(moved)}",
                remedy="Compare runs on the same task and workbook.",
            )
