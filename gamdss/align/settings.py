"""What the crops look like, and which detector finds the faces."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from gamdss.align.packaged_models import MODELS, model_files
from gamdss.errors import ConfigError, DetectorError, is_between, is_whole, require


@dataclass
class AlignConfig:
    """How faces are found and cropped. Lengths are pixels of the crops.

    Args:
        width: width of a crop; a cropped CASME II frame has 280.
        height: height of a crop; a cropped CASME II frame has 340.
        margin: space on each side of the face relative to its width; below 0 crops closer.
        quality: quality of crops written as JPEG, 1 to 100.
        detector: `dlib`; or `mtcnn`, `blazeface` or `mesh`, whose models other packages contain.
        predictor: file of a dlib shape predictor (5 or 68 points), whose eyes level the face.
        yunet: file of a YuNet model (.onnx), which finds faces and eyes in place of dlib.
        workers: worker processes; 0 starts one for each processor that the job may use.
    """

    width: int = 280
    height: int = 340
    margin: float = 0.1
    quality: int = 95
    detector: str = "dlib"
    predictor: str | None = None
    yunet: str | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("width", 32, 4096),
            ("height", 32, 4096),
            ("margin", -0.3, 3),
            ("quality", 1, 100),
        ):
            value = getattr(self, name)
            require(is_between(value, low, high), name, value, f"between {low} and {high}")
        require(is_whole(self.workers), "workers", self.workers, "0 or more")
        known = ("dlib", *MODELS)
        require(self.detector in known, "detector", self.detector, ", ".join(known))
        packaged = f"--detector {self.detector}" if self.detector in MODELS else None
        given = [
            packaged,
            self.predictor and "--predictor",
            self.yunet and "--yunet",
        ]
        both = [name for name in given if name]
        if len(both) > 1:
            raise ConfigError(
                f"{' and '.join(both)} are both given",
                remedy="Leave out one of the two: they exclude each other, and all detectors but "
                "dlib's find the eyes themselves.",
            )

    @property
    def identity(self) -> dict[str, object]:
        """Everything that determines the crops. Models are identified by content, not by path.

        Raises:
            DetectorError: a model file cannot be read.
        """
        names = ("width", "height", "margin", "quality")
        packaged = {}
        if self.detector in MODELS:
            files = [_digest(str(file), "--detector") for file in model_files(self.detector)]
            packaged = {"detector": " ".join([self.detector, *map(str, files)])}
        return {
            **packaged,
            **{name: getattr(self, name) for name in names},
            "predictor": _digest(self.predictor, "--predictor"),
            "yunet": _digest(self.yunet, "--yunet"),
        }


def _digest(file: str | None, flag: str) -> str | None:
    if file is None:
        return None
    path = Path(file).expanduser()
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise DetectorError(
            f"the model cannot be read ({error.strerror})", file=path, remedy=f"Check {flag}."
        ) from error
