"""Rises and falls of signals on several time scales: how strong, where, from when to when.

The contrast of a signal on the scale k is its value minus the mean of its values k seconds before
and after: large for a bump of about that length, 0 for a level and a steady drift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

# Seconds. The first ones suit micro-expressions of 0.2 to 0.5 s, the last ones macro-expressions
# that are held.
SCALES = (0.17, 0.25, 0.4, 0.6, 0.9, 1.3, 2.0, 3.0)
_SMOOTH = 0.03  # seconds, a Gaussian's deviation: a low-pass of half power at 4.4 Hz
_ENDS = 0.2  # share of the height at which a bump begins and ends
_LEAST_SPREAD = 3e-4
_GROWTH = 1.2
_HEAD_SCALE = 0.6  # seconds
_HEAD_SHARE = 0.1  # usual share of the head's pose that the average face leaves in a region


def low_pass(signals: np.ndarray, rate: float) -> np.ndarray:
    """Signals (T, ...) at `rate` samples a second without what no skin follows."""
    smooth = gaussian_filter1d(signals, _SMOOTH * rate, axis=0, mode="nearest", output=np.float64)
    return np.asarray(smooth)


def contrast(signals: np.ndarray, rate: float, scale: float) -> np.ndarray:
    """Contrast (T, ...) of signals on a scale in seconds; beyond the ends, the last values."""
    reach = max(1, round(scale * rate))
    at = np.arange(len(signals))
    before = signals[np.maximum(at - reach, 0)]
    after = signals[np.minimum(at + reach, len(signals) - 1)]
    return np.asarray(signals - (before + after) / 2)


def spread(contrasts: np.ndarray) -> np.ndarray:
    """Usual size of the contrast of vectors (T, R, 2) outside of expressions, (R,).

    From the lower fifth of the sizes, as if they were Rayleigh-distributed: expressions and
    speech may fill more than half of a recording.
    """
    size = np.hypot(contrasts[..., 0], contrasts[..., 1])
    return np.maximum(np.quantile(size, 0.2, axis=0) / 0.668, _LEAST_SPREAD)


def usual_contrasts(signals: np.ndarray, rate: float) -> list[np.ndarray]:
    """`spread` (R,) on each of the scales, growing with them as a random walk does at most.

    In a short clip nothing lies outside of a long expression: its own contrast is not noise.
    """
    first = spread(contrast(signals, rate, SCALES[0]))
    return [
        np.minimum(
            spread(contrast(signals, rate, scale)), _GROWTH * first * np.sqrt(scale / SCALES[0])
        )
        for scale in SCALES
    ]


def without_head(signals: np.ndarray, pose: np.ndarray, rate: float) -> np.ndarray:
    """Signals (T, R, 2) without what follows the head's pose (T, 6) in them all the time.

    A face is not as deep as the average one, so a turn leaves some motion in each region. Its
    share is learnt from the recording, by least squares that expressions do not count in, and
    that say nothing where the head hardly moves.
    """
    flat = signals.reshape(len(signals), -1)
    fast = [contrast(values, rate, _HEAD_SCALE) for values in (pose, flat)]
    usual = np.maximum(np.median(np.abs(fast[1]), axis=0) / 0.6745, _LEAST_SPREAD)  # (2R,)
    share = np.zeros((pose.shape[1], flat.shape[1]))
    for region in range(flat.shape[1]):
        weight = np.ones(len(flat))
        for _ in range(5):
            heavy = fast[0].T * weight
            prior = (usual[region] / _HEAD_SHARE) ** 2 * np.eye(pose.shape[1])
            share[:, region] = np.linalg.solve(heavy @ fast[0] + prior, heavy @ fast[1][:, region])
            left = fast[1][:, region] - fast[0] @ share[:, region]
            size = max(float(np.median(np.abs(left))) / 0.6745, _LEAST_SPREAD)
            weight = 1 / (1 + (left / (2 * size)) ** 2) ** 2
    return np.asarray((flat - pose @ share).reshape(signals.shape))


def peaks(score: np.ndarray) -> np.ndarray:
    """Samples at which a score (T,) has a local maximum of 1 or more."""
    padded = np.concatenate([[0.0], score, [0.0]])
    return np.asarray(find_peaks(padded, height=1.0)[0] - 1)


@dataclass(frozen=True)
class Extent:
    """Start, maximum and end of a bump in samples; its height over its higher foot."""

    start: float
    top: int
    end: float
    height: float

    def overlaps(self, other: Extent) -> bool:
        """Whether both share more than an end."""
        return min(self.end, other.end) > max(self.start, other.start)


def extent(signal: np.ndarray, peak: int, reach: int) -> Extent:
    """Where the bump at `peak` of a signal (T,) starts and ends.

    Each side ends where the signal has fallen by four fifths of the way to its lowest value
    within `reach` samples, carried on to its foot as if that were reached in a straight line.
    """
    low, high = max(0, peak - reach // 4), min(len(signal), peak + reach // 4 + 1)
    top = low + int(np.argmax(signal[low:high]))
    before = signal[max(0, top - reach) : top + 1][::-1]
    after = signal[top : top + reach + 1]
    height = float(signal[top] - max(before.min(), after.min()))
    return Extent(top - _way_down(before), top, top + _way_down(after), height)


def _way_down(side: np.ndarray) -> float:
    """Samples from a maximum to the foot of a falling side, interpolated."""
    height = side[0] - side.min()
    if height <= 0 or len(side) < 2:
        return 0.0
    share = (side - side.min()) / height
    end = _crossing(share, _ENDS)
    middle = _crossing(share, 0.5)
    # From half of the height to a fifth the line falls by 0.3; it has 0.2 to go, of which the
    # foot of a smooth curve takes more.
    return min(end + (end - middle) * _ENDS / (0.5 - _ENDS), float(len(side) - 1))


def _crossing(share: np.ndarray, level: float) -> float:
    """Where a falling curve first passes a level, interpolated."""
    below = int(np.argmax(share <= level))
    if below == 0:
        return float(len(share) - 1)
    step = share[below - 1] - share[below]
    return below - 1 + float((share[below - 1] - level) / step) if step > 0 else float(below)
