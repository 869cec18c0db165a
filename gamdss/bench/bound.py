"""How well key frames could be found at best: the fit of `motion`, told the true course's shape.

The level that `motion` measured in a clip is fitted by the clip's true strength curve, of which
only onset, apex and offset are unknown: the part before the apex and the part after it are
shifted and stretched to them. Prior, noise estimate and estimator (the posterior's median) are
those of `gamdss.reselection.course`. What this leaves of the error is due to noise in the level
and to the annotation; what `motion` adds is the price of not knowing the shape. It is a bound for
fits to this level under this prior, on average over clips, as far as the level's errors are noise:
where drift bends the level, a fit of free shapes may do better now and then, as may another
measurement. No method that has to learn the shape should be expected to come near it.
"""

from __future__ import annotations

import numpy as np

from gamdss.reselection.course import PRIOR

_LEAST_SD = 0.7  # frames, as in the fit
_SAMPLES = 2000
_ROUNDS = (0.05, 0.2, 0.6, 1.0)  # how far each round trusts the evidence
_INFLATION = 1.6
_SEED = 20260323


def known_shape_fit(
    level: np.ndarray,
    times: np.ndarray,
    annotated: tuple[int, int, int],
    true: tuple[int, int, int],
    shape: tuple[np.ndarray, np.ndarray],
) -> tuple[int, int, int]:
    """Onset, apex and offset from a measured level if the course's shape is known.

    Args:
        level: (T,) motion level, as `fit_motion` measured it.
        times: (T,) frame numbers of the level.
        annotated: onset, apex and offset that the prior is centred on.
        true: onset, apex and offset that `shape` belongs to.
        shape: frame numbers (S,) and the true strength of the expression at them (S,).

    Returns:
        Medians of the posterior, rounded to frames of `times`.
    """
    rng = np.random.default_rng(_SEED)
    rise, fall = annotated[1] - annotated[0], annotated[2] - annotated[1]
    width = np.maximum(np.array(PRIOR[:3]) * (rise, rise, fall), _LEAST_SD)
    centre = np.array(annotated, float)
    mean, cov, time = centre, np.diag(width**2), 2.0
    for trust in _ROUNDS:
        draws = rng.multivariate_normal(mean, cov, _SAMPLES, method="cholesky")
        ordered = (np.diff(draws, axis=1) > 0).all(axis=1)
        residual = _residual(stretched(draws, times, true, shape), level)
        misfit = (residual**2).sum(1)
        evidence = -0.5 * len(times) / time * np.log(misfit + 1e-12)
        log_prior = -0.5 * (((draws - centre) / width) ** 2).sum(1)
        logs = trust * evidence + log_prior - _log_normal(draws, mean, cov)
        logs = np.where(ordered, logs, -np.inf)
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        mean = weights @ draws
        spread = (draws - mean) * np.sqrt(weights)[:, None]
        cov = _INFLATION * spread.T @ spread + np.diag((0.05 * width) ** 2)
        time = _correlation_time(residual[np.argmin(misfit)])
    onset, apex, offset = (_median(values, weights, times) for values in draws.T)
    return onset, apex, offset


def stretched(
    keys: np.ndarray,
    times: np.ndarray,
    true: tuple[int, int, int],
    shape: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """The curve `shape` with its key frames moved from `true` to each of `keys` (N, 3): (N, T).

    Time runs piecewise linearly from one key frame to the next.
    """
    onset, apex, offset = (column[:, None] for column in keys.T)
    up = (times - onset) / np.maximum(apex - onset, 1e-6)
    down = (times - apex) / np.maximum(offset - apex, 1e-6)
    moved = np.where(
        times < apex, true[0] + up * (true[1] - true[0]), true[1] + down * (true[2] - true[1])
    )
    numbers, strength = shape
    return np.interp(moved, numbers, strength, left=0.0, right=0.0)


def _median(values: np.ndarray, weights: np.ndarray, times: np.ndarray) -> int:
    order = np.argsort(values)
    middle = np.interp(0.5, np.cumsum(weights[order]), values[order])
    return int(times[np.abs(times - middle).argmin()])


def _residual(curves: np.ndarray, level: np.ndarray) -> np.ndarray:
    """What is left of the level after the best constant, drift and height (>= 0) of each curve."""
    steps = np.linspace(-1, 1, len(level))
    basis, _ = np.linalg.qr(np.stack([np.ones_like(steps), steps], axis=1))  # (T, 2)
    curves = curves - (curves @ basis) @ basis.T
    level = level - basis @ (basis.T @ level)
    height = np.maximum(curves @ level / ((curves**2).sum(1) + 1e-9), 0)
    return np.asarray(level - height[:, None] * curves)


def _log_normal(draws: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    root = np.linalg.cholesky(cov)
    scaled = np.linalg.solve(root, (draws - mean).T)
    return np.asarray(-0.5 * (scaled**2).sum(0) - np.log(np.diag(root)).sum())


def _correlation_time(residual: np.ndarray) -> float:
    """Frames that tell as much as one independent one."""
    residual = residual - residual.mean()
    lag = float(residual[1:] @ residual[:-1] / (residual @ residual + 1e-12))
    lag = min(max(lag, 0.0), 0.9)
    return (1 + lag) / (1 - lag)
