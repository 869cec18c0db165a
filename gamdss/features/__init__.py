"""Input features of a phase: images of two key frames in, arrays out; no torch, no files."""

from gamdss.features.difference import frame_difference, magnify
from gamdss.features.flow import (
    check_flow,
    dense_flow,
    flow_feature,
    resize_flow,
    strain_magnitude,
)
from gamdss.features.kinds import FEATURES, Feature, scale

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
