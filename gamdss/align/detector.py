"""The face detector that the settings ask for."""

from __future__ import annotations

from pathlib import Path

from gamdss.align.faces import Detector
from gamdss.align.settings import AlignConfig


def load_detector(settings: AlignConfig) -> Detector:
    """The detector that the settings ask for.

    Raises:
        DetectorError: its package or its model file is missing or broken.
    """
    if settings.yunet is not None:
        from gamdss.align.yunet import YuNet  # noqa: PLC0415

        return YuNet(Path(settings.yunet).expanduser())
    from gamdss.align.hog import Hog  # noqa: PLC0415

    hog = Hog()
    if settings.predictor is None:
        return hog
    from gamdss.align.landmarks import Landmarks  # noqa: PLC0415

    return Landmarks(hog, Path(settings.predictor).expanduser())
