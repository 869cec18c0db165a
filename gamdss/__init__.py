"""GAMDSS: reselected key frames and a two-phase network for micro-expression recognition.

Names are imported when they are first used, so that PyTorch is loaded only if needed.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gamdss.version import __version__

if TYPE_CHECKING:
    from gamdss.config import Config as Config
    from gamdss.config import ModelConfig as ModelConfig
    from gamdss.config import ReselectionConfig as ReselectionConfig
    from gamdss.config import TrainingConfig as TrainingConfig
    from gamdss.data.frame_sequence import FrameSequence as FrameSequence
    from gamdss.data.key_frame_dataset import KeyFrameDataset as KeyFrameDataset
    from gamdss.errors import GamdssError as GamdssError
    from gamdss.experiment import Experiment as Experiment
    from gamdss.losses import two_phase_loss as two_phase_loss
    from gamdss.models.release import load_original_state_dict as load_original_state_dict
    from gamdss.models.two_branch import TwoBranchNet as TwoBranchNet
    from gamdss.models.two_phase import two_phase as two_phase
    from gamdss.prediction.predictor import Predictor as Predictor
    from gamdss.records import KeyFrames as KeyFrames
    from gamdss.reselection import PRESETS as PRESETS
    from gamdss.reselection import needed_frames as needed_frames
    from gamdss.reselection import reselect as reselect
    from gamdss.reselection import spot as spot
    from gamdss.runs.finished import read_run as read_run
    from gamdss.runs.reopened import open_run as open_run
    from gamdss.tsne import TsnePicture as TsnePicture

# Read when PyTorch is loaded: how long a thread waits for the others before it gives up its core.
# On a machine with other work they would else spend most of the time waiting.
if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
    os.environ["GOMP_SPINCOUNT"] = "30000"

_HOMES = {
    "Config": "gamdss.config",
    "Experiment": "gamdss.experiment",
    "FrameSequence": "gamdss.data.frame_sequence",
    "GamdssError": "gamdss.errors",
    "ModelConfig": "gamdss.config",
    "ReselectionConfig": "gamdss.config",
    "TrainingConfig": "gamdss.config",
    "KeyFrameDataset": "gamdss.data.key_frame_dataset",
    "KeyFrames": "gamdss.records",
    "PRESETS": "gamdss.reselection",
    "Predictor": "gamdss.prediction.predictor",
    "TwoBranchNet": "gamdss.models.two_branch",
    "TsnePicture": "gamdss.tsne",
    "open_run": "gamdss.runs.reopened",
    "read_run": "gamdss.runs.finished",
    "load_original_state_dict": "gamdss.models.release",
    "needed_frames": "gamdss.reselection",
    "reselect": "gamdss.reselection",
    "spot": "gamdss.reselection",
    "two_phase": "gamdss.models.two_phase",
    "two_phase_loss": "gamdss.losses",
}
__all__ = ["__version__", *_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'gamdss' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
