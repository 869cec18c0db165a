"""Onset, apex and offset from a motion level: a model of the whole rise and fall, and its doubt.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. With
the annotation as a prior of some width, the key frames have a distribution; the median is the
estimate, since it minimises the expected absolute error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.reselection.posterior import PARTICLES, Problem, sample

# Standard deviations of an annotator's errors: onset and apex in shares of the rising, offset of
# the falling phase.
PRIOR = (0.15, 0.20, 0.25)
# Logarithms of the phases' shapes (a and b of the rise, of the fall) and their deviations.
SHAPE = (0.45, 0.35, 0.45, 0.3)
SHAPE_SD = (0.35, 0.4, 0.45, 0.5)
PLATEAU, PLATEAU_SD, WIDEST = 0.1, 0.1, 0.6
LEAST_SD = 0.7  # frames: below it an annotation is never known


@dataclass(frozen=True, eq=False)
class Posterior:
    """Equally likely samples (N, 3) of onset, apex and offset in frames.

    `course` (T,) is the expected strength of the expression, 0 to 1; `spread` (3,) the standard
    deviation of each key frame over that of the prior: near 1, the evidence says nothing.
    """

    samples: np.ndarray
    course: np.ndarray
    spread: np.ndarray

    def quantile(self, share: float) -> np.ndarray:
        """Of onset, apex and offset, (3,)."""
        return np.asarray(np.quantile(self.samples, share, axis=0))


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


def expected_strength(annotated: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Strength of the expression (T,) if the annotation (3,) and the prior's middle were right."""
    return np.asarray(strength(np.array([[*annotated, PLATEAU, *SHAPE]]), times)[0])


def annotation_width(annotated: np.ndarray) -> np.ndarray:
    """Standard deviations (3,) of the annotation's errors in frames."""
    rise, fall = np.diff(annotated)
    return np.maximum(np.array(PRIOR) * (rise, rise, fall), LEAST_SD)


def in_order(parameters: np.ndarray) -> np.ndarray:
    """Where onset < apex < offset, the first three of (N, D): (N,)."""
    return np.asarray((np.diff(parameters[:, :3], axis=1) > 0).all(axis=1))


def fit_course(level: np.ndarray, times: np.ndarray, annotated: np.ndarray) -> Posterior:
    """The distribution of the key frames.

    Args:
        level: (T,) motion level.
        times: (T,) frame numbers.
        annotated: (3,) onset, apex, offset.
    """
    width = annotation_width(annotated)
    draws = sample(
        Problem(
            level=level,
            curves=lambda parameters: strength(parameters, times),
            centre=np.array([*annotated, PLATEAU, *SHAPE], float),
            width=np.array([*width, PLATEAU_SD, *SHAPE_SD]),
            allowed=lambda p: in_order(p) & (p[:, 3] >= 0) & (p[:, 3] <= WIDEST),
        )
    )
    course = strength(draws[:: PARTICLES // 4 + 1], times).mean(axis=0)
    return Posterior(draws[:, :3], course, draws[:, :3].std(axis=0) / width)
