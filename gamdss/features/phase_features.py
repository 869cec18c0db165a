"""Input features of a clip's phases, from its frames at their original size.

Flow is computed on those frames and then shrunk with its vectors: shrinking first would lose
motion of a fifth of a pixel. Differences are of the frames that the network sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from gamdss.config.features import FeaturesConfig
from gamdss.features.difference import magnify
from gamdss.features.flow import check_flow
from gamdss.features.kinds import FEATURES
from gamdss.records import KeyFrames

FORMAT = 1  # to be increased when the numbers computed here change


def feature_settings(config: FeaturesConfig) -> dict[str, Any]:
    """The settings that determine the features, as plain values; unused fields are left out."""
    settings = asdict(config) | {"format": FORMAT, "opencv": cv2.__version__}
    unused = {"magnification", "limit", "window"} if config.magnification == 1 else set()
    return {name: value for name, value in settings.items() if name not in unused}


class PhaseFeatures:
    """Computes phase features; safe to call from several threads or, pickled, processes.

    Args:
        config: which feature, and how motion is magnified.
        resize: turns a frame, uint8 BGR (H, W, 3), into the network's, RGB (3, S, S).
        image_size: S in pixels; 0 keeps the frames' own size.

    Raises:
        ConfigError: this OpenCV lacks the flow's method.
    """

    def __init__(
        self,
        config: FeaturesConfig,
        resize: Callable[[np.ndarray], np.ndarray],
        image_size: int,
    ) -> None:
        self.config = config
        self.image_size = image_size
        self.kind = FEATURES[config.name]
        self.resize = resize
        if self.kind.flow is not None:
            check_flow(self.kind.flow)

    def around(self, numbers: Iterable[int]) -> set[int]:
        """Frame numbers that the features of these key frames use, where they exist."""
        reach = self.config.reach
        return {near for n in numbers for near in range(n - reach, n + reach + 1)}

    def phase(self, images: Mapping[int, np.ndarray], start: int, apex: int) -> np.ndarray:
        """The feature from frame `start` (onset or offset) to frame `apex`.

        Args:
            images: uint8 BGR (H, W, 3) of one size, by frame number.
            start: the phase's weak end.
            apex: its apex.

        Returns:
            (C, S, S) float32, in the units of `FEATURES`.
        """
        first, last = images[start], self._magnified(images, start, apex)
        return self.kind.compute(first, last, self.resize, self.image_size)

    def _magnified(self, images: Mapping[int, np.ndarray], start: int, apex: int) -> np.ndarray:
        config = self.config
        if config.magnification == 1:
            return images[apex]
        before, around = (
            [images[n] for n in sorted(self.around([key])) if n in images] for key in (start, apex)
        )
        return magnify(images[apex], before, around, config.magnification, config.limit)


def phases(keys: Iterable[KeyFrames]) -> dict[tuple[int, int], int]:
    """The distinct phases (start, apex) of some key frames, each with a number from 0."""
    pairs = [pair for k in keys for pair in ((k.onset, k.apex), (k.offset, k.apex))]
    return {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
