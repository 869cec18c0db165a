"""Every setting of a run as dataclasses: a line of explanation for each, checked at birth.

Defaults are those of the paper's code (`hyperparameters` of arXiv 2603.04766, release v1.0.1)
unless the line says otherwise. Fields are set from YAML files and the command line by `cli`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from gamdss.config.checks import require as _require
from gamdss.config.features import FeaturesConfig
from gamdss.config.model import ModelConfig
from gamdss.config.training import TrainingConfig as TrainingConfig


@dataclass
class FramesConfig:
    """How frames are read.

    Args:
        mixed_size: what to do with a clip whose frames differ in size: stop, or resize them to
            the size of the annotated apex frame.
        grey: what to do with grey frames in a dataset that is in colour: stop, or take the grey
            value for all three channels.
        layout: which of the spec's frame layouts lies in `data_root`, such as `cropped` or
            `raw`; the first that is there where it is left out.
        pattern: path of a frame under `data_root` in place of the spec's layouts, such as
            `{subject}/{clip}/{frame}.jpg`.
        missing: what to do where an annotated frame is not there: stop, or take the nearest
            frame of the clip, with a warning.
        workers: threads that decode and resize; 0 takes one for each processor.
    """

    mixed_size: Literal["error", "resize"] = "error"
    grey: Literal["error", "accept"] = "error"
    layout: str | None = None
    pattern: str | None = None
    missing: Literal["error", "nearest"] = "error"
    workers: int = 0

    def __post_init__(self) -> None:
        _require(self.workers >= 0, "frames.workers", self.workers, "0 or more")


@dataclass
class ReselectionConfig:
    """Dynamic frame reselection.

    Args:
        preset: how key frames are found: `motion` fits a rise and fall to the clip's own motion;
            `full`, `short` and others search a window for the largest difference, `original-*`
            as the release computes it; `none` keeps the annotated frames.
        ratio: half window as a fraction of the phase; the preset's own where it is left out.
        clips: which clips use reselected frames: all, or (as in the release) only those that a
            fold trains on, while held-out clips use the annotated ones.
    """

    preset: str = "motion"
    ratio: float | None = None
    clips: Literal["all", "training"] = "all"

    def __post_init__(self) -> None:
        ok = self.ratio is None or 0 <= self.ratio <= 1
        _require(ok, "reselection.ratio", self.ratio, "between 0 and 1")


@dataclass
class AugmentationConfig:
    """Augmentation of training clips, one draw for the three frames of a clip.

    Args:
        flip: probability of a horizontal flip.
        rotation: largest rotation in degrees, either way.
        crop_padding: zero border in pixels from which the crop is drawn; for frames of 224 pixels,
            and scaled with the image size.
    """

    flip: float = 0.5
    rotation: float = 3.0
    crop_padding: int = 15

    def __post_init__(self) -> None:
        _require(0 <= self.flip <= 1, "augmentation.flip", self.flip, "between 0 and 1")
        _require(0 <= self.rotation < 180, "augmentation.rotation", self.rotation, "in [0, 180)")
        _require(
            0 <= self.crop_padding <= 112,
            "augmentation.crop_padding",
            self.crop_padding,
            "0 to 112",
        )


@dataclass
class ProtocolConfig:
    """Which clips are held out together.

    Args:
        name: `loso` leaves one subject out; `kfold` one of several parts of whole subjects;
            `leave-one-dataset-out` one dataset of several; `hold-out-dataset` the dataset
            `held_out` only; `fixed` follows the file `split`.
        parts: how many parts `kfold` makes.
        held_out: the dataset that `hold-out-dataset` is judged on.
        split: CSV file of `fixed`: subject,part or subject,clip,part; the part called train is
            trained on, each other one judged.
    """

    name: Literal["loso", "kfold", "leave-one-dataset-out", "hold-out-dataset", "fixed"] = "loso"
    parts: int = 10
    held_out: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        _require(self.parts >= 2, "protocol.parts", self.parts, "2 or more")
        for name, flag in (("hold-out-dataset", "held_out"), ("fixed", "split")):
            if self.name == name and not getattr(self, flag):
                value = getattr(self, flag)
                _require(False, f"protocol.{flag}", value, f"given for --protocol.name {name}")


@dataclass
class Config:
    """A run: a dataset, a task, and how the network is trained and judged on it.

    Args:
        dataset: name of the dataset's spec (`gamdss datasets` lists them), path of a spec of your
            own, or `csv` for a plain table of clips. Several make a composite: `smic+cas2+samm`.
        task: name of the classification task, such as `c5` or `c3`.
        data_root: the dataset's folder as it was delivered, with the workbook and the frames. Of a
            composite, each one's: `smic=/data/SMIC,cas2=/data/CASME2`.
        annotations: the workbook, if it is not in `data_root` under one of its known names, or
            another one, from here or from `data_root`; of a composite, in the same form.
        clip_list: a CSV file of dataset,subject,clip,class, such as MEGC2019's: only its clips are
            taken, with its classes.
        output: the run directory; `runs/<dataset>_<task>` under the working directory where it
            is left out.
        cache: folder for decoded frames and made datasets; the user's cache folder where it is
            left out.
        corrections: mend the workbook's known mistakes, where a cell is at fault.
        case_sensitive_emotions: take emotions in the dataset's own spelling only, as the release
            does (857 of CAS(ME)3's 860 clips).
        strict: refuse what is otherwise mended with a warning: missing apexes, unknown emotions.
        seed: of initialisation, order, augmentation and stochastic depth; each fold draws its
            own stream from it.
        device: `auto` (CUDA if there is one), `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads of the computation; 0 leaves the number to PyTorch.
        tensorboard: write the curves for TensorBoard too (needs the package tensorboard).
        frames: how frames are read.
        reselection: which frames stand for onset, apex and offset.
        features: what the temporal stream sees of a phase.
        model: the network.
        augmentation: what is drawn for each training clip.
        training: the optimisation of one fold.
        protocol: which clips are held out together.
    """

    dataset: str = "cas2"
    task: str = "c5"
    data_root: str | None = None
    annotations: str | None = None
    clip_list: str | None = None
    output: str | None = None
    cache: str | None = None
    corrections: bool = True
    case_sensitive_emotions: bool = False
    strict: bool = False
    seed: int = 2
    device: str = "auto"
    threads: int = 0
    tensorboard: bool = False
    frames: FramesConfig = field(default_factory=FramesConfig)
    reselection: ReselectionConfig = field(default_factory=ReselectionConfig)
    features: FeaturesConfig = field(default_factory=FeaturesConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)

    def __post_init__(self) -> None:
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        _require(self.threads >= 0, "threads", self.threads, "0 or more")

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as they are written to `config.yaml`."""
        return asdict(self)


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values with dotted names: {"training": {"epochs": 3}} -> {"training.epochs": 3}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def field_names(config: type = Config, prefix: str = "") -> list[str]:
    """Dotted names of all fields, groups left out."""
    names: list[str] = []
    for item in fields(config):
        default = item.default_factory if callable(item.default_factory) else None
        if isinstance(default, type) and is_dataclass(default):
            names += field_names(default, f"{prefix}{item.name}.")
        else:
            names.append(f"{prefix}{item.name}")
    return names
