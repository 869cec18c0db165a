"""OpenCV's YuNet: faces and eyes by a small network, from a model file of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gamdss.align.faces import Face
from gamdss.errors import DetectorError

_SURE = 0.7
# Of a row of YuNet's answer: left, top, width, height; then x, y of both eyes; then the rest.
_BOX, _EYES = slice(0, 4), slice(4, 8)


class YuNet:
    """Faces with eyes.

    Raises:
        DetectorError: the file is missing, or no model that OpenCV can run as YuNet.
    """

    def __init__(self, file: Path) -> None:
        self._network = _load(file)

    def faces(self, image: np.ndarray) -> list[Face]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        self._network.setInputSize((image.shape[1], image.shape[0]))
        _, rows = self._network.detect(image)
        return [] if rows is None else [_face(np.asarray(row, float)) for row in rows]


def _face(row: np.ndarray) -> Face:
    left, top, width, height = row[_BOX].tolist()
    x, y, other_x, other_y = row[_EYES].tolist()
    return Face((left, top, left + width, top + height), ((x, y), (other_x, other_y)))


def _load(file: Path) -> Any:
    if not file.is_file():
        raise DetectorError("there is no such file", file=file, remedy="Check --yunet.")
    try:
        network = cv2.FaceDetectorYN.create(str(file), "", (64, 64), _SURE)
        network.detect(np.zeros((64, 64, 3), np.uint8))
    except cv2.error as error:
        raise DetectorError(
            f"OpenCV cannot run this model ({' '.join(str(error).split())})",
            file=file,
            remedy="Give YuNet as OpenCV distributes it, face_detection_yunet_2023mar.onnx; "
            "download it again if it is that.",
        ) from error
    return network
