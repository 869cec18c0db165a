"""Which of its draws of key frames a clip shows in an epoch."""

from __future__ import annotations

import numpy as np

from gamdss.errors import ConfigError, is_whole


def check_epoch(epoch: int, seed: int = 0) -> None:
    """Raise ConfigError unless both are integers from 0 on."""
    for name, number in (("epoch", epoch), ("seed", seed)):
        if not is_whole(number):
            raise ConfigError(f"{name} is {number!r}", remedy="Give an integer from 0 on.")


def draw_of_epoch(clips: int, draws: int, epoch: int, seed: int) -> np.ndarray:
    """The number of the draw that each clip shows, (N,).

    A clip shows all its draws in a random order, then in another one. The orders follow from seed,
    epoch and the place of the clip alone, so that resuming and ranks change nothing.
    """
    rng = np.random.default_rng((seed, epoch // draws))
    orders = rng.permuted(np.tile(np.arange(draws), (clips, 1)), axis=1)
    return np.asarray(orders[:, epoch % draws])
