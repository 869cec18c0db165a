"""Input features of a clip's phases, from its frames at the size they were delivered in.

Flow is computed on those frames and then shrunk with its vectors, since motion of a fifth of a
pixel would be lost by shrinking first. Differences are of the frames that the network sees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np

from gamdss.config.features import FeaturesConfig
from gamdss.features import (
    FEATURES,
    check_flow,
    dense_flow,
    flow_feature,
    frame_difference,
    magnify,
    resize_flow,
)
from gamdss.records import KeyFrames

FORMAT = 1  # another one, when this computes other numbers than before


def feature_settings(config: FeaturesConfig) -> dict[str, Any]:
    """What decides the features, as plain values; fields that change nothing are left out."""
    settings = {"name": config.name, "format": FORMAT, "opencv": cv2.__version__}
    return settings if config.magnification == 1 else asdict(config) | settings


class PhaseFeatures:
    """Computes the feature of one setting; safe to call from several threads.

    Args:
        config: which feature, and how motion is magnified.
        resize: makes of a frame, uint8 BGR (H, W, 3), what the network sees of it, RGB (3, S, S).
        image_size: S in pixels; 0 where frames keep their own size.

    Raises:
        ConfigError: this OpenCV lacks the flow.
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
        """Frame numbers that the features of these key frames look at, if they are there."""
        reach = self.config.reach
        return {near for n in numbers for near in range(n - reach, n + reach + 1)}

    def phase(self, images: Mapping[int, np.ndarray], start: int, apex: int) -> np.ndarray:
        """The feature from frame `start` (onset or offset) to frame `apex`.

        Args:
            images: uint8 BGR (H, W, 3) of one size, by frame number.
            start: the phase's weak end.
            apex: its strong end.

        Returns:
            (C, S, S) float32, in the units of `FEATURES`.
        """
        first, last = images[start], self._magnified(images, start, apex)
        if self.kind.flow is None:
            grey = len(self.kind.channels) == 1
            return frame_difference(self.resize(first), self.resize(last), grey)
        flow = dense_flow(first, last, self.kind.flow)
        if self.image_size:
            flow = resize_flow(flow, (self.image_size, self.image_size))
        return flow_feature(flow, self.kind.third)

    def _magnified(self, images: Mapping[int, np.ndarray], start: int, apex: int) -> np.ndarray:
        config = self.config
        if config.magnification == 1:
            return images[apex]
        before, around = (
            [images[n] for n in sorted(self.around([key])) if n in images] for key in (start, apex)
        )
        return magnify(images[apex], before, around, config.magnification, config.limit)


def phases(keys: Iterable[KeyFrames]) -> dict[tuple[int, int], int]:
    """The different phases of some key frames, as (start, apex), and a number for each from 0."""
    pairs = [pair for k in keys for pair in ((k.onset, k.apex), (k.offset, k.apex))]
    return {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
