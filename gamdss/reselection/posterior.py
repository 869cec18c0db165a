"""What a noisy level tells of the parameters of a curve, given a prior: samples.

Particles start from the prior, the evidence is let in little by little, and in between they are
resampled (sequential Monte Carlo: Del Moral, Doucet and Jasra, J. R. Statist. Soc. B 68, 2006)
and moved by steps that they learn from each other (differential evolution: ter Braak, Statistics
and Computing 16, 2006). Importance sampling with adapted proposals and single long chains were
tried: with eight parameters the first did not converge, the second took five times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PARTICLES = 192
TEMPERS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)  # shares of the evidence
MOVES, KEPT = 6, 40  # steps after each of them, and at the end
LEAST_TIME = 3.0  # frames that tell as much as one: a slow drift shows in no frame's neighbour
_SEED = 20260322


@dataclass(frozen=True, eq=False)
class Problem:
    """A level (T,) that is a constant, a slow drift and a curve of unknown height, with noise.

    Args:
        level: what was measured.
        curves: the curves (N, T) of parameters (N, D).
        centre, width: mean and standard deviation (D,) of the parameters' Gaussian prior.
        allowed: which parameters (N, D) can be at all, (N,).
    """

    level: np.ndarray
    curves: Callable[[np.ndarray], np.ndarray]
    centre: np.ndarray
    width: np.ndarray
    allowed: Callable[[np.ndarray], np.ndarray]

    def prior(self, parameters: np.ndarray) -> np.ndarray:
        """Logarithm of the prior's density up to a constant, (N,)."""
        density = -0.5 * (((parameters - self.centre) / self.width) ** 2).sum(axis=1)
        return np.where(self.allowed(parameters), density, -np.inf)

    def misfit(self, parameters: np.ndarray) -> np.ndarray:
        """What the best constant, drift and height (0 or more) of each curve leave, (N, T)."""
        line = np.linspace(-1, 1, len(self.level))
        line /= np.sqrt(line @ line)

        def flat(values: np.ndarray) -> np.ndarray:
            values = values - values.mean(-1, keepdims=True)
            return np.asarray(values - (values @ line)[..., None] * line)

        curves, level = flat(self.curves(parameters)), flat(self.level)
        height = np.maximum(curves @ level / ((curves**2).sum(1) + 1e-9), 0)
        return level - height[:, None] * curves

    def evidence(self, parameters: np.ndarray, frames: float) -> np.ndarray:
        """Logarithm of the likelihood under noise of unknown strength in independent `frames`."""
        return np.asarray(-0.5 * frames * np.log((self.misfit(parameters) ** 2).sum(1) + 1e-12))

    def independent_frames(self, parameters: np.ndarray) -> float:
        """How many independent frames the level is worth, by what the best of these leaves."""
        misfit = self.misfit(parameters)
        best = misfit[(misfit**2).sum(axis=1).argmin()]
        lag = min(max(float(best[1:] @ best[:-1] / (best @ best + 1e-12)), 0.0), 0.9)
        return len(self.level) / max((1 + lag) / (1 - lag), LEAST_TIME)


def sample(problem: Problem) -> np.ndarray:
    """Parameters from their posterior, (KEPT * PARTICLES, D); the same ones each time."""
    rng = np.random.default_rng(_SEED)
    particles = _from_prior(problem, rng)
    frames = len(problem.level) / 2.0
    before, kept = 0.0, []
    for temper in TEMPERS:
        logs = (temper - before) * problem.evidence(particles, frames)
        particles = _resampled(particles, logs, rng)
        before = temper
        if temper >= TEMPERS[-3]:  # by then the best particle leaves little but noise
            frames = problem.independent_frames(particles)
        scale = temper * frames
        density = problem.prior(particles) + problem.evidence(particles, scale)
        for step in range(MOVES + (KEPT if temper == TEMPERS[-1] else 0)):
            particles, density = _move(particles, density, problem, scale, rng)
            if step >= MOVES:
                kept.append(particles)
    return np.concatenate(kept)


def _from_prior(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Allowed parameters, up to (PARTICLES, D)."""
    drawn = rng.standard_normal((8 * PARTICLES, len(problem.centre)))
    particles = problem.centre + problem.width * drawn
    return particles[problem.allowed(particles)][:PARTICLES]


def _resampled(particles: np.ndarray, logs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many particles as PARTICLES, each as often as its weight says (systematically)."""
    weights = np.cumsum(np.exp(logs - logs.max()))
    places = (rng.random() + np.arange(PARTICLES)) / PARTICLES
    chosen = np.searchsorted(weights / weights[-1], places)
    return np.asarray(particles[np.minimum(chosen, len(particles) - 1)])


def _move(
    particles: np.ndarray,
    density: np.ndarray,
    problem: Problem,
    frames: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """One Metropolis step of each particle along the difference of two others."""
    count, size = particles.shape
    others = (np.arange(count) + rng.integers(1, count, (2, count))) % count
    # A fifth of the steps is short or long: short ones are accepted, long ones change the mode.
    factor = rng.choice([2.38 / np.sqrt(2 * size), 0.2, 1.0], (count, 1), p=[0.8, 0.1, 0.1])
    jitter = 0.003 * problem.width * rng.standard_normal(particles.shape)
    proposed = particles + factor * (particles[others[0]] - particles[others[1]]) + jitter
    reached = problem.prior(proposed) + problem.evidence(proposed, frames)
    accepted = np.log(rng.random(count)) < reached - density
    return np.where(accepted[:, None], proposed, particles), np.where(accepted, reached, density)
