"""How well key frames could be found at best: the fit of `motion`, told the true course's shape.

The level that `motion` measured in a clip is fitted by the clip's true strength curve, of which
only onset, apex and offset are unknown: the part before the apex and the part after it are
shifted and stretched to them. Prior, noise estimate and estimator (the posterior's median) are
those of `motion` itself. What this leaves of the error is due to noise in the level
and to the annotation; what `motion` adds is the price of not knowing the shape. It is a bound for
fits to this level under this prior, on average over clips, as far as the level's errors are noise:
where drift bends the level, a fit of free shapes may do better now and then, as may another
measurement. No method that has to learn the shape should be expected to come near it.
"""

from __future__ import annotations

import numpy as np

from gamdss.reselection.motion.course import annotation_width, in_order, slow_memory
from gamdss.reselection.motion.posterior import Problem, sample


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
    keys = np.array(annotated, float)
    draws = sample(
        Problem(
            level=level,
            times=times,
            curves=lambda parameters: stretched(parameters, times, true, shape),
            centre=keys,
            width=annotation_width(keys),
            allowed=in_order,
            memory=slow_memory(keys),
        )
    )
    middle = np.median(draws, axis=0)
    onset, apex, offset = (int(times[np.abs(times - number).argmin()]) for number in middle)
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
