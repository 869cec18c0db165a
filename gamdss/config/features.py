"""Settings of the phase features, the input of the temporal stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from gamdss.errors import is_between, is_whole, require

FeatureName = Literal[
    "difference",
    "grey-difference",
    "flow-dis",
    "flow-farneback",
    "flow-tvl1",
    "flow-strain",
    "flow-strain-farneback",
    "flow-strain-tvl1",
]


@dataclass
class FeaturesConfig:
    """What the temporal stream sees of a phase, from its weak end (onset or offset) to the apex.

    Args:
        name: `difference` of the frames (the paper's); `grey-difference`; optical flow u, v and
            magnitude by OpenCV's `flow-dis`, `flow-farneback` or `flow-tvl1` (needs
            opencv-contrib); u, v and optical strain by `flow-strain` (DIS),
            `flow-strain-farneback`, `flow-strain-tvl1`.
        magnification: factor of the linear Eulerian magnification of motion before the feature
            is computed; 1 is none.
        limit: largest change in grey levels that magnification adds to a pixel.
        window: frames on either side of a key frame that are averaged before magnification.
    """

    name: FeatureName = "difference"
    magnification: float = 1.0
    limit: float = 32.0
    window: int = 1

    def __post_init__(self) -> None:
        names = get_args(FeatureName)
        require(self.name in names, "features.name", self.name, f"one of {', '.join(names)}")
        factor = self.magnification
        require(is_between(factor, 1, 50), "features.magnification", factor, "between 1 and 50")
        ok = is_between(self.limit, 0, 255) and self.limit > 0
        require(ok, "features.limit", self.limit, "above 0, up to 255")
        ok = is_whole(self.window) and self.window <= 20
        require(ok, "features.window", self.window, "an integer, 0 to 20")

    @property
    def stored(self) -> bool:
        """Whether the store computes the feature; the plain difference needs only the frames."""
        return self.name != "difference" or self.magnification > 1

    @property
    def reach(self) -> int:
        """How many frames on either side of a key frame are used."""
        return self.window if self.magnification > 1 else 0
