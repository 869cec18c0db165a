"""Posterior samples of the parameters of a curve from a noisy signal.

Particles start from the prior, and the likelihood is introduced in steps. After each step they are
resampled (sequential Monte Carlo: Del Moral, Doucet and Jasra, J. R. Statist. Soc. B 68, 2006) and
moved along differences of each other (differential evolution: ter Braak, Statistics and Computing
16, 2006). Of the alternatives, adaptive importance sampling did not converge with ten parameters,
and single long chains took five times as long. Few particles with many moves vary less between
seeds than many particles with few moves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gamdss.reselection.motion.one_thread import one_thread

PARTICLES = 96
TEMPERS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)  # exponents of the likelihood
MOVES, KEPT = 16, 48  # moves after each of them, and at the end
STRIDE = 2  # of the moves at the end, every second is kept: neighbours are alike
WILD = 0.05  # share of key frames that follow the wide prior
SLOW, SLOW_SD = 0.6, 0.6  # log of the ratio of slow noise to frame noise, and its deviation
_SEED = 20260322


class Problem:
    """A level (T,): a curve of unknown height, a constant, a line, and noise.

    The noise has a part that is independent between frames, and a slow part (what head and light
    leave in the level) with a Matern covariance of smoothness 3/2. The scale of the first is
    profiled for each curve; the log ratio of both is one more parameter, the last.

    Args:
        level: the measured level.
        times: frame numbers (T,) of the level; frames may be missing.
        curves: the curves (N, T) of parameters (N, D).
        centre, width: mean and standard deviation (D,) of the Gaussian prior of the parameters.
        allowed: whether parameters (N, D) are possible, (N,).
        memory: correlation length of the slow noise in frames.
        wide: mean and standard deviation (K,) of the first K parameters if they are wild; each is
            with the probability `WILD`. None if none can be.
    """

    @one_thread
    def __init__(
        self,
        level: np.ndarray,
        times: np.ndarray,
        curves: Callable[[np.ndarray], np.ndarray],
        centre: np.ndarray,
        width: np.ndarray,
        allowed: Callable[[np.ndarray], np.ndarray],
        memory: float,
        wide: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.curves, self.allowed, self.wide = curves, allowed, wide
        self.centre = np.append(centre, SLOW)
        self.width = np.append(width, SLOW_SD)
        free = without_line(times)
        lag = np.sqrt(3) * np.abs(np.subtract.outer(times, times)) / memory
        slow, turn = np.linalg.eigh(free.T @ ((1 + lag) * np.exp(-lag)) @ free)
        # In this basis the slow noise is independent.
        self.slow = np.maximum(slow, 0).astype(np.float32)
        self.basis = (free @ turn).astype(np.float32)  # (T, T - 2)
        size = float(np.std(level)) + 1e-12  # the unit is free, and single precision enough
        self.level = (level / size).astype(np.float32) @ self.basis

    def prior(self, parameters: np.ndarray) -> np.ndarray:
        """Log density of the prior up to a constant, (N,)."""
        logs = -0.5 * ((parameters - self.centre) / self.width) ** 2
        if self.wide is not None:
            centre, width = self.wide
            known = slice(len(centre))
            wild = -0.5 * ((parameters[:, known] - centre) / width) ** 2
            odds = np.log(WILD / (1 - WILD) * self.width[known] / width)
            logs[:, known] = np.logaddexp(logs[:, known], odds + wild)
        density = logs.sum(axis=1)
        return np.where(self.allowed(parameters), density, -np.inf)

    def evidence(self, parameters: np.ndarray) -> np.ndarray:
        """Log likelihood up to a constant, at the most likely height >= 0, (N,)."""
        ratio = np.exp(2 * parameters[:, -1:]).astype(np.float32)
        known = 1 / (1 + ratio * self.slow)  # (N, T - 2), precisions
        curves = self.curves(parameters[:, :-1]) @ self.basis
        weighted = curves * known
        height = np.maximum(weighted @ self.level / ((weighted * curves).sum(axis=1) + 1e-9), 0)
        rest = self.level - height[:, None] * curves
        misfit = (rest * rest * known).sum(axis=1).astype(float)
        return np.asarray(
            0.5 * np.log(known).sum(axis=1) - 0.5 * len(self.level) * np.log(misfit + 1e-9)
        )


def without_line(times: np.ndarray) -> np.ndarray:
    """An orthonormal basis (T, T - 2) orthogonal to constants and lines over `times` (T,)."""
    line = np.interp(times, (times[0], times[-1]), (-1, 1))
    return np.asarray(np.linalg.svd(np.stack([np.ones_like(line), line], axis=1))[0][:, 2:])


@one_thread
def sample(problem: Problem, start: np.ndarray | None = None) -> np.ndarray:
    """Posterior samples of the parameters; the same for every call.

    Args:
        problem: the posterior.
        start: samples (PARTICLES, D + 1) of a posterior that is much like it, with the log ratio of
            the noise as the last parameter, to move from; from the prior if omitted, which takes
            three times as long.

    Returns:
        (N, D + 1) float32.
    """
    rng = np.random.default_rng(_SEED)
    particles = _annealed(problem, rng) if start is None else start.astype(float)
    density = problem.prior(particles) + problem.evidence(particles)
    kept = []
    for step in range(MOVES + KEPT):
        particles, density = _move(particles, density, problem, 1.0, rng)
        if step >= MOVES and step % STRIDE == 0:
            kept.append(particles.astype(np.float32))
    return np.concatenate(kept)


def _annealed(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Particles that went from the prior to the posterior, but for the last moves."""
    particles = _from_prior(problem, rng)
    before = 0.0
    for temper in TEMPERS:
        logs = (temper - before) * problem.evidence(particles)
        particles = resampled(particles, np.exp(logs - logs.max()), rng.random())
        before = temper
        density = problem.prior(particles) + temper * problem.evidence(particles)
        for _ in range(MOVES if temper < 1 else 0):
            particles, density = _move(particles, density, problem, temper, rng)
    return particles


def _from_prior(problem: Problem, rng: np.random.Generator) -> np.ndarray:
    """Allowed parameters, up to (PARTICLES, D)."""
    drawn = rng.standard_normal((8 * PARTICLES, len(problem.centre)))
    particles = problem.centre + problem.width * drawn
    return particles[problem.allowed(particles)][:PARTICLES]


def resampled(particles: np.ndarray, weights: np.ndarray, first: float) -> np.ndarray:
    """PARTICLES particles, resampled systematically by their weights; `first` is from 0 to 1."""
    below = np.cumsum(weights)
    places = (first + np.arange(PARTICLES)) / PARTICLES
    chosen = np.searchsorted(below / below[-1], places)
    return np.asarray(particles[np.minimum(chosen, len(particles) - 1)])


def _move(
    particles: np.ndarray,
    density: np.ndarray,
    problem: Problem,
    temper: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """One Metropolis move of each particle along the difference of two others."""
    count, size = particles.shape
    others = (np.arange(count) + rng.integers(1, count, (2, count))) % count
    # A fifth of the moves are short, which are accepted, or long, which change the mode.
    factor = rng.choice([2.38 / np.sqrt(2 * size), 0.2, 1.0], (count, 1), p=[0.8, 0.1, 0.1])
    jitter = 0.003 * problem.width * rng.standard_normal(particles.shape)
    proposed = particles + factor * (particles[others[0]] - particles[others[1]]) + jitter
    reached = problem.prior(proposed) + temper * problem.evidence(proposed)
    accepted = np.log(rng.random(count)) < reached - density
    return np.where(accepted[:, None], proposed, particles), np.where(accepted, reached, density)
