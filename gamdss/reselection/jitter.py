"""Key frames moved at random around given ones: the simple alternative to posterior draws.

MMNet (Li et al., IEEE Transactions on Image Processing 31, 2022) moves the onset later and the apex
earlier, by up to 3.75% of the rising phase. An annotator errs either way, so here key frames move
either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

_SEED = 20260322


def jittered(
    keys: tuple[int, int, int], share: float, count: int, present: Sequence[int]
) -> tuple[tuple[int, int, int], ...]:
    """Key frames moved at random, uniformly within a share of a phase; the same for every call.

    Args:
        keys: onset, apex and offset.
        share: of the rising phase for the onset, of the falling one for the offset; the apex moves
            by a share of the phase that it moves into.
        count: how often they are moved.
        present: numbers of the frames that exist, to the nearest of which key frames move.
    """
    numbers = np.array(sorted(present))
    onset, apex, offset = keys
    rise, fall = share * (apex - onset), share * (offset - apex)
    low = (onset - rise, apex - rise, offset - fall)
    high = (onset + rise, apex + fall, offset + fall)
    drawn = np.random.default_rng(_SEED).uniform(low, high, (count, 3))
    nearest = numbers[np.abs(drawn[..., None] - numbers).argmin(axis=2)]
    return tuple((int(a), int(b), int(c)) for a, b, c in nearest)


def jitter_span(onset: int, apex: int, offset: int, share: float) -> range:
    """Numbers of the frames that `jittered` may move these key frames to."""
    before, after = ceil(share * (apex - onset)), ceil(share * (offset - apex))
    return range(max(0, onset - before), offset + after + 1)
