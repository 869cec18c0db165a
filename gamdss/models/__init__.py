"""Networks: the temporal and the spatial stream, and the two-branch network that uses them.

Importing this package registers `gamdss_rmt` and `gamdss_two_branch` with `timm.create_model`.
"""

from gamdss.models import registry as registry
from gamdss.models.backbones import TimmStream
from gamdss.models.release import load_original_state_dict
from gamdss.models.rmt import RMT
from gamdss.models.spatial import SpatialStream
from gamdss.models.temporal import TemporalStream
from gamdss.models.two_branch import TwoBranchNet

__all__ = [
    "RMT",
    "SpatialStream",
    "TemporalStream",
    "TimmStream",
    "TwoBranchNet",
    "load_original_state_dict",
]
