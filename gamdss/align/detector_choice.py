"""The detector that the settings select."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gamdss.align.blazeface import BlazeFace, FaceMesh
from gamdss.align.detectors import Detector, Hog, Landmarks, YuNet
from gamdss.align.mtcnn import Mtcnn
from gamdss.align.settings import AlignConfig

_PACKAGED: dict[str, Callable[[], Detector]] = {
    "mtcnn": Mtcnn,
    "blazeface": BlazeFace,
    "mesh": FaceMesh,
}


def load_detector(settings: AlignConfig) -> Detector:
    """The detector that the settings select.

    Raises:
        DetectorError: its package or model file is missing or broken.
    """
    if settings.yunet is not None:
        return YuNet(Path(settings.yunet).expanduser())
    if settings.detector in _PACKAGED:
        return _PACKAGED[settings.detector]()
    hog = Hog()
    if settings.predictor is None:
        return hog
    return Landmarks(hog, Path(settings.predictor).expanduser())
