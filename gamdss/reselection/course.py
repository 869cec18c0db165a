"""Onset, apex and offset from a motion level: a model of the whole rise and fall, and its doubt.

The level is a constant and a slow drift plus a rise, a plateau and a fall of free shapes. Given
the annotation as a prior of some width, the key frames have a distribution. Particles sample it:
they start from the prior, the evidence is let in little by little, and in between they are
resampled (sequential Monte Carlo: Del Moral, Doucet and Jasra, J. R. Statist. Soc. B 68, 2006)
and moved by steps that they learn from each other (differential evolution: ter Braak, Statistics
and Computing 16, 2006). The median is the estimate: it minimises the expected absolute error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Standard deviations of an annotator's errors: onset and apex in shares of the rising, offset of
# the falling phase.
PRIOR = (0.15, 0.20, 0.25)
# Logarithms of the phases' shapes (a and b of the rise, of the fall) and their deviations.
SHAPE = (0.45, 0.35, 0.45, 0.3)
SHAPE_SD = (0.35, 0.4, 0.45, 0.5)
PLATEAU, PLATEAU_SD, WIDEST = 0.1, 0.1, 0.6
PARTICLES = 192
TEMPERS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)  # shares of the evidence
MOVES, KEPT = 6, 40  # steps after each of them, and at the end
LEAST_TIME = 3.0  # frames that tell as much as one: a slow drift shows in no frame's neighbour
_LEAST_SD = 0.7  # frames: below it an annotation is never known
_SEED = 20260322


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
    rise, fall = annotated[1] - annotated[0], annotated[2] - annotated[1]
    phases = np.array([rise, rise, fall], float)
    centre = np.array([*annotated, PLATEAU, *SHAPE], float)
    widths = np.maximum(np.array(prior) * phases, _LEAST_SD)
    width = np.array([*widths, PLATEAU_SD, *SHAPE_SD])
    target = _Target(level, times, centre, width)
    draws = _sample(target, np.random.default_rng(_SEED))
    weights = np.full(len(draws), 1 / len(draws))
    course = strength(draws[:: PARTICLES // 4 + 1], times).mean(axis=0)
    return Posterior(draws[:, :3], weights, course, draws[:, :3].std(axis=0) / width[:3])


class _Target:
    """The posterior of parameters (N, 8): logarithms of prior and evidence, up to a constant."""

    def __init__(
        self, level: np.ndarray, times: np.ndarray, centre: np.ndarray, width: np.ndarray
    ) -> None:
        self.level, self.times, self.centre, self.width = level, times, centre, width
        self.independent = len(times) / 2.0

    def prior(self, parameters: np.ndarray) -> np.ndarray:
        """Of the parameters; minus infinity where key frames are out of order."""
        onset, apex, offset, plateau = parameters.T[:4]
        inside = (onset < apex) & (apex < offset) & (plateau >= 0) & (plateau <= WIDEST)
        density = -0.5 * (((parameters - self.centre) / self.width) ** 2).sum(axis=1)
        return np.where(inside, density, -np.inf)

    def evidence(self, parameters: np.ndarray) -> np.ndarray:
        """Of the level, with noise of unknown strength."""
        misfit = (self._residual(parameters) ** 2).sum(axis=1)
        return np.asarray(-0.5 * self.independent * np.log(misfit + 1e-12))

    def trust(self, parameters: np.ndarray) -> None:
        """Count as many independent frames as the residual of the best of these tells."""
        residual = self._residual(parameters)
        best = residual[(residual**2).sum(axis=1).argmin()]
        self.independent = len(self.times) / _correlation_time(best)

    def _residual(self, parameters: np.ndarray) -> np.ndarray:
        return _residual(strength(parameters, self.times), self.level, self.times)


def _sample(target: _Target, rng: np.random.Generator) -> np.ndarray:
    """Parameters, (KEPT * PARTICLES, 8)."""
    count = PARTICLES
    drawn = rng.standard_normal((4 * count, len(target.centre)))
    particles = target.centre + target.width * drawn
    particles[:, 3] = np.clip(particles[:, 3], 0, WIDEST)
    particles = particles[np.isfinite(target.prior(particles))][:count]
    before, kept = 0.0, []
    for temper in TEMPERS:
        logs = (temper - before) * target.evidence(particles)
        weights = np.exp(logs - logs.max())
        # Systematic resampling: one random number, evenly spread.
        places = (rng.random() + np.arange(count)) / count
        chosen = np.searchsorted(np.cumsum(weights) / weights.sum(), places)
        particles = particles[np.minimum(chosen, len(particles) - 1)]
        before = temper
        if temper >= TEMPERS[-3]:
            target.trust(particles)
        density = target.prior(particles) + temper * target.evidence(particles)
        for step in range(MOVES if temper < 1 else MOVES + KEPT):
            particles, density = _move(particles, density, target, temper, rng)
            if temper >= 1 and step >= MOVES:
                kept.append(particles)
    return np.concatenate(kept)


def _move(
    particles: np.ndarray,
    density: np.ndarray,
    target: _Target,
    temper: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """One Metropolis step of each particle along the difference of two others."""
    count, size = particles.shape
    others = (np.arange(count) + rng.integers(1, count, (2, count))) % count
    # A fifth of the steps is short or long: short ones are accepted, long ones change the mode.
    factor = rng.choice([2.38 / np.sqrt(2 * size), 0.2, 1.0], (count, 1), p=[0.8, 0.1, 0.1])
    jitter = 0.003 * target.width * rng.standard_normal(particles.shape)
    proposed = particles + factor * (particles[others[0]] - particles[others[1]]) + jitter
    reached = target.prior(proposed) + temper * target.evidence(proposed)
    accepted = np.log(rng.random(count)) < reached - density
    return np.where(accepted[:, None], proposed, particles), np.where(accepted, reached, density)


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


def _correlation_time(residual: np.ndarray) -> float:
    """How many frames tell as much as one independent one, from the residual's correlation."""
    residual = residual - residual.mean()
    power = residual @ residual + 1e-12
    lag = float(residual[1:] @ residual[:-1] / power)
    lag = min(max(lag, 0.0), 0.9)
    return max((1 + lag) / (1 - lag), LEAST_TIME)
