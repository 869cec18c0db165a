"""The input features by name: their channels, units and normalisation.

A feature belongs to a phase and points from its weak end to the apex: from onset to apex in the
rising phase, from offset to apex in the falling one. So both phases look alike to their shared
weights, as the differences apex - onset and apex - offset do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.config.features import FeatureName
from gamdss.errors import ConfigError, is_whole, require_choice
from gamdss.features.difference import frame_difference
from gamdss.features.flow import FlowMethod, ThirdChannel, dense_flow, flow_feature, resize_flow

STD = (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, values 0 to 1
# Turns a frame, uint8 BGR (H, W, 3), into the network's, RGB (3, S, S).
Resize = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Feature:
    """A kind of feature.

    Args:
        channels: what each channel is.
        units: units of the channels as computed.
        normalisation: how the network sees them, in words.
        source: publication or standard.
        compute: the feature (C, S, S) float32 of two frames, uint8 BGR (H, W, 3): from the weak
            end of the phase to its apex. Also given how frames are resized, and S (0: their own).
        factors: of each channel, from its units to what the network sees, by S.
        flow: method of the flow; None for differences.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    normalisation: str
    source: str
    compute: Callable[[np.ndarray, np.ndarray, Resize, int], np.ndarray]
    factors: Callable[[int], Sequence[float]]
    flow: FlowMethod | None = None

    @property
    def is_vector(self) -> bool:
        """Whether the first two channels are a vector, which flips and rotations change."""
        return self.flow is not None


_FLOWS: dict[FlowMethod, str] = {
    "dis": "Kroeger et al., ECCV 2016 (OpenCV's DIS, preset medium)",
    "farneback": "Farnebäck, SCIA 2003 (OpenCV)",
    "tvl1": "Zach et al., DAGM 2007 (OpenCV's contributed DualTVL1)",
}


def _difference(grey: bool) -> Callable[[np.ndarray, np.ndarray, Resize, int], np.ndarray]:
    def compute(start: np.ndarray, apex: np.ndarray, resize: Resize, _: int) -> np.ndarray:
        return frame_difference(resize(start), resize(apex), grey)

    return compute


def _of_flow(
    method: FlowMethod, third: ThirdChannel
) -> Callable[[np.ndarray, np.ndarray, Resize, int], np.ndarray]:
    def compute(start: np.ndarray, apex: np.ndarray, _: Resize, size: int) -> np.ndarray:
        flow = dense_flow(start, apex, method)
        return flow_feature(resize_flow(flow, (size, size)) if size else flow, third)

    return compute


def _percent(size: int) -> float:
    return 100.0 / size  # of the frame's side


def _flow(method: FlowMethod) -> Feature:
    return Feature(
        channels=("u", "v", "magnitude"),
        units=("pixels",) * 3,
        normalisation="percent of the frame's side (pixels / side * 100)",
        source=_FLOWS[method],
        compute=_of_flow(method, "magnitude"),
        factors=lambda size: [_percent(size)] * 3,
        flow=method,
    )


def _strain(method: FlowMethod) -> Feature:
    return Feature(
        channels=("u", "v", "strain"),
        units=("pixels", "pixels", "1"),
        normalisation="u, v: percent of the frame's side; strain * 10",
        source=f"Liong et al., STSTNet, arXiv 1902.03634; flow: {_FLOWS[method]}",
        compute=_of_flow(method, "strain"),
        factors=lambda size: [_percent(size), _percent(size), 10.0],
        flow=method,
    )


FEATURES: dict[FeatureName, Feature] = {
    "difference": Feature(
        channels=("red", "green", "blue"),
        units=("grey levels",) * 3,
        normalisation="grey levels / 255 / ImageNet's deviation of the channel",
        source="GAMDSS, arXiv 2603.04766",
        compute=_difference(grey=False),
        factors=lambda _: [1 / (255 * deviation) for deviation in STD],
    ),
    "grey-difference": Feature(
        channels=("grey",),
        units=("grey levels",),
        normalisation="grey levels / 255 / 0.226, the same in the network's three channels",
        source="ITU-R BT.601 luma of the difference above",
        compute=_difference(grey=True),
        factors=lambda _: [1 / (255 * (sum(STD) / len(STD)))],
    ),
    "flow-dis": _flow("dis"),
    "flow-farneback": _flow("farneback"),
    "flow-tvl1": _flow("tvl1"),
    "flow-strain": _strain("dis"),
    "flow-strain-farneback": _strain("farneback"),
    "flow-strain-tvl1": _strain("tvl1"),
}


def scale(name: FeatureName, size: int) -> np.ndarray:
    """Factors from the units of a feature, of frames of `size` pixels, to what the network sees.

    Nothing is subtracted, so 0 remains no motion and a vector keeps its direction.

    Returns:
        (C,) float32, one for each channel.

    Raises:
        ConfigError: unknown feature, or a size that is not an integer above 0.
    """
    require_choice("name", name, list(FEATURES))
    if not is_whole(size, 1):
        raise ConfigError(f"size is {size!r}", remedy="It must be an integer above 0.")
    return np.array(FEATURES[name].factors(size), np.float32)
