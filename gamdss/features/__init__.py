"""Input features of a phase: images of two key frames in, arrays out. Neither torch nor paths."""

from gamdss.features.difference import frame_difference
from gamdss.features.flow import check_flow, dense_flow, resize_flow
from gamdss.features.kinds import FEATURES, Feature, scale
from gamdss.features.magnify import magnify
from gamdss.features.strain import flow_feature, strain_magnitude

__all__ = [
    "FEATURES",
    "Feature",
    "check_flow",
    "dense_flow",
    "flow_feature",
    "frame_difference",
    "magnify",
    "resize_flow",
    "scale",
    "strain_magnitude",
]
