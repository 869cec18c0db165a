"""Onset, apex and offset from a motion level: a model of the whole rise and fall, and its doubt.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. Given
the annotation as a prior of some width, the key frames have a distribution; it is sampled by
importance sampling with a proposal that adapts in a few rounds (Cappe et al., "Adaptive
importance sampling in general mixture classes", Statistics and Computing 18, 2008). The median is
the estimate: it minimises the expected absolute error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Standard deviations of an annotator's errors: onset and apex in shares of the rising, offset of
# the falling phase.
PRIOR = (0.15, 0.20, 0.25)
# Logarithms of the phases' shapes (a and b of the rise, of the fall) and their deviations.
SHAPE = (0.5, 0.4, 0.5, 0.4)
SHAPE_SD = (0.35, 0.4, 0.35, 0.4)
SAMPLES = 2000
ROUNDS = (0.05, 0.2, 0.6, 1.0)  # how far each round trusts the evidence
_SEED = 20260322
_INFLATION = 1.6
_LEAST_SD = 0.7  # frames: below it an annotation is never known


@dataclass(frozen=True, eq=False)
class Posterior:
    """Samples (N, 3) of onset, apex and offset in frames, with weights (N,) that sum to 1.

    `course` (T,) is the expected strength of the expression, 0 to 1; `spread` (3,) the standard
    deviation of each key frame over that of the prior: near 1, the evidence says nothing.
    """

    samples: np.ndarray
    weights: np.ndarray
    course: np.ndarray
    spread: np.ndarray

    def quantile(self, share: float) -> np.ndarray:
        """Of onset, apex and offset, (3,)."""
        found = []
        for values in self.samples.T:
            order = np.argsort(values)
            total = np.cumsum(self.weights[order])
            found.append(np.interp(share, total, values[order]))
        return np.array(found)


def strength(parameters: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression, (N, T) from 0 to 1.

    A phase goes from 0 to 1 as `1 - (1 - x^a)^b`, the distribution function of Kumaraswamy
    (Journal of Hydrology 46, 1980): `a` shapes its faint end, `b` its strong one.

    Args:
        parameters: (N, 8): onset, apex, offset, plateau (share of the phases around the apex),
            logarithms of a and b of the rise, then of the fall.
        times: (T,) frame numbers.
    """
    onset, apex, offset, plateau = (p[:, None] for p in parameters.T[:4])
    shapes = np.exp(parameters[:, 4:])
    rise = np.maximum((apex - onset) * (1 - plateau), 0.5)
    fall = np.maximum((offset - apex) * (1 - plateau), 0.5)
    part = np.clip(np.minimum((times - onset) / rise, (offset - times) / fall), 0, 1)
    early = times < apex
    faint = np.where(early, shapes[:, 0:1], shapes[:, 2:3])
    strong = np.where(early, shapes[:, 1:2], shapes[:, 3:4])
    return np.asarray(1 - (1 - part**faint) ** strong)


def fit_course(
    level: np.ndarray, times: np.ndarray, annotated: np.ndarray, prior: tuple[float, ...] = PRIOR
) -> Posterior:
    """The distribution of the key frames.

    Args:
        level: (T,) motion level.
        times: (T,) frame numbers.
        annotated: (3,) onset, apex, offset.
        prior: widths of the annotator's errors in shares of a phase.
    """
    rng = np.random.default_rng(_SEED)
    rise, fall = annotated[1] - annotated[0], annotated[2] - annotated[1]
    phases = np.array([rise, rise, fall], float)
    centre = np.array([*annotated, 0.1, *SHAPE])
    width = np.array([*np.maximum(np.array(prior) * phases, _LEAST_SD), 0.1, *SHAPE_SD])
    mean, cov = centre, np.diag(width**2)
    time = 2.0
    for trust in ROUNDS:
        draws = rng.multivariate_normal(mean, cov, SAMPLES, method="cholesky")
        draws[:, 3] = np.clip(draws[:, 3], 0, 0.6)
        log_prior = -0.5 * (((draws - centre) / width) ** 2).sum(1)
        log_proposal = _log_normal(draws, mean, cov)
        curves = strength(draws, times)
        residual = _residual(curves, level, times)
        misfit = (residual**2).sum(1)
        evidence = -0.5 * len(times) / time * np.log(misfit + 1e-12)
        ordered = (draws[:, 0] < draws[:, 1]) & (draws[:, 1] < draws[:, 2])
        logs = np.where(ordered, trust * evidence + log_prior - log_proposal, -np.inf)
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        mean = weights @ draws
        centred = draws - mean
        cov = _INFLATION * (weights[:, None] * centred).T @ centred + np.diag((0.05 * width) ** 2)
        time = _correlation_time(residual[np.argmin(misfit)])
    spread = np.sqrt(weights @ centred[:, :3] ** 2) / width[:3]
    return Posterior(draws[:, :3], weights, weights @ curves, spread)


def _residual(curves: np.ndarray, level: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What is left of the level after the best constant, drift and height of each curve, (N, T)."""
    line = np.linspace(-1, 1, len(times))
    line -= line.mean()
    line /= np.sqrt(line @ line)

    def flat(values: np.ndarray) -> np.ndarray:
        values = values - values.mean(-1, keepdims=True)
        return np.asarray(values - (values @ line)[..., None] * line)

    curves, level = flat(curves), flat(level)
    height = np.maximum(curves @ level / ((curves**2).sum(1) + 1e-9), 0)
    return level - height[:, None] * curves


def _log_normal(draws: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    root = np.linalg.cholesky(cov)
    scaled = np.linalg.solve(root, (draws - mean).T)
    return np.asarray(-0.5 * (scaled**2).sum(0) - np.log(np.diag(root)).sum())


def _correlation_time(residual: np.ndarray) -> float:
    """How many frames tell as much as one independent one, from the residual's correlation."""
    residual = residual - residual.mean()
    power = residual @ residual + 1e-12
    lag = float(residual[1:] @ residual[:-1] / power)
    lag = min(max(lag, 0.0), 0.9)
    return (1 + lag) / (1 - lag)
