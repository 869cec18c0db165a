"""Every setting of a run, as dataclasses that check their values.

Defaults are those of the paper's code (`hyperparameters` of arXiv 2603.04766, release v1.0.1)
unless the docstring says otherwise. Fields are set in Python, in YAML files (`load`) and on the
command line (`command_line`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal

from gamdss.config.features import FeaturesConfig
from gamdss.config.model import ModelConfig
from gamdss.config.training import TrainingConfig as TrainingConfig
from gamdss.errors import ConfigError, is_between, is_whole, require
from gamdss.records import AU_TASK


@dataclass
class FramesConfig:
    """How frames are read.

    Args:
        mixed_size: what to do with a clip whose frames differ in size: stop, or resize them to
            the size of the annotated apex frame.
        grey: what to do with grey frames in a dataset that is in colour: stop, or use the grey
            value for all three channels.
        layout: the spec's frame layout in `data_root`, such as `cropped` or `raw`; the first one
            found if omitted.
        pattern: path of a frame under `data_root` in place of the spec's layouts, such as
            `{subject}/{clip}/{frame}.jpg`; files named otherwise are no frames, if any fits.
        missing: what to do if an annotated frame is missing: stop, or take the nearest frame of
            the clip, with a warning, if it is at most a quarter of the phase or 3 frames away.
        workers: largest number of processes that read clips; 0 takes one per processor, but at
            most one per 20 clips; 1 starts none.
    """

    mixed_size: Literal["error", "resize"] = "error"
    grey: Literal["error", "accept"] = "error"
    layout: str | None = None
    pattern: str | None = None
    missing: Literal["error", "nearest"] = "error"
    workers: int = 0

    def __post_init__(self) -> None:
        require(is_whole(self.workers), "frames.workers", self.workers, "0 or more")
        if self.layout is not None and self.pattern is not None:
            raise ConfigError(
                "a layout and a pattern of frames are both given",
                remedy="Omit one of the two: a pattern replaces all layouts.",
            )


@dataclass
class ReselectionConfig:
    """Dynamic frame reselection.

    Args:
        preset: how key frames are found: `motion` fits a rise and fall to the motion of the clip;
            `full`, `short` and others search a window for the largest difference, `original-*`
            as the release computes it; `none` keeps the annotated frames.
        ratio: half window as a share of the phase; for `motion`, the share of the clip's length
            read before and after it; the preset's if omitted.
        clips: which clips use reselected frames: all, or, as in the release, only those that a
            fold trains on, while held-out clips use annotated frames.
        prior: errors of the annotator and shapes of the courses that `motion` expects: learned from
            the dataset, for each subject from the clips of the others, or fixed.
        annotators: a CSV file of who annotated which subjects (subject,annotator, with any names);
            errors are learned per annotator.
        draws: number of equally likely key frames drawn for each clip, from the posterior of
            `motion` or with `jitter`; each epoch trains on a different draw. 0 always trains on
            the reselected ones.
        train_draws: whether epochs train on the draws; if not, only tests use them.
        test_draws: number of these draws over which the probabilities of an evaluated clip are
            averaged; 0 evaluates the reselected key frames.
        jitter: draw by moving the reselected key frames at random, by up to this share of a phase
            (at most 0.5); 0 draws from the posterior.

    Raises:
        ConfigError: a value is out of its range, or of no effect with the others.
    """

    preset: str = "motion"
    ratio: float | None = None
    clips: Literal["all", "training"] = "all"
    prior: Literal["dataset", "fixed"] = "dataset"
    annotators: str | None = None
    draws: int = 0
    train_draws: bool = True
    test_draws: int = 0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        ok = self.ratio is None or is_between(self.ratio, 0, 1)
        require(ok, "reselection.ratio", self.ratio, "between 0 and 1")
        used = self.preset == "motion" and self.prior == "dataset"
        allowed = "omitted, or with reselection.preset motion and reselection.prior dataset"
        ok = self.annotators is None or used
        require(ok, "reselection.annotators", self.annotators, allowed)
        draws, tested = self.draws, self.test_draws
        whole = is_whole(draws) and draws <= 1000
        require(whole, "reselection.draws", draws, "an integer, 0 to 1000")
        allowed = f"0 to reselection.draws, which is {draws}"
        require(is_whole(tested) and tested <= draws, "reselection.test_draws", tested, allowed)
        allowed = "true, or false with reselection.test_draws of 1 or more"
        require(
            self.train_draws or tested > 0, "reselection.train_draws", self.train_draws, allowed
        )
        allowed = "0 with reselection.clips training, which evaluates annotated key frames"
        require(self.clips == "all" or not tested, "reselection.test_draws", tested, allowed)
        # Beyond half a phase, onset and apex could change places.
        require(
            is_between(self.jitter, 0, 0.5), "reselection.jitter", self.jitter, "between 0 and 0.5"
        )
        allowed = "1 or more with reselection.jitter"
        require(draws > 0 or not self.jitter, "reselection.draws", draws, allowed)


# What `gamdss features` and `gamdss bias`, which train nothing, do not use of it.
TRAINED_ONLY = tuple(
    f"reselection.{name}" for name in ("clips", "draws", "train_draws", "test_draws", "jitter")
)


@dataclass
class AugmentationConfig:
    """Augmentation of training clips, one draw for the three frames of a clip.

    Args:
        flip: probability of a horizontal flip.
        rotation: largest rotation in degrees, either way.
        crop_padding: zero border in pixels within which the crop is drawn, for frames of 224
            pixels; scaled with the image size.
    """

    flip: float = 0.5
    rotation: float = 3.0
    crop_padding: int = 15

    def __post_init__(self) -> None:
        require(is_between(self.flip, 0, 1), "augmentation.flip", self.flip, "between 0 and 1")
        ok = is_between(self.rotation, 0, 180) and self.rotation < 180
        require(ok, "augmentation.rotation", self.rotation, "in [0, 180)")
        padding = self.crop_padding
        require(
            is_whole(padding) and padding <= 112,
            "augmentation.crop_padding",
            padding,
            "an integer, 0 to 112",
        )


@dataclass
class ProtocolConfig:
    """Which clips are held out together.

    Args:
        name: `loso` leaves one subject out; `kfold` one of several parts of whole subjects;
            `leave-one-dataset-out` one dataset of several; `hold-out-dataset` only the dataset
            `held_out`; `fixed` follows the file `split`; `all` holds nothing out and trains one
            network on everybody, whose held-out score is unknown.
        parts: number of parts of `kfold`.
        held_out: the dataset that `hold-out-dataset` evaluates.
        split: CSV file of `fixed`: subject,part or subject,clip,part; the part called train is
            trained on, each other part is evaluated.
    """

    name: Literal["loso", "kfold", "leave-one-dataset-out", "hold-out-dataset", "fixed", "all"] = (
        "loso"
    )
    parts: int = 10
    held_out: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        require(is_whole(self.parts, 2), "protocol.parts", self.parts, "2 or more")
        for name, flag in (("hold-out-dataset", "held_out"), ("fixed", "split")):
            value = getattr(self, flag)
            allowed = f"given for --protocol.name {name}"
            require(self.name != name or bool(value), f"protocol.{flag}", value, allowed)
            allowed = f"omitted with --protocol.name {self.name}: only {name} uses it"
            require(self.name == name or value is None, f"protocol.{flag}", value, allowed)


@dataclass
class Config:
    """A run: a dataset, a task, and how a network is trained and evaluated on it.

    Args:
        dataset: name of the dataset's spec (`gamdss datasets` lists them), path of a custom spec,
            or `csv` for a plain table of clips. Several make a composite: `smic+cas2+samm`.
        task: name of the classification task, such as `c5` or `c3`, or `au` for action units.
        data_root: the dataset's folder as delivered, with the workbook and the frames; of a
            composite, one each: `smic=/data/SMIC,cas2=/data/CASME2`.
        annotations: the workbook, relative to the working directory or to `data_root`, if it is
            not in `data_root` under one of its known names; of a composite, in the same form.
        clip_list: a CSV file of dataset,subject,clip,class, such as MEGC2019's: only its clips are
            used, with its classes.
        output: the folder of the results; if omitted, one in `runs` in the working directory, such
            as `runs/<dataset>_<task>` for training, `runs/bias_<dataset>` for `gamdss bias`.
        cache: folder for decoded frames and synthetic datasets; the user's cache folder if
            omitted.
        init_from: a run, or a folder of `gamdss export --format pretrained`, whose weights
            training starts from; of a run, each fold from the fold of the same name. Weights that
            have seen a held-out subject are refused.
        init_from_seen: start from such weights nevertheless; the results say that they cannot be
            trusted.
        corrections: correct known mistakes of the workbook, if a cell shows them.
        case_sensitive_emotions: accept emotions only in the dataset's own spelling, as the release
            does (857 of the 860 clips of CAS(ME)3).
        strict: stop at what is otherwise fixed with a warning: missing apexes, unknown emotions
            and types.
        seed: of initialisation, order, augmentation and stochastic depth; each fold derives its
            own random stream from it.
        device: `auto` (CUDA if available), `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads of the computation; 0 leaves the number to PyTorch.
        tensorboard: also write the curves for TensorBoard (needs the package tensorboard).
        frames: how frames are read.
        reselection: which frames are used as onset, apex and offset.
        features: what the temporal stream sees of a phase.
        model: the network.
        augmentation: random changes of training clips.
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
    init_from: str | None = None
    init_from_seen: bool = False
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
        require(is_whole(self.seed), "seed", self.seed, "0 or more")
        require(is_whole(self.threads), "threads", self.threads, "0 or more")
        seen = self.init_from_seen
        require(self.init_from is not None or not seen, "init_from_seen", seen, "with --init-from")
        selection = self.training.selection
        ok = self.protocol.name != "all" or selection == "final"
        allowed = "final with --protocol.name all, which sets nobody aside"
        require(ok, "training.selection", selection, allowed)
        if self.task == AU_TASK:
            self._check_unit_task()

    def _check_unit_task(self) -> None:
        """Refuse what needs one class for each clip."""
        allowed = "{} with --task au, whose clips show several action units"
        training = self.training
        sampling, weight = training.sampling, training.au_weight
        require(sampling == "shuffle", "training.sampling", sampling, allowed.format("shuffle"))
        require(weight == 0, "training.au_weight", weight, allowed.format("0"))
        require(self.clip_list is None, "clip_list", self.clip_list, allowed.format("omitted"))

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, as in `config.yaml`."""
        return asdict(self)


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted name: {"training": {"epochs": 3}} -> {"training.epochs": 3}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def field_names(config: type = Config, prefix: str = "") -> list[str]:
    """Dotted names of all fields, without the groups themselves."""
    names: list[str] = []
    for item in fields(config):
        default = item.default_factory if callable(item.default_factory) else None
        if isinstance(default, type) and is_dataclass(default):
            names += field_names(default, f"{prefix}{item.name}.")
        else:
            names.append(f"{prefix}{item.name}")
    return names
