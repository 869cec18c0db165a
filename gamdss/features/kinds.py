"""The input features by name: their channels, units and normalisation.

A feature belongs to a phase and points from its weak end to the apex: from onset to apex in the
rising phase, from offset to apex in the falling one. So both phases look alike to their shared
weights, as the differences apex - onset and apex - offset do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.config.features import FeatureName
from gamdss.features.flow import FlowMethod, ThirdChannel

STD = (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, values 0 to 1


@dataclass(frozen=True)
class Feature:
    """A kind of feature.

    Args:
        channels: what each channel is.
        units: units of the channels as computed.
        normalisation: how the network sees them, in words.
        source: publication or standard.
        flow: method of the flow; None for differences.
        third: third channel of a flow.
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    normalisation: str
    source: str
    flow: FlowMethod | None = None
    third: ThirdChannel = "magnitude"

    @property
    def is_vector(self) -> bool:
        """Whether the first two channels are a vector, which flips and rotations change."""
        return self.flow is not None


_FLOWS: dict[FlowMethod, str] = {
    "dis": "Kroeger et al., ECCV 2016 (OpenCV's DIS, preset medium)",
    "farneback": "Farnebäck, SCIA 2003 (OpenCV)",
    "tvl1": "Zach et al., DAGM 2007 (OpenCV's contributed DualTVL1)",
}


def _flow(method: FlowMethod) -> Feature:
    return Feature(
        channels=("u", "v", "magnitude"),
        units=("pixels",) * 3,
        normalisation="percent of the frame's side (pixels / side * 100)",
        source=_FLOWS[method],
        flow=method,
    )


def _strain(method: FlowMethod) -> Feature:
    return Feature(
        channels=("u", "v", "strain"),
        units=("pixels", "pixels", "1"),
        normalisation="u, v: percent of the frame's side; strain * 10",
        source=f"Liong et al., STSTNet, arXiv 1902.03634; flow: {_FLOWS[method]}",
        flow=method,
        third="strain",
    )


FEATURES: dict[FeatureName, Feature] = {
    "difference": Feature(
        channels=("red", "green", "blue"),
        units=("grey levels",) * 3,
        normalisation="grey levels / 255 / ImageNet's deviation of the channel",
        source="GAMDSS, arXiv 2603.04766",
    ),
    "grey-difference": Feature(
        channels=("grey",),
        units=("grey levels",),
        normalisation="grey levels / 255 / 0.226, the same in the network's three channels",
        source="ITU-R BT.601 luma of the difference above",
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
    """
    feature = FEATURES[name]
    if feature.flow is None:
        deviations = STD if len(feature.channels) == len(STD) else (sum(STD) / len(STD),)
        return np.array([1 / (255 * deviation) for deviation in deviations], np.float32)
    side = 100.0 / size  # percent of the frame's side
    third = 10.0 if feature.third == "strain" else side
    return np.array([side, side, third], np.float32)
